// @long
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const test = suite<{ folder: string }>('loadline release build, called wrongly');

const root = join(import.meta.dirname, '../..');

test.before((context) => {
  context.folder = mkdtempSync(join(tmpdir(), 'loadline-called-'));
});
test.after(({ folder }) => rmSync(folder, { recursive: true }));

function build(...args: string[]): { status: number | null; stderr: string } {
  const program = ['tools/launch.mjs', 'tools/main.ts', 'release', 'build', ...args];
  return spawnSync(process.execPath, program, { cwd: root, encoding: 'utf8' });
}

test('says why there is no release for 32-bit ARM, and what to do', () => {
  for (const target of ['linux-arm', 'linux-armv7l']) {
    const { status, stderr } = build('--target', target);
    assert.is(status, 2);
    assert.match(stderr, 'There is no Node 24 for 32-bit ARM');
    assert.match(stderr, 'linux-arm64, linux-x64');
  }
});

test('takes no time to report health that a gateway would not take', () => {
  const { status, stderr } = build('--target', 'linux-x64', '--health-seconds', '9');
  assert.is(status, 2);
  assert.match(stderr, '10 to 3600');
});

test('takes no version that could not be told from others', () => {
  const { status, stderr } = build('--target', 'linux-x64', '--as', 'v1.4');
  assert.is(status, 2);
  assert.match(stderr, '1.4.0-rc.1');
});

test('looks at what is to go into the package before it builds anything', ({ folder }) => {
  const file = join(folder, 'root.json');
  const trust = () =>
    build('--target', 'linux-x64', '--allow-dirty', '--out', join(folder, 'out'), '--trust', file);
  assert.match(trust().stderr, `${file} is not there`);
  writeFileSync(file, '{"signed":{"_type":"targets"}}');
  const { status, stderr } = trust();
  assert.is(status, 2);
  assert.match(stderr, 'is no root of a repository');
  const maker = join(folder, 'maker.pem');
  writeFileSync(
    maker,
    '-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\n',
  );
  const closed = build(
    '--target',
    'linux-x64',
    '--allow-dirty',
    '--out',
    join(folder, 'out'),
    '--maker',
    maker,
  );
  assert.is(closed.status, 2);
  assert.match(closed.stderr, 'has a private key in it');
  assert.equal(existsSync(join(folder, 'out')) ? readdirSync(join(folder, 'out')) : [], []);
});

test.run();
