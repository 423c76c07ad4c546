import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { Keyring } from '../keys/index.ts';

/** What is kept of an application key: enough to make its secret again with the keys, and nothing without them. */
export interface ApplicationKey {
  /** The user name at the MQTT door: `app_` and 24 characters of base64url. */
  readonly id: string;
  /** Version of the `derive` ring its secret is derived with. */
  readonly version: string;
}

/** Makes a key and its secret, which is to be shown once. It can be made again, so that nobody has to keep it. */
export function makeApplicationKey(keys: Keyring): ApplicationKey & { readonly secret: string } {
  const id = `app_${randomBytes(18).toString('base64url')}`;
  const key = { id, version: keys.newest('application-secret').id };
  return { ...key, secret: derive(keys, key).toString('base64url') };
}

/**
 * Whether `secret` is the key's, compared in constant time. False for a key whose version is forgotten, and, in as
 * much time, where there is no such key (`undefined`).
 */
export function isApplicationSecret(keys: Keyring, key: ApplicationKey | undefined, secret: string): boolean {
  const known = key !== undefined && keys.version('application-secret', key.version) !== undefined;
  const expected = derive(keys, known ? key : decoyOf(keys));
  const presented = Buffer.from(secret, 'base64url');
  const right = presented.length === expected.length && timingSafeEqual(presented, expected);
  return right && known && secret === presented.toString('base64url');
}

const decoyOf = (keys: Keyring): ApplicationKey => ({
  id: '',
  version: keys.newest('application-secret').id,
});

function derive(keys: Keyring, { id, version }: ApplicationKey): Buffer {
  const ring = keys.version('application-secret', version) ?? keys.newest('application-secret');
  return Buffer.from(ring.derive('application-secret', id));
}
