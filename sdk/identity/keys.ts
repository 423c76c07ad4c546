import {
  createPrivateKey,
  createPublicKey,
  generateKeyPair as generate,
  type KeyObject,
  sign as signBytes,
} from 'node:crypto';
import { promisify } from 'node:util';
import { IdentityError } from './errors.ts';
import { identityLimits } from './limits.ts';

const generateAsync = promisify(generate);

/** A key pair as it is kept: PKCS#8 and SPKI in PEM. The private half must not leave where it was made. */
export interface KeyPair {
  readonly privateKeyPem: string;
  readonly publicKeyPem: string;
}

/**
 * What can sign with a private key without giving it away: a key in memory today, a secure element or a
 * remote authority's key tomorrow.
 */
export interface Signer {
  /** The public half, SPKI in PEM. */
  readonly publicKeyPem: string;
  /** RSASSA-PKCS1-v1_5 with SHA-256 over `tbs`, the bytes to be signed (RFC 8017, section 8.2). */
  sign(tbs: Uint8Array): Uint8Array;
}

/**
 * Makes an RSA key pair, of 2048 bits unless more are asked for. It takes a tenth of a second on a PC (4096 bits: a second
 * or several) and seconds on a small board, in a thread of its own. RSA only: node-forge knows no other keys.
 */
export async function generateKeyPair(modulusLength: 2048 | 4096 = 2048): Promise<KeyPair> {
  const { privateKey, publicKey } = await generateAsync('rsa', {
    modulusLength,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  return { privateKeyPem: privateKey, publicKeyPem: publicKey };
}

/** A signer with the key in this process's memory. Throws `key-malformed`. */
export function softwareSigner(privateKeyPem: string): Signer {
  const key = readPrivateKey(privateKeyPem);
  if (key === undefined) {
    throw new IdentityError('key-malformed', 'this is not an unencrypted private key in PEM');
  }
  const fault = rsaFault(key);
  if (fault !== undefined) throw new IdentityError('key-malformed', `cannot sign with this key: ${fault}`);
  return {
    publicKeyPem: createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString(),
    sign: (tbs) => signBytes('sha256', tbs, key),
  };
}

/** Without OpenSSL's reason: it is no help, and nothing that came near a key's text may get into a log. */
function readPrivateKey(pem: string): KeyObject | undefined {
  try {
    return createPrivateKey(pem);
  } catch {
    return undefined;
  }
}

/** Says why `key` is not an RSA key of a size we accept; undefined if it is one. */
export function rsaFault(key: KeyObject): string | undefined {
  if (key.asymmetricKeyType !== 'rsa') return `it is ${key.asymmetricKeyType ?? 'symmetric'}, not RSA`;
  const { modulusLength = 0, publicExponent = 0n } = key.asymmetricKeyDetails ?? {};
  const { min, max } = identityLimits.rsaBits;
  if (modulusLength < min || modulusLength > max) {
    return `it has ${modulusLength} bits, and ${min} to ${max} are accepted`;
  }
  if (publicExponent !== 65_537n) return `its public exponent is ${publicExponent}, not 65537`;
  return undefined;
}
