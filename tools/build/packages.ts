import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A package of the workspace. `entries` are the sources a user can reach, relative to its folder. */
export interface Package {
  name: string;
  folder: string;
  entries: string[];
}

interface Manifest {
  name: string;
  exports?: Record<string, { 'loadline-source'?: string; default?: string }>;
  workspaces?: string[];
}

/** The packages of the workspace at `root`, each after those it depends on, which is how the root lists them. */
export function readPackages(root: string): Package[] {
  return (readManifest(root).workspaces ?? []).map((name) => {
    const folder = join(root, name);
    const manifest = readManifest(folder);
    return { name: manifest.name, folder, entries: findEntries(folder, manifest) };
  });
}

/**
 * What `exports` names, the program of the package, `main.ts`, and its threads, which nothing imports. An export
 * without `default` is for the checkout only.
 */
function findEntries(folder: string, { name, exports = {} }: Manifest): string[] {
  const sources = Object.values(exports).flatMap(({ 'loadline-source': source, default: built }) =>
    source !== undefined && built !== undefined ? [source] : [],
  );
  const entries = sources.flatMap((source) => {
    const found = globSync(anyDepth(source), { cwd: folder, exclude: ['dist', 'node_modules'] });
    if (found.length === 0) throw new Error(`${name} exports ${source}, and there is no such file`);
    return found;
  });
  const started = globSync(['main.ts', '**/*-thread.ts'], { cwd: folder, exclude: ['dist', 'node_modules'] });
  return [...entries, ...started].sort();
}

/** A pattern of `exports` as a glob: its star stands for folders in folders, too. */
export function anyDepth(pattern: string): string {
  return pattern.replace('*', '**');
}

function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
}
