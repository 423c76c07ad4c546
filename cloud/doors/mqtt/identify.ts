import type { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import type { Code } from '@loadline/sdk/contract';
import type { GatewayPrincipal } from '../../access/index.ts';
import type { Directory } from '../../router/index.ts';

/** Why somebody is nobody here. */
type Refusal = Extract<
  Code,
  'identity-mismatch' | 'device-disabled' | 'gateway-unknown' | 'certificate-revoked' | 'certificate-expired'
>;

/**
 * Who this is, by the certificate of its TLS session; or the code of why it is nobody. Asked at every connection: a
 * resumed session brings its old certificate without proving it again, and TLS looks at neither revocation nor time.
 *
 * @param now ms since 1970
 */
export function identify(
  socket: TLSSocket | undefined,
  clientId: string,
  directory: Directory,
  now: number,
): GatewayPrincipal | Refusal {
  const certificate = socket?.getPeerX509Certificate();
  const name = nameOf(certificate);
  if (certificate === undefined || name === undefined || name !== clientId) return 'identity-mismatch';
  if (certificate.validToDate.getTime() < now) return 'certificate-expired';
  const fingerprint = certificate.fingerprint256.replaceAll(':', '').toLowerCase();
  const gateway = directory.device(name);
  const standing = directory.certificate(fingerprint, name);
  if (standing === 'revoked') return 'certificate-revoked';
  if (gateway === undefined || standing !== 'good') return 'gateway-unknown';
  if (!gateway.enabled) return 'device-disabled';
  return { kind: 'gateway', id: gateway.id, organisation: gateway.organisation };
}

/** Whom a certificate names; undefined where there is none, or no such name in it. */
export function nameOf(certificate: X509Certificate | undefined): string | undefined {
  return /^CN=(.+)$/m.exec(certificate?.subject ?? '')?.[1];
}

/**
 * What a connection shows for a certificate: a good one, none at all, or one that is refused, with the reason. To be
 * asked for the certificate first: of a resumed session without one TLS says that all is well.
 */
export function certificateOf(
  socket: TLSSocket,
):
  | { readonly kind: 'good' }
  | { readonly kind: 'none' }
  | { readonly kind: 'refused'; readonly reason: string } {
  if (socket.getPeerX509Certificate() === undefined) return { kind: 'none' };
  if (socket.authorized) return { kind: 'good' };
  return { kind: 'refused', reason: String(socket.authorizationError) };
}
