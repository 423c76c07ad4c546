import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { Keyring, Purpose } from './version.ts';

/** Secrets that can be made again from their id, so that nobody has to keep them. */

/** What such secrets are of, and what their ids begin with. */
const prefixes = {
  'application-secret': 'app',
  'device-secret': 'dev',
  'socket-secret': 'sock',
} as const satisfies Partial<Record<Purpose, string>>;

export type SecretPurpose = keyof typeof prefixes;

/** What is kept of a secret: enough to make it again with the keys, and nothing without them. */
export interface DerivedSecret {
  /** Its prefix, `_`, and 24 characters of base64url. */
  readonly id: string;
  /** Version of the `derive` ring it is made with. */
  readonly version: string;
}

/** Makes an id and its secret, 256 bits, which is to be shown once. */
export function makeSecret(
  keys: Keyring,
  purpose: SecretPurpose,
): DerivedSecret & { readonly secret: string } {
  const id = `${prefixes[purpose]}_${randomBytes(18).toString('base64url')}`;
  const key = { id, version: keys.newest(purpose).id };
  return { ...key, secret: derive(keys, purpose, key).toString('base64url') };
}

/** The secret's 32 bytes; undefined where its version is forgotten. For what is signed and never shown. */
export function secretOf(keys: Keyring, purpose: SecretPurpose, key: DerivedSecret): Buffer | undefined {
  return keys.version(purpose, key.version) && derive(keys, purpose, key);
}

/**
 * Whether `secret` is that of `key`, compared in constant time. False for one whose version is forgotten, and, in as
 * much time, where there is no such key (`undefined`).
 */
export function isSecret(
  keys: Keyring,
  purpose: SecretPurpose,
  key: DerivedSecret | undefined,
  secret: string,
): boolean {
  const known = key !== undefined && keys.version(purpose, key.version) !== undefined;
  const decoy = { id: '', version: keys.newest(purpose).id };
  const expected = derive(keys, purpose, known ? key : decoy);
  const presented = Buffer.from(secret, 'base64url');
  const right = presented.length === expected.length && timingSafeEqual(presented, expected);
  return right && known && secret === presented.toString('base64url');
}

function derive(keys: Keyring, purpose: SecretPurpose, { id, version }: DerivedSecret): Buffer {
  const ring = keys.version(purpose, version) ?? keys.newest(purpose);
  return Buffer.from(ring.derive(purpose, id));
}
