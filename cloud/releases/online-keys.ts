import { createPublicKey } from 'node:crypto';
import { join } from 'node:path';
import { makePrivateFolder, readIfThere, writeWhole } from '@loadline/sdk/platform';
import {
  keyIdOf,
  makeRoleKey,
  type RoleKey,
  type RoleSigner,
  readRoot,
  roleKey,
  roleSigner,
} from '@loadline/sdk/release/repository';
import * as z from 'zod';
import { type Keyring, openPrivateKey, sealPrivateKey } from '../keys/index.ts';

/**
 * The keys by which a cloud signs `snapshot` and `timestamp` by itself, in one file:
 *
 *     releases/online.json   0600   {"format":1,"keys":[{"role":"snapshot","key":{…},"sealed":"…","made":…},…]}
 *
 * The private halves are sealed with `keys.json` (`cloud/keys`). Of each role the newest is first; the older one is there
 * until a root names the newer.
 */

export const onlineRoles = ['snapshot', 'timestamp'] as const;
export type OnlineRole = (typeof onlineRoles)[number];

/** The name of the file in the cloud's state folder. */
export const onlineKeysFile = join('releases', 'online.json');

const kept = z.strictObject({
  format: z.literal(1),
  keys: z.array(
    z.strictObject({
      role: z.enum(onlineRoles),
      key: roleKey,
      sealed: z.string(),
      made: z.int().nonnegative(),
    }),
  ),
});
type Kept = z.infer<typeof kept>['keys'];

/** A key that the cloud has, as it is told to who puts it into the root. */
export interface OnlineKey {
  readonly role: OnlineRole;
  /** By which metadata names it. */
  readonly id: string;
  readonly key: RoleKey;
  /** ms since 1970. */
  readonly made: number;
}

/** The public halves, the newest of each role first; none where the cloud has never been started. */
export async function readOnlineKeys(state: string): Promise<OnlineKey[]> {
  return (await read(state)).map(({ role, key, made }) => ({ role, id: keyIdOf(key), key, made }));
}

/** Makes keys for the roles that have none. */
export async function openOnlineKeys(state: string, keys: Keyring, now: number): Promise<void> {
  const there = await read(state);
  const missing = onlineRoles.filter((role) => !there.some((one) => one.role === role));
  if (missing.length > 0) await write(state, [...(await make(missing, keys, now)), ...there]);
}

/** Adds a key to roles: it is signed with as soon as a root names it. */
export async function rotateOnlineKeys(
  state: string,
  roles: readonly OnlineRole[],
  keys: Keyring,
  now: number,
): Promise<void> {
  await write(state, [...(await make(roles, keys, now)), ...(await read(state))]);
}

/** Seals every private half anew with the newest key. */
export async function resealOnlineKeys(state: string, keys: Keyring): Promise<void> {
  const there = await read(state);
  if (there.length === 0) return;
  await write(
    state,
    await Promise.all(
      there.map(async (one) => {
        const pem = pemOf(one.key);
        return {
          ...one,
          sealed: await sealPrivateKey(keys, pem, await openPrivateKey(keys, pem, one.sealed)),
        };
      }),
    ),
  );
}

/** The keys that a root lets sign; of a role that it names none of, the newest. */
export async function keysNamedBy(
  state: string,
  root: string,
): Promise<{ readonly snapshot: RoleKey; readonly timestamp: RoleKey }> {
  const there = await read(state);
  return { snapshot: named(there, root, 'snapshot').key, timestamp: named(there, root, 'timestamp').key };
}

/**
 * The signers that a root lets sign.
 *
 * @throws SealError where a key does not open
 */
export async function signersNamedBy(
  state: string,
  root: string,
  keys: Keyring,
): Promise<{ readonly snapshot: RoleSigner; readonly timestamp: RoleSigner }> {
  const there = await read(state);
  const signer = async (role: OnlineRole) => {
    const { key, sealed } = named(there, root, role);
    return roleSigner(await openPrivateKey(keys, pemOf(key), sealed));
  };
  return { snapshot: await signer('snapshot'), timestamp: await signer('timestamp') };
}

/** Forgets the keys that are older than those that a root names. */
export async function forgetOlderKeys(state: string, root: string): Promise<void> {
  const there = await read(state);
  const rest = there.filter((one) => {
    const inForce = named(there, root, one.role);
    return there.indexOf(one) <= there.indexOf(inForce);
  });
  if (rest.length < there.length) await write(state, rest);
}

function named(there: Kept, root: string, role: OnlineRole): Kept[number] {
  const ids = readRoot(root).roles[role].keys.map(keyIdOf);
  const own = there.filter((one) => one.role === role);
  const found = own.find(({ key }) => ids.includes(keyIdOf(key))) ?? own[0];
  if (found === undefined) throw new Error(`the cloud has no key for ${role}`);
  return found;
}

function make(roles: readonly OnlineRole[], keys: Keyring, made: number): Promise<Kept> {
  return Promise.all(
    roles.map(async (role) => {
      const { key, privateKeyPem } = makeRoleKey();
      return { role, key, made, sealed: await sealPrivateKey(keys, pemOf(key), privateKeyPem) };
    }),
  );
}

async function read(state: string): Promise<Kept> {
  const path = join(state, onlineKeysFile);
  const text = await readIfThere(path);
  if (text === undefined) return [];
  try {
    return kept.parse(JSON.parse(text)).keys;
  } catch (cause) {
    throw new Error(`${path} is not what the cloud wrote: restore it from the backup of the keys`, { cause });
  }
}

async function write(state: string, keys: Kept): Promise<void> {
  await makePrivateFolder(join(state, 'releases'));
  const content = { format: 1, keys } satisfies z.infer<typeof kept>;
  await writeWhole(join(state, onlineKeysFile), `${JSON.stringify(content, null, 1)}\n`, 0o600);
}

/** SPKI in PEM: what a sealed private key is bound to. */
function pemOf({ keyval }: RoleKey): string {
  const x = Buffer.from(keyval.public, 'hex').toString('base64url');
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
  return key.export({ type: 'spki', format: 'pem' }).toString();
}
