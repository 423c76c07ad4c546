import type { X509Certificate } from 'node:crypto';
import type { Code } from '@loadline/sdk/contract';
import type { GatewayPrincipal } from '../access/index.ts';
import type { Device, Directory } from '../router/index.ts';

/** Why a certificate proves nobody here. */
export type CertificateRefusal = Extract<
  Code,
  | 'identity-mismatch'
  | 'gateway-unknown'
  | 'device-disabled'
  | 'device-retired'
  | 'certificate-revoked'
  | 'certificate-superseded'
  | 'certificate-held-back'
  | 'certificate-expired'
>;

/** A gateway that is proven by its certificate. */
export interface ProvenGateway {
  readonly kind: 'gateway';
  readonly device: Device;
  /** SHA-256 of the certificate, hex digits. */
  readonly fingerprint: string;
  /** When it ends, ms since 1970. */
  readonly notAfter: number;
}

/** Whom a certificate names; undefined where there is none, or no such name in it. */
export function nameOf(certificate: X509Certificate | undefined): string | undefined {
  return /^CN=(.+)$/m.exec(certificate?.subject ?? '')?.[1];
}

/**
 * Which gateway this certificate is one of, whatever time it is: it was issued here, to a gateway that is in service, and
 * has not ended before its time. That its chain is good, and that the other end has its key, has been seen before.
 */
export function gatewayOf(
  certificate: X509Certificate,
  directory: Directory,
): ProvenGateway | Exclude<CertificateRefusal, 'certificate-expired'> {
  const name = nameOf(certificate);
  if (name === undefined) return 'identity-mismatch';
  const fingerprint = certificate.fingerprint256.replaceAll(':', '').toLowerCase();
  const device = directory.device(name);
  const fault = standingFault(fingerprint, name, directory);
  if (fault !== undefined) return fault;
  if (device === undefined) return 'gateway-unknown';
  return { kind: 'gateway', device, fingerprint, notAfter: lastMoment(certificate) };
}

/** Why a certificate that was good has ended before its time, or its gateway is in service no more; undefined: neither. */
export function endedSince(
  { device, fingerprint }: ProvenGateway,
  directory: Directory,
): CertificateRefusal | undefined {
  return standingFault(fingerprint, device.id, directory);
}

/**
 * Why a gateway that was proven is so no more, and undefined where it is: whatever stays open by a certificate asks once
 * a second.
 *
 * @param now ms since 1970
 */
export function stillFault(
  { device, fingerprint, notAfter }: ProvenGateway,
  directory: Directory,
  now: number,
): CertificateRefusal | undefined {
  return (
    standingFault(fingerprint, device.id, directory) ?? (notAfter < now ? 'certificate-expired' : undefined)
  );
}

/** The gateway as what may do things. */
export function principalOf({ device }: ProvenGateway): GatewayPrincipal {
  return { kind: 'gateway', id: device.id, organisation: device.organisation };
}

function standingFault(
  fingerprint: string,
  name: string,
  directory: Directory,
): Exclude<CertificateRefusal, 'certificate-expired'> | undefined {
  const standing = directory.certificates.standing(fingerprint, name);
  switch (standing) {
    case 'unknown':
      return 'gateway-unknown';
    case 'revoked':
      return 'certificate-revoked';
    case 'superseded':
      return 'certificate-superseded';
    case 'restored':
      return 'certificate-held-back';
    case 'retired':
    case 'moved':
      return 'device-retired';
    case 'good': {
      const enabled = directory.device(name)?.enabled;
      return enabled === false ? 'device-disabled' : undefined;
    }
  }
}

/** The end of its last second, which counts in full (RFC 5280, section 4.1.2.5). */
function lastMoment({ validToDate }: X509Certificate): number {
  return validToDate.getTime() + 999;
}

/** What whoever is in charge of a gateway can do where its certificate proves nothing. */
export const remedies: Readonly<Record<CertificateRefusal, string>> = {
  'identity-mismatch': 'the certificate names no gateway',
  'gateway-unknown':
    'this cloud has issued no such certificate: have the gateway enrol here (a new enrolment secret, or the provisioning tool)',
  'device-disabled': 'the device is switched off: whoever is in charge of it can switch it on again',
  'device-retired':
    'the gateway was retired or released by its organisation: reset it, and provision it under a new id',
  'certificate-revoked':
    'the certificate was revoked: have a new enrolment secret made for the gateway (device enrol), or provision it again',
  'certificate-superseded':
    'a newer certificate of this gateway is in use: renew with that one; where it is lost, have a new enrolment secret made ' +
    'for the gateway (device enrol), or provision it again',
  // A gateway tells the beginning of it on site, beside what it says itself.
  'certificate-held-back':
    'held back since the cloud was restored: switch the device on and readmit it (device certificate readmit), or have a new ' +
    'enrolment secret made (device enrol)',
  'certificate-expired':
    'have a new enrolment secret made for the gateway (device enrol), or provision it again; an organisation may let expired ' +
    'certificates be renewed for some days (certificateGraceDays)',
};
