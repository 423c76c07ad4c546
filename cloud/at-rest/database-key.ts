import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Secret, writeWhole } from '@loadline/sdk/platform';
import { opensWith } from '../store/index.ts';
import { databaseFiles } from './files.ts';
import { finishRekey, pendingKey } from './rekey.ts';

/** The variable that the key may be in. */
const variable = 'LOADLINE_DATABASE_KEY';

/** Name of the systemd credential that it may be in: `LoadCredential=loadline-database-key:/…`. */
const credentialName = 'loadline-database-key';

/** Where the key was found. */
export type KeyPlace = 'file' | 'environment' | 'credential';

/** What the process was given besides the state folder. */
export interface KeySources {
  /** What the variable held. */
  readonly environment: Secret | undefined;
  /** Path of the credential, where there is one. */
  readonly credential: string | undefined;
}

/** Nothing but the file in the state folder. */
export const fileOnly: KeySources = { environment: undefined, credential: undefined };

/**
 * Takes the key out of the environment of this process: children and crash reports get it no more. To be called once,
 * before any thread is started.
 */
export function takeKeySources(environment: Record<string, string | undefined>): KeySources {
  const given = environment[variable];
  delete environment[variable];
  const folder = environment.CREDENTIALS_DIRECTORY;
  const credential = folder === undefined || folder === '' ? undefined : join(folder, credentialName);
  return {
    environment: given === undefined ? undefined : new Secret(given),
    credential: credential !== undefined && existsSync(credential) ? credential : undefined,
  };
}

/** 64 hex digits of what was given. @throws Error, which says where it came from and nothing of what it is */
export function parseKey(text: string, where: string): string {
  const key = text.trim().toLowerCase();
  if (/^[0-9a-f]{64}$/.test(key)) return key;
  throw new Error(
    `${where} holds no key: it must be 64 hexadecimal digits, as 'openssl rand -hex 32' makes them`,
  );
}

/**
 * The key of a state folder, wherever it is; undefined where it is nowhere. Read-only: what `rekey` left half done is
 * seen through, and not touched.
 *
 * @throws Error where one is no key, or two were given that differ
 */
export function findKey(
  folder: string,
  sources: KeySources,
): { readonly key: string; readonly place: KeyPlace } | undefined {
  const { database, key: file } = databaseFiles(folder);
  const first = oneKey(sources, file);
  const pending = pendingKey(folder);
  if (first?.place === 'file' && pending !== undefined && !opensWith({ file: database, key: first.key })) {
    return { key: pending, place: 'file' };
  }
  return first;
}

/**
 * The key out of what was given, and out of a file where there is one.
 *
 * @throws Error where one is no key, or two differ
 */
export function oneKey(
  sources: KeySources,
  file: string | undefined,
): { readonly key: string; readonly place: KeyPlace } | undefined {
  const found: { key: string; place: KeyPlace; where: string }[] = [];
  const add = (place: KeyPlace, text: string, where: string) =>
    found.push({ place, where, key: parseKey(text, where) });
  if (sources.environment !== undefined)
    add('environment', sources.environment.reveal(), `the variable ${variable}`);
  if (sources.credential !== undefined) {
    add('credential', readFileSync(sources.credential, 'utf8'), `the credential ${credentialName}`);
  }
  if (file !== undefined && existsSync(file)) add('file', readFileSync(file, 'utf8'), file);
  const [first, ...others] = found;
  const other = others.find(({ key }) => key !== first?.key);
  if (first !== undefined && other !== undefined) {
    throw new Error(
      `${first.where} and ${other.where} hold different keys: take the wrong one away, nothing was opened`,
    );
  }
  return first;
}

/**
 * The key of a state folder's database.
 *
 * @throws Error where it is nowhere, is no key, or two were given that differ
 */
export function heldKey(folder: string, sources: KeySources): string {
  const found = findKey(folder, sources);
  if (found !== undefined) return found.key;
  const { database, key } = databaseFiles(folder);
  throw new Error(
    `${database} opens with its key alone, and that is nowhere: put it into ${key}, the variable ${variable}, ` +
      `or the systemd credential ${credentialName}`,
  );
}

/**
 * The same for who has taken the folder: what `rekey` left half done is brought to its end, and where there is no
 * database yet and no key was given, one is made: 256 random bits in the folder, readable by its owner alone.
 */
export async function openingKey(folder: string, sources: KeySources): Promise<string> {
  await finishRekey(folder);
  const { database, key: file } = databaseFiles(folder);
  if (existsSync(database)) return heldKey(folder, sources);
  const given = findKey(folder, sources);
  if (given !== undefined) return given.key;
  const key = randomBytes(32).toString('hex');
  await writeWhole(file, `${key}\n`, 0o600);
  return key;
}
