import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
/** Milliseconds: some 150 packages are fetched and unpacked. */
const patience = 900_000;

/** Where base systems are kept; it may be deleted at any time. */
function cacheFolder(): string {
  const { XDG_CACHE_HOME: base } = process.env;
  return join(base === undefined || base === '' ? join(homedir(), '.cache') : base, 'loadline', 'ladder');
}

/**
 * A Debian system of this machine's own architecture with these packages, as an archive: made by mmdebstrap, or kept from
 * the last time. @returns its path
 */
export async function baseSystem(suite: string, packages: readonly string[]): Promise<string> {
  const name = createHash('sha256')
    .update(JSON.stringify([suite, packages]))
    .digest('hex')
    .slice(0, 16);
  const path = join(cacheFolder(), `${suite}-${process.arch}-${name}.tar`);
  if (existsSync(path)) return path;
  await mkdir(cacheFolder(), { recursive: true });
  const words = ['--variant=essential', '--format=tar', `--include=${packages.join(',')}`];
  const options = ['APT::Install-Recommends "false"', 'Acquire::Languages "none"'];
  await run(
    'mmdebstrap',
    [
      ...words,
      ...options.map((each) => `--aptopt=${each}`),
      suite,
      `${path}.new`,
      ...(await mirrorOf(suite)),
    ],
    { timeout: patience, maxBuffer: 64 << 20 },
  );
  await rename(`${path}.new`, path);
  return path;
}

/** Where this machine's own apt has that Debian from; where it has none of it, mmdebstrap knows a mirror itself. */
async function mirrorOf(suite: string): Promise<string[]> {
  const wanted = ['Created-By: Packages', `Release: ${suite}`, 'Component: main'];
  const { stdout } = await run('apt-get', ['indextargets', '--format=$(REPO_URI)', ...wanted]);
  return stdout.split('\n').filter(Boolean).slice(0, 1);
}

/** Unpacks a base system into a folder, which is made. */
export async function unpackBase(archive: string, folder: string): Promise<void> {
  await mkdir(folder);
  await run('tar', ['-C', folder, '--numeric-owner', '--exclude=./dev/*', '-xpf', archive]);
}
