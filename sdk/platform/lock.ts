import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { link, open, readFile, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';

/** Another process that lives has the folder: two of them would send the same readings under one name. */
export class FolderInUse extends Error {
  override name = 'FolderInUse';
}

/** Attempts at a lock that others keep taking and giving up under our hands. */
const attempts = 10;

/**
 * Takes a folder for this process, by a file that names the process so that it cannot be mistaken: boot, pid and the
 * time it started (a pid is used again, soon after a boot even likely). Node has no flock. A lock of a process that
 * is no more is taken over.
 *
 * @returns how to give it up
 * @throws {FolderInUse} where a living process has it, and which
 */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  const path = join(folder, 'lock');
  const own = JSON.stringify({ ...identityOf(process.pid), token: randomBytes(8).toString('hex') });
  for (let attempt = 0; attempt < attempts; attempt++) {
    // A full disk takes no lock, and must not hide that there is one.
    const made = await createLock(path, own).catch((error: Error) => error);
    if (made === true) return () => giveUp(path, own);
    const found = await readLock(path);
    if (found !== undefined && isAlive(found)) break;
    if (made instanceof Error) throw made;
    if (found !== undefined) await takeAway(path, found, own);
  }
  throw new FolderInUse(
    `${folder} is in use by process ${holderOf(path) ?? 'unknown'}: stop that one, or give this one a folder of its own`,
  );
}

interface Holder {
  readonly boot: string;
  readonly pid: number;
  /** Clock ticks from the boot to the start of the process. */
  readonly started: string;
}

function identityOf(pid: number): Holder | undefined {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'ascii').trim();
    // The name of the program is in brackets and may hold anything; the start is the 20th field after it.
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const started = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
    return { boot, pid, started };
  } catch {
    return undefined;
  }
}

function isAlive(text: string): boolean {
  try {
    const { boot, pid, started } = JSON.parse(text) as Holder;
    const now = identityOf(pid);
    return now !== undefined && now.boot === boot && now.started === started;
  } catch {
    // Torn by a power cut: whoever wrote it lives no more.
    return false;
  }
}

function holderOf(path: string): number | undefined {
  try {
    return (JSON.parse(readFileSync(path, 'utf8')) as Holder).pid;
  } catch {
    return undefined;
  }
}

/** Makes the lock whole or not at all: written aside, then linked to its name. False where there is one. */
async function createLock(path: string, text: string): Promise<boolean> {
  const aside = `${path}.${randomBytes(8).toString('hex')}`;
  const handle = await open(aside, 'wx', 0o600);
  try {
    // Closed also where the disk is full.
    await handle.writeFile(text).finally(() => handle.close());
    await link(aside, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await unlink(aside).catch(() => {});
  }
}

/**
 * Removes the lock `found`, which nobody alive has. Of several that try, one at a time may touch it: who made the claim
 * that is named for what it says. A claim of somebody who died over it is removed in the same way.
 */
async function takeAway(path: string, found: string, own: string): Promise<void> {
  const claim = `${path}.${createHash('sha256').update(found).digest('hex').slice(0, 16)}`;
  if (!(await createLock(claim, own))) {
    const other = await readLock(claim);
    if (other !== undefined && !isAlive(other)) await takeAway(claim, other, own);
    return;
  }
  const aside = `${path}.${randomBytes(8).toString('hex')}`;
  try {
    // Somebody else may have been quicker: then this is the lock that he has made since.
    if ((await readLock(path)) !== found) return;
    await rename(path, aside);
    await unlink(aside).catch(() => {});
  } finally {
    await unlink(claim).catch(() => {});
  }
}

/** What a lock says; undefined where there is none. What cannot be read, be it a folder, is no lock of anybody's. */
async function readLock(path: string): Promise<string | undefined> {
  return await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) =>
    error.code === 'ENOENT' ? undefined : '',
  );
}

async function giveUp(path: string, own: string): Promise<void> {
  const found = await readFile(path, 'utf8').catch(() => undefined);
  if (found === own) await unlink(path).catch(() => {});
}

/** Whether a file of this name is a lock, or one in the making. */
export function isLockName(name: string): boolean {
  return /^lock(\.[0-9a-f]{16})*$/.test(name);
}
