import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
} from 'node:crypto';
import canonicalize from 'canonicalize';
import * as z from 'zod';
import { ReleaseError } from '../errors.ts';

/** The roles of a repository (The Update Framework 1.0, section 2.1). */
export const roleNames = ['root', 'targets', 'snapshot', 'timestamp'] as const;
export const roleName = z.enum(roleNames);
export type RoleName = z.infer<typeof roleName>;

/** A public key as metadata has it (section 4.2): Ed25519, 32 bytes in hex. */
export const roleKey = z.strictObject({
  keytype: z.literal('ed25519'),
  scheme: z.literal('ed25519'),
  keyval: z.strictObject({ public: z.string().regex(/^[0-9a-f]{64}$/, 'is not 32 bytes in hex') }),
});
export type RoleKey = z.infer<typeof roleKey>;

/** Signs for a role. The private key stays where it is, be that a file, a cloud's sealed state or a token. */
export interface RoleSigner {
  readonly key: RoleKey;
  /** Ed25519 (RFC 8032) over the bytes: 64 bytes. */
  sign(bytes: Uint8Array): Uint8Array;
}

/** What stands before the 32 bytes in a public key's DER (RFC 8410, section 4). */
const spkiBytes = 12;

/** A new key. The private half is PKCS#8 PEM, open: whoever calls this closes it. */
export function makeRoleKey(): { readonly privateKeyPem: string; readonly key: RoleKey } {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const privateKeyPem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  return { privateKeyPem, key: roleKeyOf(publicKey) };
}

/**
 * A signer over a key in memory.
 *
 * @throws ReleaseError `metadata-refused` where it is no Ed25519 key
 */
export function roleSigner(privateKeyPem: string): RoleSigner {
  const privateKey = createPrivateKey(privateKeyPem);
  return { key: roleKeyOf(createPublicKey(privateKey)), sign: (bytes) => sign(null, bytes, privateKey) };
}

function roleKeyOf(publicKey: KeyObject): RoleKey {
  if (publicKey.asymmetricKeyType !== 'ed25519') {
    throw new ReleaseError(
      'metadata-refused',
      `a key is ${publicKey.asymmetricKeyType}, and must be Ed25519`,
    );
  }
  const bytes = publicKey.export({ type: 'spki', format: 'der' }).subarray(spkiBytes);
  return { keytype: 'ed25519', scheme: 'ed25519', keyval: { public: bytes.toString('hex') } };
}

/** The id by which metadata names a key, and people compare it: SHA-256 of its canonical form (section 4.2), in hex. */
export function keyIdOf(key: RoleKey): string {
  return createHash('sha256')
    .update(canonicalize(key) as string)
    .digest('hex');
}
