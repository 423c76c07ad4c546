import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { generateKeyPair, softwareSigner } from '@loadline/sdk/identity';
import {
  FolderInUse,
  isExposed,
  lockFolder,
  makePrivateFolder,
  readIfThere,
  removeWhole,
  writeWhole,
} from '@loadline/sdk/platform';
import { type Keyring, openPrivateKey, sealPrivateKey } from '../keys/index.ts';
import { readCertificate } from './certificates.ts';
import { AuthorityError } from './errors.ts';
import { trustedRoots } from './hierarchy.ts';
import { type Making, makeIntermediate, makeRoot } from './issuing.ts';
import {
  exposed,
  hasSealed,
  type Issuing,
  type Kept,
  keptFiles,
  nothing,
  type Root,
  readKept,
  writeKept,
} from './kept.ts';

/** Milliseconds that another process is given for what it does on the folder: it makes keys at the most. */
const patienceMilliseconds = 20_000;

/** Does something with the folder that no other process does anything with meanwhile, the cloud at work on it included. */
export async function withFolder<T>(folder: string, work: () => Promise<T>): Promise<T> {
  await makePrivateFolder(folder);
  const leave = await patiently(folder);
  try {
    return await work();
  } finally {
    await leave();
  }
}

async function patiently(folder: string): Promise<() => Promise<void>> {
  for (const end = performance.now() + patienceMilliseconds; ; await delay(20)) {
    try {
      return await lockFolder(folder);
    } catch (error) {
      if (!(error instanceof FolderInUse)) throw error;
      if (performance.now() > end) throw new AuthorityError('authority-busy', error.message);
    }
  }
}

/** What the folder's file was when it was read: another one is another time, size or inode. */
export async function keptVersion(folder: string): Promise<string> {
  const { mtimeMs, size, ino } = await stat(join(folder, keptFiles.all));
  return [mtimeMs, size, ino].join();
}

/**
 * Writes the root that gateways are to be given, where it is not what is there: it says nothing that is not kept, and is
 * written again at the next start where that was cut short. Removes what was there before keys were sealed.
 */
export async function publishRoot(folder: string, kept: Kept): Promise<void> {
  const [root] = trustedRoots(kept);
  const path = join(folder, keptFiles.root);
  if (root !== undefined && (await readIfThere(path)) !== root.pem) await writeWhole(path, root.pem, 0o644);
  if (root === undefined) return;
  for (const name of Object.values(keptFiles.old)) {
    const old = join(folder, name);
    if ((await readIfThere(old)) !== undefined) await removeWhole(old);
  }
}

/**
 * What the folder holds, made where there is nothing: a root and an issuing certificate, both keys sealed. A folder from
 * before keys were sealed is taken over: its root stays. To be called `withFolder`.
 *
 * @throws AuthorityError
 */
export async function openFolder(folder: string, making: Making): Promise<Kept> {
  const kept = (await readKept(folder)) ?? nothing;
  if (kept.issuers.length > 0) return kept;
  if (kept.request !== null) {
    throw new AuthorityError(
      'authority-waiting',
      `${folder} has a request that waits for its certificate: install that ('loadline-cloud authority install'), or take ` +
        "the request back ('loadline-cloud authority withdraw') to have this cloud make a root of its own",
    );
  }
  const root = kept.roots[0] ?? (await oldRoot(folder, making)) ?? (await newRoot(making));
  const next = { ...kept, roots: kept.roots.length > 0 ? kept.roots : [root] };
  const made = { ...next, issuers: [await newIssuer(making, root)] };
  await writeKept(folder, made);
  return made;
}

/** Whether there is an authority in the folder from before keys were sealed, or what is left of it. */
export function isFromBefore(folder: string): boolean {
  if (hasSealed(folder)) return false;
  return [keptFiles.root, keptFiles.old.key].some((name) => existsSync(join(folder, name)));
}

/**
 * Seals every private key of the folder anew with the newest key, before the older ones are forgotten. What is the cloud's
 * own can be made anew at any time, and is.
 */
export async function resealFolder(folder: string, keys: Keyring): Promise<void> {
  if (!hasSealed(folder)) return;
  await withFolder(folder, async () => {
    const kept = (await readKept(folder)) ?? nothing;
    const again = async <T extends { key: string | null }>(entry: T, publicKeyPem: string): Promise<T> => {
      if (entry.key === null) return entry;
      const privateKeyPem = await openPrivateKey(keys, publicKeyPem, entry.key);
      return { ...entry, key: await sealPrivateKey(keys, publicKeyPem, privateKeyPem) };
    };
    const ofCertificate = <T extends Root | Issuing>(entry: T) => again(entry, entry.details.publicKeyPem);
    await writeKept(folder, {
      ...kept,
      roots: await Promise.all(kept.roots.map(ofCertificate)),
      issuers: await Promise.all(kept.issuers.map(ofCertificate)),
      request: kept.request && (await again(kept.request, kept.request.publicKeyPem)),
    });
    for (const name of [keptFiles.server, keptFiles.voucher]) {
      if (existsSync(join(folder, name))) await removeWhole(join(folder, name));
    }
  });
}

/** A new issuing certificate under a root whose key is here. */
export async function newIssuer(making: Making, root: Root): Promise<Issuing> {
  const { pem, key } = await makeIntermediate(making, root);
  return { ...readCertificate(pem), since: making.now(), logged: false, key, distrusted: null };
}

async function newRoot(making: Making): Promise<Root> {
  return await rootFor(making, (await generateKeyPair()).privateKeyPem);
}

async function rootFor(making: Making, privateKeyPem: string): Promise<Root> {
  const { pem, key } = await makeRoot(making, privateKeyPem);
  return { ...readCertificate(pem), since: making.now(), logged: false, key };
}

/** The root of a folder from before keys were sealed; undefined where there is none. */
async function oldRoot(folder: string, making: Making): Promise<Root | undefined> {
  const keyPath = join(folder, keptFiles.old.key);
  const certificatePath = join(folder, keptFiles.root);
  const certificatePem = await readIfThere(certificatePath);
  const keyPem = await readIfThere(keyPath);
  if (keyPem === undefined) {
    if (certificatePem === undefined) return undefined;
    throw new AuthorityError(
      'authority-incomplete',
      `${join(folder, keptFiles.all)} is missing, but its root is there: restore it from the backup of the keys, or remove ` +
        `${certificatePath} to begin a new authority, at which every gateway must enrol again`,
    );
  }
  if (await isExposed(keyPath)) throw exposed(keyPath);
  const { publicKeyPem } = read(keyPath, () => softwareSigner(keyPem));
  // A first start that was cut short: its key has not signed anything that anybody has.
  if (certificatePem === undefined) return await rootFor(making, keyPem);
  const certificate = read(certificatePath, () => readCertificate(certificatePem));
  if (certificate.details.publicKeyPem !== publicKeyPem) {
    throw new AuthorityError(
      'authority-incomplete',
      `${keyPath} is not the key of ${certificatePath}: restore the two of one backup`,
    );
  }
  const key = await sealPrivateKey(making.keys, publicKeyPem, keyPem);
  return { ...certificate, since: certificate.details.notBefore, logged: true, key };
}

function read<Result>(path: string, parse: () => Result): Result {
  try {
    return parse();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new AuthorityError('authority-unreadable', `${path}: ${why}; restore it from a backup`, { cause });
  }
}
