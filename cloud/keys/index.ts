export { type DerivedSecret, isSecret, makeSecret, secretOf } from './derived-secret.ts';
export { type KeyCode, KeysError } from './errors.ts';
export { Keys, type KeysOptions, openKeys, readKeys } from './keys.ts';
export { openPrivateKey, sealPrivateKey } from './private-key.ts';
export { needsResealing, openSealed, type SealContext, SealError, sealValue } from './seal.ts';
export { type Keyring, type KeyVersion, type Purpose, type RingName, ringNames } from './version.ts';
