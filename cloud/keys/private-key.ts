import { keyFingerprint } from '@loadline/sdk/identity';
import { closeEnvelope, type EnvelopeKind, openEnvelope } from './envelope.ts';
import { SealError } from './seal.ts';
import type { Keyring } from './version.ts';

/** Characters of the longest: RSA of 4096 bits in PKCS#8 and PEM is 3,300 bytes, 4,500 characters sealed. */
const longestSealed = 8_192;

/** A purpose of its own, so that no sealed value of the database is ever taken for a key, nor a key for one. */
function kindOf(publicKeyPem: string): EnvelopeKind {
  const context = JSON.stringify(['private-key', keyFingerprint(publicKeyPem)]);
  return { purpose: 'private-key', typ: 'loadline-private-key', context, longest: longestSealed };
}

/** Seals a private key (PKCS#8 in PEM) for a file: a JWE that opens as the key of this public key, and as nothing else. */
export function sealPrivateKey(keys: Keyring, publicKeyPem: string, privateKeyPem: string): Promise<string> {
  return closeEnvelope(keys, kindOf(publicKeyPem), Buffer.from(privateKeyPem));
}

/**
 * Opens what `sealPrivateKey` sealed for the same public key.
 * @throws SealError where it does not open
 */
export async function openPrivateKey(keys: Keyring, publicKeyPem: string, sealed: string): Promise<string> {
  const opened = await openEnvelope(keys, kindOf(publicKeyPem), sealed);
  if (opened.kind === 'refused') {
    const owner = keyFingerprint(publicKeyPem).slice(0, 16);
    throw new SealError(opened.fault, { what: 'private key', owner });
  }
  return Buffer.from(opened.content).toString();
}
