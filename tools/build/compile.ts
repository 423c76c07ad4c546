import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import type { Package } from './packages.ts';

/** A file started by its URL: a worker, a process of its own. tsc neither follows nor rewrites these. */
const STARTED_FILE = /new URL\((['"])(\.[^'"]+)\.ts\1, import\.meta\.url\)/g;

/**
 * Compiles what a user can reach of a package to JavaScript with `.d.ts` in its `dist/`: Node does not strip the
 * types of what is installed. Its dependencies in the workspace must be compiled before: they are seen as built.
 * Throws with tsc's words where something does not fit.
 */
export function compile(root: string, { folder, entries }: Package): void {
  const dist = join(folder, 'dist');
  const files = new Set(entries);
  for (;;) {
    runTsc(root, folder, [...files]);
    const missing = startedFiles(dist).filter(
      (file) => !files.has(file) && !existsSync(join(dist, toJs(file))),
    );
    if (missing.length === 0) break;
    for (const file of missing) files.add(file);
  }
  for (const path of globSync('**/*.js', { cwd: dist })) rewriteStarted(join(dist, path));
  copyFileSync(join(root, 'LICENSE'), join(dist, 'LICENSE'));
}

function runTsc(root: string, folder: string, files: readonly string[]): void {
  const config = join(folder, 'dist/tsconfig.json');
  mkdirSync(dirname(config), { recursive: true });
  const compilerOptions = {
    noEmit: false,
    declaration: true,
    rewriteRelativeImportExtensions: true,
    customConditions: [],
    rootDir: folder,
    outDir: join(folder, 'dist'),
    typeRoots: [join(root, 'node_modules/@types')],
  };
  writeFileSync(
    config,
    JSON.stringify({
      extends: join(root, 'tsconfig.json'),
      compilerOptions,
      files: [...files, ...globSync('**/*.d.ts', { cwd: folder, exclude: ['dist', 'node_modules'] })].map(
        (file) => join(folder, file),
      ),
      include: [],
    }),
  );
  try {
    execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', config], {
      cwd: root,
      encoding: 'utf8',
    });
  } catch (error) {
    throw new Error(`${folder} does not compile:\n${(error as { stdout: string }).stdout}`, { cause: error });
  } finally {
    rmSync(config);
  }
}

/** The sources, relative to the package, that its compiled files start by URL. */
function startedFiles(dist: string): string[] {
  return globSync('**/*.js', { cwd: dist }).flatMap((path) => {
    const source = readFileSync(join(dist, path), 'utf8');
    return [...source.matchAll(STARTED_FILE)].map(([, , file]) =>
      normalize(join(dirname(path), `${file}.ts`)),
    );
  });
}

function rewriteStarted(path: string): void {
  const source = readFileSync(path, 'utf8');
  const rewritten = source.replaceAll(STARTED_FILE, 'new URL($1$2.js$1, import.meta.url)');
  if (rewritten !== source) writeFileSync(path, rewritten);
}

function toJs(path: string): string {
  return path.replace(/\.ts$/, '.js');
}
