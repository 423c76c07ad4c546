// @long
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { firstRoot, makeRoleKey, roleSigner, signRoot } from '@loadline/sdk/release/repository';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { writeBuiltRelease } from '../release/run-release.ts';
import { ownVersion } from '../version.ts';

const test = suite<{ folder: string }>('loadline image build, and updates');

const root = join(import.meta.dirname, '../..');
const key = roleSigner(makeRoleKey().privateKeyPem);
const alone = { keys: [key.key], threshold: 1 };
const unsignedRoot = firstRoot(
  { root: alone, targets: alone, snapshot: alone, timestamp: alone },
  Date.now(),
);

test.before((context) => {
  context.folder = mkdtempSync(join(tmpdir(), 'loadline-image-called-'));
  const { folder } = context;
  const release = { version: '1.0.0', target: 'linux-arm64' } as const;
  writeBuiltRelease(join(folder, 'release'), release, { 'bin/node': 'node', 'gateway.mjs': 'gateway' });
  writeFileSync(join(folder, 'maker.pem'), '-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n');
  writeFileSync(join(folder, 'root.json'), signRoot(unsignedRoot, key, undefined));
});
test.after(({ folder }) => rmSync(folder, { recursive: true }));

function plan(folder: string, ...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return called('--release', join(folder, 'release'), '--maker', join(folder, 'maker.pem'), ...args);
}

function called(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const words = ['image', 'build', '--board', 'rpi4', '--dry-run', ...args];
  return spawnSync(process.execPath, ['tools/launch.mjs', 'tools/main.ts', ...words], {
    cwd: root,
    encoding: 'utf8',
  });
}

test('an image whose gateways never take an update is built for who asks for it by name', ({ folder }) => {
  const { status, stderr } = plan(folder);
  assert.is(status, 2);
  assert.match(stderr, /--releases-root .*say --never-updates/);
  const never = plan(folder, '--never-updates');
  assert.is(never.status, 0, never.stderr);
  assert.match(never.stdout, 'Updates: none are taken, ever');
  const root = ['--releases-root', join(folder, 'root.json')];
  assert.match(plan(folder, ...root).stdout, `Updates: by ${join(folder, 'root.json')}`);
  assert.is(plan(folder, ...root, '--never-updates').status, 2);
});

test('an image is built to trust nothing by which its gateways could never take an update', ({ folder }) => {
  const file = join(folder, 'other.json');
  const trust = () => plan(folder, '--releases-root', file);
  writeFileSync(file, '{}');
  assert.match(trust().stderr, `${file} is no root of a repository`);
  writeFileSync(file, unsignedRoot);
  const { status, stderr } = trust();
  assert.is(status, 2);
  assert.match(stderr, /could never take an update\. 1 more of its own root keys must sign it: [0-9a-f]{8} /);
});

test('without a release said it is the one that was built of this version', ({ folder }) => {
  const { status, stdout, stderr } = called('--maker', join(folder, 'maker.pem'), '--never-updates');
  const made = join(root, `dist/release/loadline-gateway-${ownVersion()}-linux-arm64`);
  if (existsSync(made)) assert.match(stdout, `Release: ${ownVersion()} `, stderr);
  else
    assert.equal(
      [status, stderr.includes(`${made} is no folder that 'loadline release build' made`)],
      [1, true],
    );
});

test.run();
