// npm run build:            what is run and shipped: the bundles, and every package's dist/
// npm run build -- bundles: only the bundles, which the checkout itself runs (tests, npm start)
// npm run pack:             npm run build, then a tarball of every package in dist/packages/
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { buildBundles } from './bundles.ts';
import { compile } from './compile.ts';
import { readPackages } from './packages.ts';

const root = join(import.meta.dirname, '../..');
const [task = 'all', ...rest] = process.argv.slice(2);

if (!['all', 'bundles', 'pack'].includes(task) || rest.length > 0) {
  console.error('usage: npm run build [-- bundles | pack]');
  process.exit(2);
}

if (task !== 'bundles') {
  const packages = readPackages(root);
  for (const { folder } of packages) rmSync(join(folder, 'dist'), { recursive: true, force: true });
  for (const each of packages) {
    compile(root, each);
    console.log(`compiled ${each.name}`);
  }
}
await buildBundles();

if (task === 'pack') {
  const destination = join(root, 'dist/packages');
  rmSync(destination, { recursive: true, force: true });
  mkdirSync(destination, { recursive: true });
  execFileSync('npm', ['pack', '--silent', '--workspaces', '--pack-destination', destination], {
    cwd: root,
    stdio: 'inherit',
  });
}
