// @long
// From the root ceremony to what a cloud can roll out, by the commands that people type; then the keys of the cloud are replaced.
// @time-limit 300 s

import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import { writeManifest } from '@loadline/sdk/release';
import { keyIdOf, type RoleKey } from '@loadline/sdk/release/repository';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CloudProcess } from '../system/index.ts';
import { cloudCommand } from './cloud-command.ts';
import { type Ended, loadlineBy } from './loadline-command.ts';

const test = suite('releases, from the ceremony to the cloud');

const folder = mkdtempSync(join(tmpdir(), 'loadline-published-'));
const at = (...names: string[]) => join(folder, ...names);
let cloud: CloudProcess;

test.before(async () => {
  writeFileSync(at('passphrase'), 'correct horse battery\n', { mode: 0o600 });
  cloud = await CloudProcess.start({ state: at('state') });
  writeFileSync(at('password'), cloud.login.password, { mode: 0o600 });
  writeFileSync(at('authority.pem'), cloud.authorityPem);
});
test.after(async () => {
  await cloud.service.stop();
  rmSync(folder, { recursive: true });
});

const loadline = (...args: string[]): Promise<Ended> => loadlineBy({ XDG_CONFIG_HOME: at('home') }, ...args);

async function done(...args: string[]): Promise<Record<string, unknown>> {
  const ended = await loadline(...args, '--json');
  assert.is(ended.code, 0, `${args.join(' ')}: ${ended.err}`);
  return JSON.parse(ended.out || '{}') as Record<string, unknown>;
}

const withKeys = (holder: string) => ['--folder', at(holder), '--passphrase-file', at('passphrase')];
const repository = ['--repository', at('repository')];
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** What a cloud tells of its keys, in a file as it travels; and their ids. */
async function keysOfCloud(): Promise<{ file: string; ids: string[] }> {
  const { code, out, err } = await cloudCommand('releases', 'keys', '--state', at('state'), '--json');
  assert.is(code, 0, err);
  writeFileSync(at('online.json'), out);
  const keys = Object.values(JSON.parse(out) as Record<string, RoleKey>);
  return { file: at('online.json'), ids: keys.map(keyIdOf) };
}

/** A release as it is built, of a program that takes some parts on its way. */
function build(version: string): string {
  const content = Buffer.from(
    Array.from({ length: 150_000 }, (_, at) => sha256(Buffer.from(`${version} ${at}`))).join(''),
  );
  const packed = zstdCompressSync(content);
  mkdirSync(at(version, 'blobs'), { recursive: true });
  writeFileSync(at(version, 'blobs', sha256(packed)), packed);
  const manifest = writeManifest({
    ...{ format: 1, product: 'loadline-gateway', version, target: 'linux-arm64', commit: 'a'.repeat(40) },
    ...{ committed: 1, node: '24.0.0', healthSeconds: 60, launcher: 1 },
    files: [
      {
        ...{ path: 'gateway.mjs', executable: false, length: content.length, sha256: sha256(content) },
        packed: { length: packed.length, sha256: sha256(packed) },
      },
    ],
  });
  writeFileSync(at(version, 'manifest.json'), manifest);
  return at(version);
}

test('a release is signed by people, brought to the cloud, and can be rolled out', async () => {
  const login = ['login', '--url', cloud.url, '--email', cloud.login.email];
  const logged = await loadline(
    ...login,
    '--password-file',
    at('password'),
    '--authority',
    at('authority.pem'),
  );
  assert.is(logged.code, 0, logged.err);
  const online = await keysOfCloud();
  const targets = await done('release', 'key', '--role', 'targets', ...withKeys('manager'));
  const expected = ['--expect', ...online.ids, String(targets.id)];
  const keys = ['--key', online.file, String(targets.public)];
  const { root } = await done('release', 'init', '--offline', ...withKeys('root'), ...keys, ...expected);
  await done(
    'release',
    'sign',
    ...repository,
    ...withKeys('manager'),
    '--root',
    String(root),
    build('1.4.0'),
  );

  const published = await done('release', 'publish', ...repository);
  assert.is(published.changed, true);
  assert.ok(Number(published.sentBytes) > 3 * 512 * 1024, String(published.sentBytes));
  const { items } = await cloud.client.listReleases({ query: {} });
  assert.equal(
    items.map(({ id }) => id),
    ['1.4.0/linux-arm64'],
  );
  const state = await cloud.client.getRepository();
  assert.is(state.fault, null);
  assert.is(state.root?.version, 1);
  const again = await done('release', 'publish', ...repository);
  assert.equal([again.changed, again.sentBytes], [false, 0]);
});

test('the keys of the cloud are replaced, and what it signs goes on', async () => {
  const rotated = await cloudCommand(
    ...['releases', 'rotate', '--state', at('state')],
    ...['--role', 'snapshot', '--role', 'timestamp'],
  );
  assert.is(rotated.code, 0, rotated.err);
  const online = await keysOfCloud();
  const roles = ['--role', 'snapshot', 'timestamp', '--key', online.file, '--expect', ...online.ids];
  const { root } = await done(
    'release',
    'rotate',
    ...withKeys('root'),
    '--root',
    at('root', '1.root.json'),
    ...roles,
  );
  await done(
    'release',
    'sign',
    ...repository,
    ...withKeys('manager'),
    '--root',
    String(root),
    build('1.5.0'),
  );
  await done('release', 'publish', ...repository);
  const { items } = await cloud.client.listReleases({ query: {} });
  assert.equal(
    items.map(({ id }) => id),
    ['1.5.0/linux-arm64', '1.4.0/linux-arm64'],
  );
  const state = await cloud.client.getRepository();
  assert.equal([state.fault, state.root?.version], [null, 2]);
  assert.equal(state.keys.map(({ id }) => id).sort(), [...online.ids].sort());
});

test('what is withdrawn is offered no more, and what somebody else signed is not taken', async () => {
  await done('release', 'withdraw', ...repository, ...withKeys('manager'), '1.4.0');
  await done('release', 'publish', ...repository);
  const { items } = await cloud.client.listReleases({ query: {} });
  assert.equal(
    items.map(({ id }) => id),
    ['1.5.0/linux-arm64'],
  );

  const online = await keysOfCloud();
  const targets = await done('release', 'key', '--role', 'targets', ...withKeys('mallory'));
  const keys = ['--key', online.file, String(targets.public), '--expect', ...online.ids, String(targets.id)];
  const { root } = await done('release', 'init', '--offline', ...withKeys('mallory'), ...keys);
  const other = ['--repository', at('other')];
  await done('release', 'sign', ...other, ...withKeys('mallory'), '--root', String(root), at('1.5.0'));
  const refused = await loadline('release', 'publish', ...other);
  assert.is(refused.code, 1);
  assert.match(refused.err, /root 1 is another than the one that is here/);
});

test.run();
