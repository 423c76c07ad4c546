import type { Metadata, Root } from '@tufjs/models';
import { ReleaseError } from '../errors.ts';
import {
  addSignature,
  isSignedBy,
  mustBeSigned,
  readMetadata,
  specVersion,
  writeMetadata,
} from './documents.ts';
import { keyIdOf, type RoleKey, type RoleName, type RoleSigner, roleKey, roleNames } from './keys.ts';
import { expiryAt, lifetimes } from './lifetimes.ts';

/** Who may sign for a role, and how many of them must. */
export interface RoleKeys {
  readonly keys: readonly RoleKey[];
  readonly threshold: number;
}

/** Who may sign what. */
export type RootKeys = Readonly<Record<RoleName, RoleKeys>>;

/** What a root says, for people and programs. */
export interface RootSummary {
  readonly version: number;
  /** ms since 1970 */
  readonly expires: number;
  readonly roles: RootKeys;
}

/** A first root, not signed yet. */
export function firstRoot(roles: RootKeys, now: number): string {
  return unsigned(roles, 1, now);
}

/** The root after this one, with other keys for some roles or with the same for longer, not signed yet. */
export function nextRoot(root: string, change: Partial<RootKeys>, now: number): string {
  const before = readRoot(root);
  return unsigned({ ...before.roles, ...change }, before.version + 1, now);
}

function unsigned(roles: RootKeys, version: number, now: number): string {
  for (const name of roleNames) {
    const { keys, threshold } = roles[name];
    const different = new Set(keys.map(keyIdOf)).size;
    if (threshold >= 1 && threshold <= different && different === keys.length) continue;
    throw new ReleaseError(
      'metadata-refused',
      `${name}: ${threshold} of ${keys.length} keys must sign, and they are ${different} different ones`,
    );
  }
  const keys = roleNames.flatMap((name) => roles[name].keys.map((key) => [keyIdOf(key), key]));
  const signed = {
    ...{ _type: 'root', spec_version: specVersion, version, expires: expiryAt(now + lifetimes.root) },
    keys: Object.fromEntries(keys),
    roles: Object.fromEntries(
      roleNames.map((name) => [
        name,
        { keyids: roles[name].keys.map(keyIdOf), threshold: roles[name].threshold },
      ]),
    ),
    consistent_snapshot: true,
  };
  return writeMetadata(readMetadata('root', JSON.stringify({ signatures: [], signed })));
}

/** @throws ReleaseError `metadata-refused` */
export function readRoot(content: string): RootSummary {
  const { signed } = readMetadata('root', content);
  const keysOf = (name: RoleName): RoleKeys => {
    const { keyIDs, threshold } = signed.roles[name] ?? { keyIDs: [], threshold: 1 };
    const keys = keyIDs.map((id: string) => {
      const key = roleKey.safeParse(signed.keys[id]?.toJSON());
      if (key.success && keyIdOf(key.data) === id) return key.data;
      throw new ReleaseError(
        'metadata-refused',
        `root ${signed.version} names a key for ${name} that is no Ed25519 key, or not by its id`,
      );
    });
    return { keys, threshold };
  };
  const roles = {
    root: keysOf('root'),
    targets: keysOf('targets'),
    snapshot: keysOf('snapshot'),
    timestamp: keysOf('timestamp'),
  };
  return { version: signed.version, expires: Date.parse(signed.expires), roles };
}

/** Signatures that a root still needs: of the keys that it names itself, and of those that the one before it named. */
export interface MissingSignatures {
  readonly of: 'before' | 'itself';
  readonly missing: number;
  /** Ids of the keys that have not signed and may. */
  readonly keyIds: readonly string[];
}

/** Signs a root with one key more. @throws ReleaseError `metadata-refused` where that key has no say in it */
export function signRoot(root: string, signer: RoleSigner, before: string | undefined): string {
  const document = readMetadata('root', root);
  const id = keyIdOf(signer.key);
  const named = [root, ...(before === undefined ? [] : [before])].flatMap(
    (each) => readRoot(each).roles.root.keys,
  );
  if (!named.some((key) => keyIdOf(key) === id)) {
    throw new ReleaseError(
      'metadata-refused',
      `neither root ${document.signed.version} nor the one before it names the key ${id}`,
    );
  }
  addSignature(document, signer);
  return writeMetadata(document);
}

/** What is missing until gateways go from the root before (undefined: there is none) to this one. Empty: they do. */
export function missingSignatures(root: string, before: string | undefined): MissingSignatures[] {
  const document = readMetadata('root', root);
  const judges: { of: MissingSignatures['of']; by: string }[] = [{ of: 'itself', by: root }];
  if (before !== undefined) judges.push({ of: 'before', by: before });
  return judges.flatMap(({ of, by }) => {
    const judge = readMetadata('root', by);
    if (isSignedBy(judge, 'root', document)) return [];
    const { keys, threshold } = readRoot(by).roles.root;
    const open = keys.filter((key) => !isSignedByKey(judge, key, document));
    return [{ of, missing: threshold - (keys.length - open.length), keyIds: open.map(keyIdOf) }];
  });
}

function isSignedByKey(judge: Metadata<Root>, key: RoleKey, document: Metadata<Root>): boolean {
  try {
    judge.signed.keys[keyIdOf(key)]?.verifySignature(document);
    return judge.signed.keys[keyIdOf(key)] !== undefined;
  } catch {
    return false;
  }
}

/**
 * Goes from a root to a newer one, each signed by the keys of the one before and by its own. Where there is none to go
 * from, the first of the newer ones is what is trusted from now on.
 *
 * @returns the last of them
 * @throws ReleaseError `metadata-refused`
 */
export function followRoots(root: string | undefined, newer: readonly string[]): string {
  let trusted = root;
  for (const next of newer) {
    const document = readMetadata('root', next);
    const { version } = readRoot(next);
    if (trusted !== undefined) {
      const before = readMetadata('root', trusted);
      if (version !== before.signed.version + 1) {
        throw new ReleaseError(
          'metadata-refused',
          `root ${version} does not come after root ${before.signed.version}: each has to be there`,
        );
      }
      mustBeSigned(before, 'root', document);
    }
    mustBeSigned(document, 'root', document);
    if (!document.signed.consistentSnapshot) {
      throw new ReleaseError(
        'metadata-refused',
        `root ${version} is for a repository without consistent snapshots`,
      );
    }
    trusted = next;
  }
  if (trusted === undefined) throw new ReleaseError('metadata-refused', 'there is no root');
  return trusted;
}
