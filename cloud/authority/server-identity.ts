import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { certificateDetails, generateKeyPair, type Subject, softwareSigner } from '@loadline/sdk/identity';
import { readIfThere, writeWhole } from '@loadline/sdk/platform';

/** What the cloud's TLS servers need as `key` and `cert`. */
export interface ServerIdentity {
  readonly privateKeyPem: string;
  readonly certificatePem: string;
  /** Milliseconds since 1970. */
  readonly notAfter: number;
}

interface ServerOrder {
  readonly subject: Subject;
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
}

/**
 * The server's identity in the file at `path`, made anew where it will not do. Key and certificate are one file, so
 * that a renewal replaces both or neither. A new certificate has a new key.
 */
export async function openServerIdentity(options: {
  path: string;
  names: readonly string[];
  issuerPem: string;
  now: number;
  issue: (order: ServerOrder) => Promise<string>;
}): Promise<ServerIdentity> {
  const { path, issuerPem, now, issue } = options;
  const names = [...new Set(options.names)];
  const kept = readIdentity(await readIfThere(path));
  if (kept !== undefined && isGood(kept, names, issuerPem, now)) return kept;

  const { privateKeyPem, publicKeyPem } = await generateKeyPair();
  const certificatePem = await issue({
    subject: { commonName: 'Loadline cloud', publicKeyPem },
    dnsNames: names.filter((name) => isIP(name) === 0),
    ipAddresses: names.filter((name) => isIP(name) !== 0),
  });
  await writeWhole(path, privateKeyPem + certificatePem, 0o600);
  return { privateKeyPem, certificatePem, notAfter: certificateDetails(certificatePem).notAfter };
}

/** Anything unreadable counts as absent: unlike the root, this identity can be replaced at any time. */
function readIdentity(content: string | undefined): ServerIdentity | undefined {
  const start = content?.indexOf('-----BEGIN CERTIFICATE-----') ?? -1;
  if (content === undefined || start < 0) return undefined;
  const privateKeyPem = content.slice(0, start);
  const certificatePem = content.slice(start);
  try {
    const { notAfter, publicKeyPem } = certificateDetails(certificatePem);
    if (softwareSigner(privateKeyPem).publicKeyPem !== publicKeyPem) return undefined;
    return { privateKeyPem, certificatePem, notAfter };
  } catch {
    return undefined;
  }
}

function isGood(identity: ServerIdentity, names: readonly string[], issuerPem: string, now: number): boolean {
  const certificate = new X509Certificate(identity.certificatePem);
  const issuer = new X509Certificate(issuerPem);
  const { notBefore, notAfter } = certificateDetails(identity.certificatePem);
  const certified = certificate.subjectAltName?.split(', ') ?? [];
  return (
    now >= notBefore &&
    notAfter - now >= (notAfter - notBefore) / 3 &&
    certificate.checkIssued(issuer) &&
    certificate.verify(issuer.publicKey) &&
    certified.length === names.length &&
    names.every(
      (name) => (isIP(name) === 0 ? certificate.checkHost(name) : certificate.checkIP(name)) !== undefined,
    )
  );
}
