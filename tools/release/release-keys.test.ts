// @long
// @time-limit 300 s
// A repository's life by the commands that people type: ceremonies with two holders of the root, releases, every role's keys
// replaced, each judged by a client that trusts the first root and nothing newer.
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mock } from 'node:test';
import { lockFolder } from '@loadline/sdk/platform';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Ran, runRelease, writeBuiltRelease } from './run-release.ts';

const test = suite('the commands of releases');

const day = 86_400_000;
const folder = mkdtempSync(join(tmpdir(), 'loadline-release-'));
const at = (...names: string[]) => join(folder, ...names);
const passphrase = ['--passphrase-file', at('passphrase')];
const repository = ['--repository', at('repository')];

test.before(() => {
  mock.timers.enable({ apis: ['Date'], now: Date.UTC(2026, 10, 22, 12) });
  writeFileSync(at('passphrase'), 'correct horse battery\n', { mode: 0o600 });
});
test.after(() => {
  mock.timers.reset();
  rmSync(folder, { recursive: true });
});

const pass = (milliseconds: number) => mock.timers.setTime(Date.now() + milliseconds);

async function done(...args: string[]): Promise<Ran> {
  const ran = await runRelease(...args);
  assert.is(ran.code, 0, `${args.join(' ')}: ${ran.err}`);
  return ran;
}

async function refused(code: number, piece: RegExp, ...args: string[]): Promise<void> {
  const ran = await runRelease(...args);
  assert.is(ran.code, code, `${args.join(' ')}: ${ran.err}`);
  assert.match(ran.err, piece);
}

/** Makes a key; the file that travels, and its id. */
async function makeKey(holder: string, role: string): Promise<{ file: string; id: string }> {
  const { out } = await done('key', '--role', role, '--folder', at(holder), ...passphrase, '--json');
  const said = JSON.parse(out);
  return { file: said.public, id: said.id };
}

const judge = () => done('verify', ...repository, '--root', at('alice', '1.root.json'));
const build = (version: string, text = version) => {
  writeBuiltRelease(
    at(version),
    { version, target: 'linux-arm64' },
    { 'bin/node': 'same', 'gateway.mjs': text },
  );
  return at(version);
};

test('make a first root by two holders, none of whom can sign it alone', async () => {
  const bob = await makeKey('bob', 'root');
  const keys = [bob];
  for (const role of ['targets', 'snapshot', 'timestamp']) keys.push(await makeKey('manager', role));
  const init = [
    'init',
    '--folder',
    at('alice'),
    ...passphrase,
    '--threshold',
    'root=2',
    '--key',
    ...keys.map(({ file }) => file),
  ];
  await refused(2, /no network.*--offline/, ...init);
  await refused(2, /nobody is at a terminal/, ...init, '--offline');
  await refused(1, /not the one that --expect names/, ...init, '--offline', '--expect', bob.id);
  await refused(
    2,
    /no --key is for targets/,
    'init',
    '--offline',
    '--folder',
    at('mallory'),
    ...passphrase,
    '--key',
    bob.file,
  );
  const made = await done(...init, '--offline', '--expect', ...keys.map(({ id }) => id));
  assert.match(made.out, /1 more of its own root keys must sign it: /);
  assert.match(made.out, new RegExp(bob.id.slice(0, 4)));
  await refused(2, /there already/, ...init, '--offline', '--expect', ...keys.map(({ id }) => id));

  const root = ['--root', at('alice', '1.root.json')];
  const sign = ['sign', ...repository, '--folder', at('manager'), ...passphrase];
  await refused(1, /does not have the signatures of 2/, ...sign, ...root);
  assert.not.ok(existsSync(at('repository', 'metadata')));
  const ids = JSON.parse((await done('show', '--json', at('alice', '1.root.json'))).out).items[0].root.roles;
  const all = Object.values(ids).flatMap((each) => (each as { keys: string[] }).keys);
  await refused(
    2,
    /holds no root key that has a say/,
    'sign-root',
    '--folder',
    at('manager'),
    ...passphrase,
    ...root,
    '--expect',
    ...all,
  );
  await refused(
    1,
    /--expect/,
    'sign-root',
    '--folder',
    at('bob'),
    ...passphrase,
    ...root,
    '--expect',
    bob.id,
  );
  const whole = await done('sign-root', '--folder', at('bob'), ...passphrase, ...root, '--expect', ...all);
  assert.match(whole.out, /is signed by all who must/);
  await done(...sign, ...root);
  assert.match((await judge()).out, /All of it holds/);
});

test('keep private keys closed, for their owner alone, and nothing of them in what travels', () => {
  for (const holder of ['alice', 'bob', 'manager']) {
    assert.is(statSync(at(holder)).mode & 0o777, 0o700);
    for (const name of readdirSync(at(holder))) {
      const text = readFileSync(at(holder, name), 'utf8');
      assert.not.match(text, /PRIVATE/);
      if (!name.endsWith('.key.jwe')) continue;
      assert.is(statSync(at(holder, name)).mode & 0o777, 0o600);
      const [header = ''] = text.split('.');
      assert.match(
        Buffer.from(header, 'base64url').toString(),
        /"PBES2-HS512\+A256KW".*"loadline-release-key"/,
      );
    }
  }
});

test('sign what was built, whole and once, and take it back', async () => {
  const sign = ['sign', ...repository, '--folder', at('manager'), ...passphrase];
  await refused(2, /sign what/, ...sign);
  await refused(2, /holds no manifest\.json/, ...sign, at('bob'));
  const spoiled = build('1.3.0');
  const [blob = ''] = readdirSync(join(spoiled, 'blobs'));
  writeFileSync(join(spoiled, 'blobs', blob), 'other');
  await refused(1, /\.(json|mjs|js)|bin\/node|gateway/, ...sign, spoiled);
  rmSync(join(spoiled, 'blobs', blob));
  await refused(1, /is missing/, ...sign, spoiled);
  await done(...sign, build('1.4.0'), build('1.5.0'));
  assert.match((await judge()).out, /1\.4\.0 for linux-arm64: 2 files/);
  assert.is(readdirSync(at('repository', 'blobs')).length, 3);
  // Again is nothing new; the same version with other bytes is no release.
  const before = readdirSync(at('repository', 'metadata'));
  await done(...sign, at('1.4.0'));
  assert.equal(readdirSync(at('repository', 'metadata')), before);
  await refused(
    2,
    /1\.4\.0 for linux-arm64 is signed already, with other content/,
    ...sign,
    build('1.4.0', 'other'),
  );

  const withdraw = ['withdraw', ...repository, '--folder', at('manager'), ...passphrase];
  await refused(2, /no release 9\.9\.9/, ...withdraw, '9.9.9');
  await done(...withdraw, '1.4.0');
  const { out } = await judge();
  assert.not.match(out, /1\.4\.0/);
  assert.match(out, /1\.5\.0/);
  assert.is(readdirSync(at('repository', 'blobs')).length, 2);
  const [shown] = JSON.parse((await done('show', ...repository, '--json')).out).items;
  assert.equal(
    shown.releases.map(({ version }: { version: string }) => version),
    ['1.5.0'],
  );
});

test('change nothing while another process signs in the repository, and name it', async () => {
  const leave = await lockFolder(at('repository'));
  const signed = readdirSync(at('repository', 'metadata'));
  const flags = [...repository, '--folder', at('manager'), ...passphrase];
  const inUse = new RegExp(`in use by process ${process.pid}`);
  await refused(1, inUse, 'sign', ...flags, build('1.5.1'));
  await refused(1, inUse, 'withdraw', ...flags, '1.5.0');
  await refused(1, inUse, 'renew', ...flags);
  assert.equal(readdirSync(at('repository', 'metadata')), signed);
  await leave();
  await refused(2, /holds no repository/, 'renew', '--repository', at('mistyped'), ...flags.slice(2));
  assert.not.ok(existsSync(at('mistyped')));
});

test('let nothing older than a floor be taken, or signed, ever again', async () => {
  const flags = [...repository, '--folder', at('manager'), ...passphrase];
  await done('sign', ...flags, build('1.4.1'));
  await refused(2, /no release from 9\.0\.0 on for linux-arm64 is signed/, 'floor', ...flags, '9.0.0');
  const { out } = await done('floor', ...flags, '1.5.0');
  assert.match(out, /Withdrew 1\.4\.1 for linux-arm64\.\nNo gateway takes what is older than 1\.5\.0/);
  assert.is(readdirSync(at('repository', 'blobs')).length, 2);
  await refused(1, /1\.4\.1 is older than 1\.5\.0/, 'sign', ...flags, at('1.4.1'));
  assert.is(readdirSync(at('repository', 'blobs')).length, 2);
  await refused(1, /1\.4\.2 is older than 1\.5\.0/, 'floor', ...flags, '1.4.2');
  assert.match((await done('show', ...repository)).out, /no gateway takes what is older than 1\.5\.0/);
  assert.match((await judge()).out, /1\.5\.0/);
});

test('open nothing for a passphrase that is another one, or that others may read', async () => {
  writeFileSync(at('wrong'), 'wrong horse battery\n', { mode: 0o600 });
  const sign = ['sign', ...repository, '--folder', at('manager'), at('1.5.0')];
  await refused(1, /passphrase does not open .*\.key\.jwe/, ...sign, '--passphrase-file', at('wrong'));
  chmodSync(at('wrong'), 0o644);
  await refused(2, /other users may read/, ...sign, '--passphrase-file', at('wrong'));
  await refused(2, /nobody is at a terminal/, ...sign);
});

test('renew what has half of its time left, and say what has ended', async () => {
  const renew = ['renew', ...repository, '--folder', at('manager'), ...passphrase];
  assert.match((await done(...renew)).out, /Nothing was due/);
  pass(4 * day);
  assert.match((await done(...renew)).out, /Wrote timestamp\.json/);
  pass(8 * day);
  await refused(
    1,
    /timestamp\.json is expired: nobody vouches/,
    'verify',
    ...repository,
    '--root',
    at('alice', '1.root.json'),
  );
  assert.match((await done(...renew)).out, /Wrote \d+\.snapshot\.json, timestamp\.json/);
  pass(200 * day);
  assert.match((await done(...renew)).out, /Wrote \d+\.targets\.json, \d+\.snapshot\.json, timestamp\.json/);
  await judge();
});

test('replace the keys of every role, one after the other, under the eyes of a client that knows only the first root', async () => {
  const newest = () => {
    const versions = readdirSync(at('repository', 'metadata')).flatMap(
      (name) => /^(\d+)\.root\.json$/.exec(name)?.[1] ?? [],
    );
    return at('repository', 'metadata', `${Math.max(...versions.map(Number))}.root.json`);
  };
  const take = (root: string) =>
    done('sign', ...repository, '--folder', at('manager'), ...passphrase, '--root', root);
  /** Alice makes the next root, Bob signs it. */
  const rotate = async (added: { file: string; id: string }[], ...args: string[]) => {
    const before = newest();
    const keys =
      added.length === 0
        ? []
        : ['--key', ...added.map(({ file }) => file), '--expect', ...added.map(({ id }) => id)];
    const made = JSON.parse(
      (
        await done(
          'rotate',
          '--folder',
          at('alice'),
          ...passphrase,
          '--root',
          before,
          ...args,
          ...keys,
          '--json',
        )
      ).out,
    );
    const old = JSON.parse((await done('show', '--json', before)).out).items[0].root.roles.root.keys;
    const fresh = made.roles.root.keys.filter((id: string) => !old.includes(id));
    const expect = [...added.map(({ id }) => id), ...fresh];
    const unchanged = expect.length === 0 ? [] : ['--expect', ...expect];
    await refused(
      1,
      /does not have the signatures/,
      'sign',
      ...repository,
      '--folder',
      at('manager'),
      ...passphrase,
      '--root',
      made.root,
    );
    await refused(
      2,
      /give root \d with --before/,
      'sign-root',
      '--folder',
      at('bob'),
      ...passphrase,
      '--root',
      made.root,
    );
    await done(
      'sign-root',
      '--folder',
      at('bob'),
      ...passphrase,
      '--root',
      made.root,
      '--before',
      before,
      ...unchanged,
    );
    return made.root as string;
  };
  for (const role of ['timestamp', 'snapshot', 'targets']) {
    const root = await rotate([await makeKey('manager', role)], '--role', role);
    await take(root);
    await judge();
  }
  // Targets by a key that the root does not name any more.
  await refused(
    2,
    /of the keys of targets that root 4 names \([0-9a-f]{8}\) 1 must sign/,
    'sign',
    ...repository,
    '--folder',
    at('bob'),
    ...passphrase,
    build('1.6.0'),
  );
  await done('sign', ...repository, '--folder', at('manager'), ...passphrase, at('1.6.0'));

  await refused(
    2,
    /--role targets needs a --key/,
    'rotate',
    '--folder',
    at('alice'),
    ...passphrase,
    '--root',
    newest(),
    '--role',
    'targets',
  );
  const stray = await makeKey('manager', 'targets');
  await refused(
    2,
    /no --role says/,
    'rotate',
    '--folder',
    at('alice'),
    ...passphrase,
    '--root',
    newest(),
    '--key',
    stray.file,
  );
  await refused(
    1,
    /root: 3 of 2 keys/,
    'rotate',
    '--folder',
    at('alice'),
    ...passphrase,
    '--root',
    newest(),
    '--threshold',
    'root=3',
  );

  // Alice has a new root key; then all the same for longer.
  await take(await rotate([], '--role', 'root'));
  await judge();
  pass(300 * day);
  await take(await rotate([]));
  await done('renew', ...repository, '--folder', at('manager'), ...passphrase);
  assert.match((await judge()).out, /1\.6\.0/);

  // A root that leaves one out is not taken.
  const skipped = await rotate([]);
  const second = at('skipped.root.json');
  const later = JSON.parse(readFileSync(skipped, 'utf8'));
  writeFileSync(
    second,
    JSON.stringify({ ...later, signed: { ...later.signed, version: later.signed.version + 1 } }),
  );
  await refused(
    1,
    /does not come after root \d/,
    'sign',
    ...repository,
    '--folder',
    at('manager'),
    ...passphrase,
    '--root',
    second,
  );
});

test.run();
