// @long
// @time-limit 300 s
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mock } from 'node:test';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { runRelease, writeBuiltRelease } from './run-release.ts';

const test = suite('loadline release, called with what it cannot use');

const day = 86_400_000;
const folder = mkdtempSync(join(tmpdir(), 'loadline-release-wrong-'));
const at = (...names: string[]) => join(folder, ...names);
const passphrase = ['--passphrase-file', at('passphrase')];
const repository = ['--repository', at('repository')];
const keys = [...repository, '--folder', at('keys'), ...passphrase];
const root = ['--root', at('stick', '1.root.json')];

async function done(...args: string[]): Promise<string> {
  const { code, out, err } = await runRelease(...args);
  assert.is(code, 0, `${args.join(' ')}: ${err}`);
  return out;
}

async function refused(code: number, words: RegExp, ...args: string[]): Promise<void> {
  const ran = await runRelease(...args);
  assert.is(ran.code, code, `${args.join(' ')}: ${ran.out}${ran.err}`);
  assert.match(ran.err, words);
}

test.before(async () => {
  writeFileSync(at('passphrase'), 'correct horse battery\n', { mode: 0o600 });
  const files: string[] = [];
  const ids: string[] = [];
  for (const role of ['targets', 'snapshot', 'timestamp']) {
    const made = await done('key', '--role', role, '--folder', at('keys'), ...passphrase, '--json');
    files.push(JSON.parse(made).public);
    ids.push(JSON.parse(made).id);
  }
  const stick = ['--offline', '--folder', at('stick'), ...passphrase];
  await done('init', ...stick, '--key', ...files, '--expect', ...ids);
  writeBuiltRelease(
    at('built'),
    { version: '1.4.0', target: 'linux-arm64' },
    { 'bin/node': 'node', 'gateway.mjs': 'gateway' },
  );
});
test.after(() => rmSync(folder, { recursive: true }));
test.after.each(() => mock.timers.reset());

test('a repository in which nothing is signed yet is said to be one', async () => {
  await refused(
    2,
    /keys of targets that root 1 names \([0-9a-f]{8}\) 1 must sign, and .*empty holds 0/,
    ...[...['sign', ...repository, '--folder', at('empty'), ...passphrase, ...root, at('built')]],
  );
  for (const words of [['withdraw', '1.4.0'], ['floor', '1.4.0'], ['renew']]) {
    await refused(
      2,
      /nothing is signed in .*repository yet: 'loadline release sign' first/,
      ...words,
      ...keys,
    );
  }
  await refused(2, /repository has no targets: a gateway would believe/, 'verify', ...repository, ...root);
  await refused(2, /mistyped holds no repository/, 'verify', '--repository', at('mistyped'), ...root);
  await done('sign', ...keys, ...root, at('built'));
});

test('a file that is no root is named, and nothing of what is in it is shown', async () => {
  for (const words of [
    ['verify', ...repository],
    ['show'],
    ['sign-root', '--folder', at('stick'), ...passphrase],
  ]) {
    const option = words[0] === 'show' ? [] : ['--root'];
    const ran = await runRelease(...words, ...option, at('passphrase'));
    assert.is(ran.code, 2, ran.err);
    assert.match(ran.err, /passphrase is no root of a repository \(<n>\.root\.json\): .*it is no JSON/);
    assert.not.match(ran.err, /correct/);
  }
  await refused(2, /keys cannot be read: EISDIR/, 'verify', ...repository, '--root', at('keys'));
});

test('a folder without keys renews nothing, and says so instead of that nothing was due', async () => {
  mock.timers.enable({ apis: ['Date'], now: Date.now() + 6 * day });
  const words = ['renew', ...repository, ...passphrase, '--folder'];
  await refused(
    2,
    /mistyped holds no key that root 1 lets sign targets, snapshot, timestamp/,
    ...words,
    at('mistyped'),
  );
  assert.not.ok(existsSync(at('mistyped')));
});

test('targets that are due and cannot be renewed here are told beside what is', async () => {
  mock.timers.enable({ apis: ['Date'], now: Date.now() + 200 * day });
  const [name = ''] = readdirSync(at('keys')).filter((each) => /^targets.*\.jwe$/.test(each));
  const closed = readFileSync(at('keys', name));
  rmSync(at('keys', name));
  const { code, out, err } = await runRelease('renew', ...keys, '--json');
  assert.is(code, 0, err);
  assert.equal(JSON.parse(out).left, ['targets']);
  assert.match(err, /The targets are due, and their key is not in .*keys\.\nWrote .*timestamp\.json/);
  assert.not.match(await done('renew', ...keys), /Nothing was due/);
  writeFileSync(at('keys', name), closed, { mode: 0o600 });
});

test('a release that is not signed is not withdrawn; those that are are named', async () => {
  await refused(
    2,
    /no release 9\.9\.9 is signed; those that are: 1\.4\.0 for linux-arm64/,
    'withdraw',
    '9.9.9',
    ...keys,
  );
  await refused(
    2,
    /no release 1\.4\.0 for linux-x64 is signed; those/,
    ...['withdraw', '1.4.0', '--target', 'linux-x64', ...keys],
  );
});

test('a file that the disk has spoiled, or lost, comes back with its release', async () => {
  const [first = '', second = ''] = readdirSync(at('repository', 'blobs'));
  const spoiled = readFileSync(at('repository', 'blobs', first));
  writeFileSync(
    at('repository', 'blobs', first),
    spoiled.map((byte) => byte ^ 1),
  );
  rmSync(at('repository', 'blobs', second));
  await refused(1, /blobs\/[0-9a-f]{64} \(.*\) (is|Unknown|Invalid|Data)/, 'verify', ...repository, ...root);
  await done('sign', ...keys, at('built'));
  assert.ok(readFileSync(at('repository', 'blobs', first)).equals(spoiled));
  await done('verify', ...repository, ...root);
});

test('a manifest that is missing is named before a cloud is asked, and what brings it back', async () => {
  const place = at('repository', 'targets', 'releases', '1.4.0', 'linux-arm64');
  const [name = ''] = readdirSync(place);
  rmSync(join(place, name));
  await refused(1, /manifest\.json is missing: .*sign the built release once more/, 'publish', ...repository);
  await done('sign', ...keys, at('built'));
  assert.ok(existsSync(join(place, name)));
});

test("a repository whose timestamp is the cloud's is judged by the cloud", async () => {
  rmSync(at('repository', 'metadata', 'timestamp.json'));
  await refused(2, /has no timestamp: .*'loadline release publish' brings/, 'verify', ...repository, ...root);
});

test.run();
