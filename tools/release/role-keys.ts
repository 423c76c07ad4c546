import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makePrivateFolder, readIfThere, type Secret, writeWhole } from '@loadline/sdk/platform';
import {
  keyIdOf,
  makeRoleKey,
  type RoleKey,
  type RoleName,
  type RoleSigner,
  roleKey,
  roleName,
  roleSigner,
} from '@loadline/sdk/release/repository';
import * as z from 'zod';
import { passphraseOf } from '../ca/passphrase.ts';
import { closeKey, type KeyKind, openKey } from '../ca/root-key.ts';
import { CalledWrongly } from '../cloud/outcome.ts';

/**
 * Keys in a folder that is locked away, closed as the root of a fleet is (JWE, see `ca/root-key.ts`; PKCS#8 PEM inside):
 *
 *     <role>-<first 8 of its id>.key.jwe    0600
 *     <role>-<first 8 of its id>.pub.json   0644   {"<role>":{"keytype":"ed25519",…}}: what travels; a cloud tells its own in one such
 */
const kind: KeyKind = {
  typ: 'loadline-release-key',
  words: "a key for releases as 'loadline release key' writes it",
};

/** A public key, and what it is for. */
export interface PublicKey {
  readonly role: RoleName;
  readonly key: RoleKey;
}

/** A key in a folder. */
export interface KeptKey extends PublicKey {
  readonly id: string;
  readonly path: string;
}

const publicKeys = z.partialRecord(roleName, roleKey);

/** Reads public keys from a file that has travelled: one, or several. */
export async function readPublicKeys(path: string): Promise<PublicKey[]> {
  const text = await readIfThere(path);
  if (text === undefined) throw new CalledWrongly(`${path} is not there`);
  if (text.includes('PRIVATE')) throw new CalledWrongly(`${path} holds a private key: those do not travel`);
  try {
    return Object.entries(publicKeys.parse(JSON.parse(text))).map(([role, key]) => ({
      role: roleName.parse(role),
      key,
    }));
  } catch {
    throw new CalledWrongly(
      `${path} holds no public keys as 'loadline release key' writes them, {"targets":{"keytype":…}}`,
    );
  }
}

/** Makes a key, and opens it again from the disk, as it will be in years. */
export async function makeKey(folder: string, role: RoleName, passphrase: Secret): Promise<KeptKey> {
  await makePrivateFolder(folder);
  const { privateKeyPem, key } = makeRoleKey();
  const id = keyIdOf(key);
  const path = join(folder, `${role}-${id.slice(0, 8)}.key.jwe`);
  await writeWhole(path, await closeKey(kind, privateKeyPem, id, passphrase), 0o600);
  await openedSigner({ role, key, id, path }, passphrase);
  await writeWhole(publicPath(path), `${JSON.stringify({ [role]: key })}\n`, 0o644);
  return { role, key, id, path };
}

/** Where the public half of a key is. */
export const publicPath = (path: string): string => path.replace(/\.key\.jwe$/, '.pub.json');

/** The keys in a folder, for these roles. */
export async function keysIn(folder: string, roles: readonly RoleName[]): Promise<KeptKey[]> {
  const names = (await readdir(folder).catch(() => [])).filter((name) =>
    /^[a-z]+-[0-9a-f]{8}\.key\.jwe$/.test(name),
  );
  const kept: KeptKey[] = [];
  for (const name of names.sort()) {
    const path = join(folder, name);
    const [found] = await readPublicKeys(publicPath(path));
    if (found !== undefined && roles.includes(found.role))
      kept.push({ ...found, id: keyIdOf(found.key), path });
  }
  return kept;
}

/** Opens keys, each with the passphrase from the file, or with the one that is typed for it. */
export async function openSigners(
  keys: readonly KeptKey[],
  passphraseFile: string | undefined,
): Promise<RoleSigner[]> {
  const signers: RoleSigner[] = [];
  for (const key of keys) {
    signers.push(
      await openedSigner(
        key,
        await passphraseOf(passphraseFile, `the ${key.role} key ${key.id.slice(0, 8)}`),
      ),
    );
  }
  return signers;
}

async function openedSigner({ path, id }: KeptKey, passphrase: Secret): Promise<RoleSigner> {
  const signer = roleSigner(await openKey(kind, await readFile(path, 'utf8'), path, passphrase));
  if (keyIdOf(signer.key) === id) return signer;
  throw new CalledWrongly(`${path} is not the key of ${publicPath(path)}`);
}
