import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Keys, openKeys } from './keys.ts';
import { type Keyring, KeyVersion, keyBytes } from './version.ts';

const day = 24 * 3_600_000;

/** For tests: one version of every ring, that no file has. */
export function memoryKeys(): Keyring {
  const only = new KeyVersion(randomBytes(6).toString('base64url'), 0, randomBytes(keyBytes));
  return { newest: () => only, version: (_, id) => (id === only.id ? only : undefined) };
}

/** A state folder with keys in it, for tests, and a clock that stands until it is set. */
export interface TestKeys {
  readonly folder: string;
  readonly keys: Keys;
  /** ms since 1970. */
  now: number;
  /** Opens the same folder again. */
  again(isNew?: 'new'): Promise<Keys>;
  remove(): void;
}

export async function makeTestKeys(): Promise<TestKeys> {
  const folder = mkdtempSync(join(tmpdir(), 'loadline-keys-'));
  const again = (isNew?: 'new') =>
    openKeys(folder, {
      now: () => made.now,
      isNew: isNew === 'new',
      longestTokenMilliseconds: 365 * day,
    });
  const made = {
    folder,
    now: Date.UTC(2026, 10, 22),
    again,
    remove: () => rmSync(folder, { recursive: true }),
  } as TestKeys & { keys: Keys };
  made.keys = await again('new');
  return made;
}
