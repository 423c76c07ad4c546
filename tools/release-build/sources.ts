import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CalledWrongly } from '../cloud/outcome.ts';

/** What a release is built from. */
export interface Sources {
  /** Of the commit that is checked out, 40 hex digits, and its time in seconds since 1970. */
  readonly commit: string;
  readonly committed: number;
  /** A word that tells what is not committed from what is, and from other such; undefined where all is. */
  readonly dirty: string | undefined;
}

/**
 * What git says of the checkout at `root`.
 *
 * @throws CalledWrongly where there is no git or no commit, and where something is not committed, unless that is
 *   allowed
 */
export function readSources(root: string, uncommitted: 'refused' | 'allowed'): Sources {
  const [commit = '', committed] = git(root, 'log', '-1', '--format=%H %ct').toString().trim().split(' ');
  const changed = git(root, 'status', '--porcelain=v1', '-z', '--untracked-files=all')
    .toString()
    .split('\0')
    .filter((line) => line !== '');
  if (changed.length > 0 && uncommitted === 'refused') {
    const some = changed.slice(0, 5).map((line) => line.slice(3));
    throw new CalledWrongly(
      `not all of this checkout is committed (${changed.length} changed: ${some.join(', ')}${changed.length > 5 ? ', …' : ''}), ` +
        'so nobody could build this release again: commit or remove it, or say --allow-dirty, and the version will say so too',
    );
  }
  return {
    commit,
    committed: Number(committed),
    dirty: changed.length === 0 ? undefined : `d${digestOfChanges(root)}`,
  };
}

/** The first 8 hex digits of a digest over all that is not committed. */
function digestOfChanges(root: string): string {
  const hash = createHash('sha256').update(git(root, 'diff', 'HEAD', '--binary', '--no-ext-diff'));
  const added = git(root, 'ls-files', '--others', '--exclude-standard', '-z').toString().split('\0');
  for (const path of added.filter((each) => each !== '').sort()) {
    hash.update(`\0${path}\0`).update(readFileSync(join(root, path)));
  }
  return hash.digest('hex').slice(0, 8);
}

function git(root: string, ...args: string[]): Buffer {
  try {
    return execFileSync('git', args, {
      cwd: root,
      env: { ...process.env, LC_ALL: 'C', GIT_OPTIONAL_LOCKS: '0' },
      stdio: ['ignore', 'pipe', 'pipe'],
      maxBuffer: 256 * 1024 * 1024,
    });
  } catch (error) {
    const { code, stderr } = error as { code?: string; stderr?: Buffer };
    const why = code === 'ENOENT' ? 'git is not installed' : (stderr?.toString().trim().split('\n')[0] ?? '');
    throw new CalledWrongly(
      `git cannot say which commit ${root} is (${why}), and a release names it: build in a clone of the repository, not in ` +
        'an unpacked archive',
      { cause: error },
    );
  }
}
