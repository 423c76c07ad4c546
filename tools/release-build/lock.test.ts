import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { packagesInside } from './contents.ts';
import { Lock } from './lock.ts';

const test = suite<{ root: string; lock: Lock }>('what package-lock.json says is inside');

const common = { license: 'MIT' };
const packages = {
  '': { name: 'workspace' },
  sdk: { name: '@own/sdk', version: '1.0.0', license: 'Apache-2.0', dependencies: { '@some/a': '*' } },
  'node_modules/@own/sdk': { resolved: 'sdk', link: true },
  'node_modules/@some/a': { ...common, version: '1.2.3', integrity: 'sha512-AA==', dependencies: { b: '2' } },
  'node_modules/@some/a/node_modules/b': { ...common, version: '2.0.0', integrity: 'sha512-BB==' },
  'node_modules/e': { ...common, version: '3.0.0', integrity: 'sha512-EE==' },
  'node_modules/b/node_modules/e': { ...common, version: '3.0.0', integrity: 'sha512-EE==' },
  'node_modules/b': { ...common, version: '1.0.0', integrity: 'sha512-CC==', dependencies: { c: '*' } },
  'node_modules/c': { version: '1.0.0', integrity: 'sha512-DD==' },
};

test.before((context) => {
  context.root = mkdtempSync(join(tmpdir(), 'loadline-lock-'));
  writeFileSync(join(context.root, 'package-lock.json'), JSON.stringify({ packages }));
  context.lock = new Lock(context.root);
});
test.after(({ root }) => rmSync(root, { recursive: true }));

test('knows whose a file is, also where two versions of one package are installed', ({ lock }) => {
  assert.is(lock.owning('node_modules/@some/a/node_modules/b/lib/index.js').version, '2.0.0');
  assert.is(lock.owning('node_modules/b/index.js').version, '1.0.0');
  assert.is(lock.owning('sdk/t24/value.ts').name, '@own/sdk');
  assert.throws(() => lock.owning('elsewhere/x.js'), /elsewhere\/x\.js/);
});

test('finds a dependency as Node does, from the inside out', ({ lock }) => {
  assert.equal(lock.dependenciesOf('node_modules/@some/a'), ['node_modules/@some/a/node_modules/b']);
  assert.equal(lock.dependenciesOf('sdk'), ['node_modules/@some/a']);
});

test('takes each package once, and none of the workspace', ({ lock }) => {
  const paths = ['sdk/x.ts', 'node_modules/@some/a/1.js', 'node_modules/@some/a/2.js', 'node_modules/b/1.js'];
  const twice = ['node_modules/e/1.js', 'node_modules/b/node_modules/e/1.js'];
  const inside = packagesInside([...paths, ...twice, 'node_modules/@some/a/node_modules/b/1.js'], lock);
  assert.equal(
    inside.map(({ name, version, dependsOn }) => [`${name} ${version}`, ...dependsOn]),
    [['@some/a 1.2.3', 'b@2.0.0'], ['b 1.0.0'], ['b 2.0.0'], ['e 3.0.0']],
  );
});

test('goes no further where it does not know the licence', ({ lock }) => {
  assert.throws(() => packagesInside(['node_modules/c/index.js'], lock), /the licence of node_modules\/c/);
});

test('does not know a link, nor what is not installed', ({ lock }) => {
  assert.throws(() => lock.at('node_modules/@own/sdk'), /no version of node_modules\/@own\/sdk/);
  assert.throws(() => lock.at('node_modules/none'), /no version of node_modules\/none/);
});

test.run();
