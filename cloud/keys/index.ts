export { type KeyCode, KeysError } from './errors.ts';
export { Keys, type KeysOptions, openKeys } from './keys.ts';
export type { Keyring, KeyVersion, Purpose, RingName } from './version.ts';
