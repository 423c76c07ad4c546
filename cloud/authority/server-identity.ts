import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import type { Profile } from '@loadline/sdk/identity';

/** What the cloud's TLS servers need as `key` and `cert`. */
export interface ServerIdentity {
  readonly privateKeyPem: string;
  /** Its own certificate, then those between it and every root that is trusted. */
  readonly certificatePem: string;
  /** Milliseconds since 1970. */
  readonly notAfter: number;
}

/** Host names and addresses, each once, as the certificate of a server has them. */
export function serverProfile(names: readonly string[]): Extract<Profile, { profile: 'server' }> {
  const each = [...new Set(names)];
  return {
    profile: 'server',
    dnsNames: each.filter((name) => isIP(name) === 0),
    ipAddresses: each.filter((name) => isIP(name) !== 0),
  };
}

/** Whether a certificate is for these names and no others. */
export function isForNames(pem: string, names: readonly string[]): boolean {
  const certificate = new X509Certificate(pem);
  const each = [...new Set(names)];
  const certified = certificate.subjectAltName?.split(', ') ?? [];
  return (
    certified.length === each.length &&
    each.every(
      (name) => (isIP(name) === 0 ? certificate.checkHost(name) : certificate.checkIP(name)) !== undefined,
    )
  );
}
