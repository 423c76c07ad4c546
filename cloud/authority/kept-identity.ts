/**
 * A key with its certificate in one file, so that a renewal replaces both or neither; the key is sealed.
 *
 *     server.json, voucher.json   0600   {"format":1,"key":"<JWE>","certificate":"<PEM>"}
 */
import { certificateDetails, generateKeyPair, type Subject, softwareSigner } from '@loadline/sdk/identity';
import { readIfThere, writeWhole } from '@loadline/sdk/platform';
import { z } from 'zod';
import { type Keyring, openPrivateKey, sealPrivateKey } from '../keys/index.ts';
import { type Certificate, hasSigned, readCertificate } from './certificates.ts';

const schema = z.strictObject({ format: z.literal(1), key: z.string(), certificate: z.string() });

/** A key and the certificate for it, without those above it. */
export interface KeptIdentity {
  readonly privateKeyPem: string;
  readonly certificatePem: string;
}

/**
 * The identity in the file at `path`, made anew, with a new key, where it will not do: it is damaged, from another issuer,
 * in the last third of its life, or not what `fits` wants.
 */
export async function openIdentity(options: {
  path: string;
  keys: Keyring;
  commonName: string;
  issuer: Certificate;
  now: number;
  fits: (certificate: Certificate) => boolean;
  issue: (subject: Subject) => Promise<string>;
}): Promise<KeptIdentity> {
  const { path, keys, commonName, issuer, now, fits, issue } = options;
  const kept = await readIdentity(path, keys);
  if (kept !== undefined) {
    const certificate = readCertificate(kept.certificatePem);
    const { notBefore, notAfter } = certificate.details;
    const isYoung = now >= notBefore && notAfter - now >= (notAfter - notBefore) / 3;
    if (isYoung && hasSigned(issuer, certificate) && fits(certificate)) return kept;
  }
  const { privateKeyPem, publicKeyPem } = await generateKeyPair();
  const certificatePem = await issue({ commonName, publicKeyPem });
  const key = await sealPrivateKey(keys, publicKeyPem, privateKeyPem);
  await writeWhole(path, `${JSON.stringify({ format: 1, key, certificate: certificatePem })}\n`, 0o600);
  return { privateKeyPem, certificatePem };
}

/** Anything unreadable counts as absent: unlike an authority, these can be replaced at any time. */
async function readIdentity(path: string, keys: Keyring): Promise<KeptIdentity | undefined> {
  const text = await readIfThere(path);
  if (text === undefined) return undefined;
  try {
    const { key, certificate: certificatePem } = schema.parse(JSON.parse(text));
    const { publicKeyPem } = certificateDetails(certificatePem);
    const privateKeyPem = await openPrivateKey(keys, publicKeyPem, key);
    if (softwareSigner(privateKeyPem).publicKeyPem !== publicKeyPem) return undefined;
    return { privateKeyPem, certificatePem };
  } catch {
    return undefined;
  }
}
