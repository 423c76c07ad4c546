// @time-limit 300 s
// @long
import { execFileSync, spawnSync } from 'node:child_process';
import {
  accessSync,
  constants,
  existsSync,
  globSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { copyTree } from '../check/copied-tree.ts';
import { anyDepth, readPackages } from './packages.ts';

const root = join(import.meta.dirname, '../..');

// Packed in a copy: other tests run the bundles of this tree, and the build would pull them from under them.
const copy = copyTree(root);
const user = mkdtempSync(join(tmpdir(), 'loadline-user-'));
const packages = readPackages(root);
const installed = (name: string, path = '') => join(user, 'node_modules', name, path);

test.before(() => {
  execFileSync(process.execPath, [...process.execArgv, 'tools/build/main.ts', 'pack'], { cwd: copy });
  const tarballs = globSync('dist/packages/*.tgz', { cwd: copy }).map((path) => join(copy, path));
  writeFileSync(join(user, 'package.json'), JSON.stringify({ name: 'user', private: true, type: 'module' }));
  const options = ['--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  execFileSync('npm', ['install', ...options, ...tarballs], { cwd: user });
});

test.after(() => {
  for (const folder of [copy, user]) rmSync(folder, { recursive: true, force: true });
});

test('every package is installed from its tarball, not linked to the workspace', () => {
  for (const { name } of packages) {
    assert.ok(existsSync(installed(name, 'package.json')), name);
    assert.equal(globSync('dist/**/*.test.*', { cwd: installed(name) }), [], name);
    assert.ok(existsSync(installed(name, 'dist/LICENSE')), name);
  }
});

test('what is no TypeScript is there too: the web page, and the native half of the serial port', () => {
  assert.ok(existsSync(installed('@loadline/cloud', 'dist/web/index.html')));
  const natives = globSync('dist/bundle/prebuilds/*/*.node', { cwd: installed('@loadline/device-runtime') });
  assert.ok(natives.length > 0);
});

test('whatever a package exports can be imported', () => {
  const specifiers = packages.flatMap(exportedSpecifiers);
  for (const one of ['t24', 'release/repository'])
    assert.ok(specifiers.includes(`@loadline/sdk/${one}`), one);
  const script = specifiers.map((specifier) => `await import('${specifier}');`).join('\n');
  writeFileSync(join(user, 'import-all.mjs'), `${script}\nconsole.log('imported');\n`);
  const { stdout, stderr } = spawnSync(process.execPath, ['import-all.mjs'], { cwd: user, encoding: 'utf8' });
  assert.is(stdout, 'imported\n', stderr);
});

test('a program of the user is checked against the types', () => {
  const exported = packages.flatMap(exportedSpecifiers);
  const imports = exported.map((specifier, at) => `export * as package${at} from '${specifier}';`);
  writeFileSync(
    join(user, 'program.ts'),
    `${imports.join('\n')}
import { type Reading } from '@loadline/sdk/telemetry';
import { parseTopic } from '@loadline/sdk/contract';

export const tag: Reading['tag'] = 0x1a2b;
// @ts-expect-error: were the types not found, everything would be any, and this no error.
export const wrong: Reading['tag'] = 'a name';
// @ts-expect-error
parseTopic(1);
`,
  );
  const options = [
    '--module',
    'NodeNext',
    '--target',
    'ES2024',
    '--strict',
    '--noEmit',
    '--skipLibCheck',
    '--types',
    'node',
  ];
  const typeRoots = ['--typeRoots', join(root, 'node_modules/@types')];
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const { status, stdout } = spawnSync(process.execPath, [tsc, ...options, ...typeRoots, 'program.ts'], {
    cwd: user,
    encoding: 'utf8',
  });
  assert.is(status, 0, stdout);
});

test('every command of the packages is there and can be executed', () => {
  const commands = packages.flatMap(({ name }) => Object.keys(manifestOf(name).bin ?? {}));
  assert.ok(commands.includes('loadline'));
  for (const command of commands) {
    const path = join(user, 'node_modules/.bin', command);
    accessSync(path, constants.X_OK);
    assert.ok(readFileSync(path, 'utf8').startsWith('#!/usr/bin/env '), `${command} has no #! line`);
  }
});

for (const [command, name] of [
  ['loadline', '@loadline/tools'],
  ['loadline-gateway', '@loadline/device-runtime'],
] as const) {
  test(`${command} runs, and tells its version`, () => {
    const path = [dirname(process.execPath), process.env.PATH].join(delimiter);
    const { stdout, stderr } = spawnSync(join(user, 'node_modules/.bin', command), ['--version'], {
      encoding: 'utf8',
      env: { ...process.env, PATH: path },
    });
    assert.is(stdout, `${manifestOf(name).version}\n`, stderr);
  });
}

interface Manifest {
  version: string;
  bin?: Record<string, string>;
  exports?: Record<string, { default?: string }>;
}

function manifestOf(name: string): Manifest {
  return JSON.parse(readFileSync(installed(name, 'package.json'), 'utf8')) as Manifest;
}

/** The names under which the installed package can be imported: a pattern stands for each file that it fits. */
function exportedSpecifiers({ name }: { name: string }): string[] {
  return Object.entries(manifestOf(name).exports ?? {}).flatMap(([path, { default: built }]) => {
    if (built === undefined) return [];
    const [before = '', after = ''] = built.slice(2).split('*');
    return globSync(anyDepth(built).slice(2), { cwd: installed(name) }).map((file) =>
      join(name, path.replace('*', file.slice(before.length, file.length - after.length))),
    );
  });
}

test.run();
