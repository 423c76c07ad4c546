import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/**
 * Copies the workspace at `root`, as git would commit it, into a new temporary folder, and what is installed.
 * Nothing done to the sources there is seen from `root`.
 */
export function copyTree(root: string): string {
  const copy = mkdtempSync(join(tmpdir(), 'loadline-tree-'));
  const list = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  });
  for (const path of list.split('\0').filter((path) => path !== '' && existsSync(join(root, path)))) {
    mkdirSync(join(copy, dirname(path)), { recursive: true });
    cpSync(join(root, path), join(copy, path));
  }
  const { workspaces } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    workspaces: string[];
  };
  for (const folder of ['', ...workspaces]) {
    const installed = join(folder, 'node_modules');
    if (existsSync(join(root, installed))) linkFiles(join(root, installed), join(copy, installed));
  }
  return copy;
}

/**
 * Hard links, which cost nothing: behind symbolic ones biome sees no types. npm's own links to the packages of the
 * workspace are relative, so they lead to the copy's. Over the border of a file system the files are copied.
 */
function linkFiles(from: string, to: string): void {
  const { status } = spawnSync('cp', ['-a', '-l', from, to], { stdio: 'ignore' });
  if (status !== 0) cpSync(from, to, { recursive: true, verbatimSymlinks: true, force: true });
}
