import { makeTestKeys, type TestKeys } from '../keys/test-keys.ts';
import type { TokenRealm } from './index.ts';

/** A realm whose clock is that of its keys. */
export interface TestRealm extends TokenRealm {
  readonly kept: TestKeys;
  readonly keys: TestKeys['keys'];
}

export async function makeTestRealm(): Promise<TestRealm> {
  const kept = await makeTestKeys();
  return {
    kept,
    keys: kept.keys,
    issuer: 'urn:loadline:installation-1',
    audience: 'rest',
    now: () => kept.now,
  };
}

/** What a script's token asks for; an hour long. */
export function wanted(realm: TokenRealm) {
  return {
    id: 'tok_1',
    organisation: 'org_1',
    creator: 'usr_1',
    scopes: ['readings.get', 'device.*'],
    devices: ['dev_1', 'dev_2'],
    tags: undefined,
    expires: realm.now() + 3_600_000,
  };
}
