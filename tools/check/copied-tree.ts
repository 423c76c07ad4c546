import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

/** What is made, installed or kept in a checkout, and belongs to nobody's sources. */
const notSources: ReadonlySet<string> = new Set(['.git', 'node_modules', 'dist', 'state']);

/**
 * Copies the sources of the workspace at `root`, and what is installed, into a new temporary folder. Nothing done
 * to the copy is seen from `root`. Without git: a machine that only runs the tests need not have it.
 */
export function copyTree(root: string): string {
  const copy = mkdtempSync(join(tmpdir(), 'loadline-tree-'));
  cpSync(root, copy, { recursive: true, filter: (source) => !notSources.has(basename(source)) });
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
