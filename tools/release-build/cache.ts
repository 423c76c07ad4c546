import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

/** What is expensive to have and cheap to check: downloads, and packed files. May be deleted at any time. */
function cacheFolder(): string {
  const { XDG_CACHE_HOME: base } = process.env;
  return join(base === undefined || base === '' ? join(homedir(), '.cache') : base, 'loadline', 'release');
}

/**
 * The bytes kept under `name`, if they pass `isGood`; otherwise those that `make` gives, which are kept then. What is
 * kept is put there whole, so that two builds beside each other do no harm.
 */
export async function cached(
  name: string,
  isGood: (bytes: Buffer) => boolean,
  make: () => Promise<Buffer>,
): Promise<Buffer> {
  const path = join(cacheFolder(), name);
  const kept = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (kept !== undefined && isGood(kept)) return kept;
  const made = await make();
  await mkdir(dirname(path), { recursive: true });
  const fresh = `${path}.${randomBytes(6).toString('hex')}`;
  const file = await open(fresh, 'wx', 0o644);
  try {
    await file.writeFile(made);
  } finally {
    await file.close();
  }
  await rename(fresh, path);
  return made;
}
