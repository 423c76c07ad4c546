import { randomBytes as systemRandomBytes, X509Certificate } from 'node:crypto';
import {
  type CertificateDetails,
  certificateDetails,
  createAuthority,
  generateKeyPair,
  issueCertificate,
  type Profile,
  type Signer,
  type Subject,
  softwareSigner,
} from '@loadline/sdk/identity';
import { type Keyring, openPrivateKey, sealPrivateKey } from '../keys/index.ts';
import type { Certificate } from './certificates.ts';
import { AuthorityError } from './errors.ts';
import type { Issuing, Root } from './kept.ts';

const hour = 3_600_000;
const day = 24 * hour;

/** How long certificates live, in milliseconds. */
export const lifetimes = {
  root: 20 * 365 * day,
  intermediate: 3 * 365 * day,
  server: 90 * day,
  gateway: 30 * day,
  voucher: 365 * day,
  /** So long after its end an issuer is remembered: a gateway may be let in with a certificate that ended before. */
  remembered: 400 * day,
} as const;

/** What the making of certificates needs of the world. */
export interface Making {
  readonly keys: Keyring;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Randomness of serial numbers, by default the system's. */
  readonly randomBytes?: ((count: number) => Uint8Array) | undefined;
}

/** One certificate that was issued, as it is to be recorded. */
export interface Issuance extends CertificateDetails {
  readonly profile: Profile['profile'];
  readonly certificatePem: string;
  /** The certificate, and those between it and the roots: what TLS wants as `cert`, and EST answers. */
  readonly chainPem: string;
  /** SHA-256 of the DER of the certificate that signed it, hex; of a root its own. */
  readonly issuerFingerprint: string;
}

/**
 * When a certificate begins and ends, and its number. It begins a little before it is made, because clocks are a little
 * slow: an hour, of one that lives less than ten hours a tenth of its life. It never outlives its issuer.
 */
export function terms(
  { now, randomBytes = systemRandomBytes }: Omit<Making, 'keys'>,
  life: number,
  until = Number.POSITIVE_INFINITY,
) {
  const notBefore = now() - Math.min(hour, life / 10);
  return { notBefore, notAfter: Math.min(now() + life, until), serial: randomBytes(16) };
}

/** A name of its own for each authority: two with one name are hard to tell apart in an error. */
function authorityName(kind: 'fleet' | 'issuing', { randomBytes = systemRandomBytes }: Making): string {
  return `Loadline ${kind} authority ${Buffer.from(randomBytes(4)).toString('hex')}`;
}

/** A root for this key, and the key sealed. */
export async function makeRoot(making: Making, privateKeyPem: string): Promise<{ pem: string; key: string }> {
  const signer = softwareSigner(privateKeyPem);
  const commonName = authorityName('fleet', making);
  const pem = createAuthority({ commonName, signer, ...terms(making, lifetimes.root) });
  return { pem, key: await sealPrivateKey(making.keys, signer.publicKeyPem, privateKeyPem) };
}

/** A new issuing certificate under a root whose key is here, and its key sealed. */
export async function makeIntermediate(making: Making, root: Root): Promise<{ pem: string; key: string }> {
  const issuer = { certificatePem: root.pem, signer: await signerOf(making.keys, root) };
  const { subject, key } = await makeSealedKey(making);
  const ends = terms(making, lifetimes.intermediate, root.details.notAfter);
  mustNotHaveEnded(root, making.now());
  return { pem: issueCertificate({ ...ends, profile: 'authority', pathLength: 0, issuer, subject }), key };
}

/** A key for an issuing certificate, sealed, and the name that it is to have. */
export async function makeSealedKey(
  making: Making,
): Promise<{ subject: Subject; signer: Signer; key: string }> {
  const { privateKeyPem, publicKeyPem } = await generateKeyPair();
  const signer = softwareSigner(privateKeyPem);
  const subject = { commonName: authorityName('issuing', making), publicKeyPem };
  return { subject, signer, key: await sealPrivateKey(making.keys, publicKeyPem, privateKeyPem) };
}

/** The signer of a root or an issuer, out of its sealed key. @throws AuthorityError, SealError */
export async function signerOf(keys: Keyring, { details, key }: Root | Issuing): Promise<Signer> {
  if (key === null) {
    throw new AuthorityError('authority-offline', `the private key of ${details.commonName} is not here`);
  }
  const signer = softwareSigner(await openPrivateKey(keys, details.publicKeyPem, key));
  if (signer.publicKeyPem !== details.publicKeyPem) {
    throw new AuthorityError(
      'authority-incomplete',
      `the key that is kept for ${details.commonName} is another's`,
    );
  }
  return signer;
}

/** @throws AuthorityError `authority-expired` */
export function mustNotHaveEnded({ details }: Certificate, now: number): void {
  if (details.notAfter > now) return;
  throw new AuthorityError(
    'authority-expired',
    `${details.commonName} ended at ${new Date(details.notAfter).toISOString()}, and nothing can be issued with it: ` +
      "have it replaced with 'loadline-cloud authority request', 'loadline ca sign' and 'loadline-cloud authority install'",
  );
}

/** What is told of a certificate of an authority: a root, a cross certificate, an issuer. */
export function authorityIssuance(certificate: Certificate, all: readonly Certificate[]): Issuance {
  const issuer = all.find(
    (each) => certificate.x509.checkIssued(each.x509) && certificate.x509.verify(each.x509.publicKey),
  );
  return {
    ...certificate.details,
    profile: 'authority',
    certificatePem: certificate.pem,
    chainPem: certificate.pem,
    issuerFingerprint: issuer?.details.fingerprint ?? certificate.details.fingerprint,
  };
}

/** What is told of a certificate that was issued to a holder. `above`: what is shown after it. */
export function holderIssuance(
  profile: Issuance['profile'],
  pem: string,
  above: readonly Certificate[],
): Issuance {
  const certificatePem = new X509Certificate(pem).toString();
  const details = certificateDetails(pem);
  return {
    ...details,
    profile,
    certificatePem,
    chainPem: certificatePem + above.map((each) => each.pem).join(''),
    issuerFingerprint: above[0]?.details.fingerprint ?? details.fingerprint,
  };
}
