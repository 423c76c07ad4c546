import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/**
 * Copies the workspace at `root`, as git would commit it, into a new temporary folder, with links to what is
 * installed. The workspace's own packages are linked to the copy, so nothing done there is seen from `root`.
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
    if (existsSync(join(root, installed)))
      linkEach(join(root, installed), join(copy, installed), '@loadline');
  }
  mkdirSync(join(copy, 'node_modules/@loadline'));
  for (const folder of workspaces)
    symlinkSync(join(copy, folder), join(copy, 'node_modules/@loadline', folder));
  return copy;
}

function linkEach(from: string, to: string, except: string): void {
  mkdirSync(to);
  for (const name of readdirSync(from).filter((name) => name !== except))
    symlinkSync(join(from, name), join(to, name));
}
