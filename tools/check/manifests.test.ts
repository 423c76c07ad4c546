// What an install brings, and what it runs.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const test = suite('manifests');

const root = join(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

interface Manifest {
  readonly workspaces?: readonly string[];
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly overrides?: Readonly<Record<string, string>>;
}

const workspace = JSON.parse(read('package.json')) as Manifest;
const installed = JSON.parse(read('package-lock.json')) as {
  packages: Readonly<Record<string, { version?: string; resolved?: string }>>;
};

test('an install runs no scripts, and what is added is named by one version', () => {
  const settings = read('.npmrc').split('\n');
  for (const setting of ['ignore-scripts=true', 'save-exact=true'])
    assert.ok(settings.includes(setting), setting);
});

test('every dependency is named by one version', () => {
  for (const folder of ['.', ...(workspace.workspaces ?? [])]) {
    const { dependencies, devDependencies, optionalDependencies, overrides } = JSON.parse(
      read(join(folder, 'package.json')),
    ) as Manifest;
    const named = { ...dependencies, ...devDependencies, ...optionalDependencies, ...overrides };
    for (const [name, version] of Object.entries(named)) {
      assert.match(version, /^\d+\.\d+\.\d+(-[\w.]+)?$/, `${folder}: ${name} ${version}`);
    }
  }
});

test('cbor-extract is the last version that need not be compiled', () => {
  assert.is(workspace.overrides?.['cbor-extract'], '2.2.2');
  assert.is(installed.packages['node_modules/cbor-extract']?.version, '2.2.2');
});

test('the lock file says no host', () => {
  for (const [path, { resolved }] of Object.entries(installed.packages)) {
    assert.not.match(resolved ?? '', /:\/\//, path);
  }
});

test.run();
