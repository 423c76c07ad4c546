import { randomBytes } from 'node:crypto';
import {
  createAuthority,
  generateKeyPair,
  type Issuer,
  issueCertificate,
  type Profile,
  softwareSigner,
} from '@loadline/sdk/identity';

const day = 86_400_000;
const now = Date.now();

/** For tests: now, a day ago to a month ahead. */
export const goodTimes = { notBefore: now - day, notAfter: now + 30 * day };
/** For tests: a certificate that has ended. */
export const endedTimes = { notBefore: now - 30 * day, notAfter: now - 2 * day };

/** For tests: an authority with a key of its own. */
export async function makeAuthority(commonName = 'Fleet'): Promise<Issuer> {
  const signer = softwareSigner((await generateKeyPair()).privateKeyPem);
  const times = { notBefore: now - 400 * day, notAfter: now + 400 * day, serial: randomBytes(16) };
  return { signer, certificatePem: createAuthority({ commonName, signer, ...times }) };
}

/** For tests: a key and a certificate of `issuer`. */
export async function makeHolder(issuer: Issuer, commonName: string, profile: Profile, times = goodTimes) {
  const { privateKeyPem, publicKeyPem } = await generateKeyPair();
  const subject = { commonName, publicKeyPem };
  const chainPem = issueCertificate({ ...times, ...profile, serial: randomBytes(16), issuer, subject });
  return { privateKeyPem, chainPem };
}

/** For tests: a server on this machine. */
export const localServer: Profile = {
  profile: 'server',
  dnsNames: ['localhost'],
  ipAddresses: ['127.0.0.1'],
};
