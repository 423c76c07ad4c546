import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { brotliCompress, gzip } from 'node:zlib';
import { build } from 'esbuild';

const room = dirname(fileURLToPath(import.meta.url));
const folder = join(room, '..', 'dist', 'web');

/**
 * Bundles the page into static files that need nothing else, each also compressed beside itself for slow links:
 *
 *     dist/web/index.html          (.br, .gz)
 *     dist/web/main-<hash>.js      (.br, .gz)   sign-in and dashboard
 *     dist/web/chunk-<hash>.js     (.br, .gz)   what main shares with the others; the page asks for it at once
 *     dist/web/index-<hash>.js     (.br, .gz)   the administration; and each other part that is loaded when looked at
 *     dist/web/style-<hash>.css    (.br, .gz)
 *     dist/web/favicon.svg
 *
 * The same sources give the same bytes. A file with a hash in its name never changes and may be cached for ever.
 */
export async function buildWeb(): Promise<{ folder: string }> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const { metafile } = await build({
    absWorkingDir: room,
    entryPoints: ['main.tsx', 'style.css'],
    outdir: folder,
    entryNames: '[name]-[hash]',
    chunkNames: '[name]-[hash]',
    splitting: true,
    bundle: true,
    format: 'esm',
    platform: 'browser',
    conditions: ['loadline-source', 'module'],
    target: ['es2022', 'chrome100', 'firefox100', 'safari15.4'],
    jsx: 'automatic',
    jsxImportSource: 'preact',
    minify: true,
    legalComments: 'none',
    metafile: true,
    logLevel: 'warning',
  });
  let html = await readFile(join(room, 'index.html'), 'utf8');
  const outputs = Object.entries(metafile.outputs).map(([path, output]) => ({
    ...output,
    file: basename(path),
  }));
  for (const entry of ['main.tsx', 'style.css']) {
    const output = outputs.find(({ entryPoint }) => entryPoint === entry);
    const plain = `"${entry.replace('.tsx', '.js')}"`;
    if (output === undefined || !html.includes(plain))
      throw new Error(`index.html has no place for ${entry}`);
    html = html.replace(plain, `"${output.file}"`);
    // Asked for together with it, not after it has been read.
    const needed = output.imports.filter(({ kind }) => kind === 'import-statement');
    const preloads = needed.map(({ path }) => `    <link rel="modulepreload" href="${basename(path)}" />\n`);
    html = html.replace('  </head>', `${preloads.join('')}  </head>`);
  }
  await writeFile(join(folder, 'index.html'), html);
  await cp(join(room, 'favicon.svg'), join(folder, 'favicon.svg'));
  for (const file of ['index.html', ...outputs.map(({ file }) => file)]) await compress(join(folder, file));
  return { folder };
}

async function compress(path: string): Promise<void> {
  const bytes = await readFile(path);
  await writeFile(`${path}.br`, await promisify(brotliCompress)(bytes));
  await writeFile(`${path}.gz`, await promisify(gzip)(bytes, { level: 9 }));
}

if (import.meta.main) {
  const built = await buildWeb();
  process.stdout.write(`${built.folder}\n`);
}
