import { hkdfSync } from 'node:crypto';
import { chmodSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { KeysError } from './errors.ts';
import { makeTestKeys, type TestKeys } from './test-keys.ts';
import { type KeyVersion, ringNames } from './version.ts';

const day = 24 * 3_600_000;

const test = suite<{ kept: TestKeys }>('keys');

test.before.each(async (context) => {
  context.kept = await makeTestKeys();
});
test.after.each(({ kept }) => kept.remove());

const fileOf = ({ folder }: TestKeys) => join(folder, 'keys.json');

async function refusal(doing: Promise<unknown>): Promise<KeysError> {
  try {
    await doing;
  } catch (error) {
    assert.instance(error, KeysError);
    return error as KeysError;
  }
  return assert.unreachable('nothing was refused') as never;
}

const hex = (version: KeyVersion | undefined) => version?.subkey('api-token').export().toString('hex');

test('are made at the first start, for their owner alone, and are the same at the next', async ({ kept }) => {
  assert.is(statSync(fileOf(kept)).mode & 0o777, 0o600);
  assert.equal(readdirSync(kept.folder), ['keys.json']);
  const again = await kept.again();
  for (const ring of ringNames) assert.equal(again.ids(ring), kept.keys.ids(ring));
  assert.is(hex(again.newest('api-token')), hex(kept.keys.newest('api-token')));
});

test('are not made anew beside a database that needs the old ones', async ({ kept }) => {
  rmSync(fileOf(kept));
  const { code, message } = await refusal(kept.again());
  assert.is(code, 'keys-missing');
  assert.match(message, 'restore it from a backup');
  assert.equal(readdirSync(kept.folder), []);
});

test('are refused when others may read them', async ({ kept }) => {
  chmodSync(fileOf(kept), 0o640);
  assert.is((await refusal(kept.again())).code, 'keys-exposed');
});

test('are refused when the file is not what was written, and not quoted', async ({ kept }) => {
  const text = readFileSync(fileOf(kept), 'utf8');
  const key = JSON.parse(text).rings.seal[0].key as string;
  const broken = {
    'cut off': text.slice(0, -40),
    'a ring missing': text.replace('"seal"', '"soul"'),
    'a ring empty': text.replace(/"seal": \[[^\]]*\]/, '"seal": []'),
    'a key too short': text.replace(key, key.slice(0, 20)),
    'a key that is no base64url': text.replace(key, `${key.slice(0, -1)}+`),
    'another format': text.replace('"format": 1', '"format": 2'),
    'one word after it': `${text} ${key}`,
  };
  for (const [what, content] of Object.entries(broken)) {
    assert.is.not(content, text, what);
    writeFileSync(fileOf(kept), content);
    const error = await refusal(kept.again());
    assert.is(error.code, 'keys-unreadable', what);
    assert.not.match(inspect(error, { depth: 9 }), key.slice(0, 12), what);
  }
});

test('rotate to a new version that is kept, and keep the old one', async ({ kept }) => {
  const old = kept.keys.newest('sealed-value').id;
  const added = await kept.keys.rotate('seal');
  assert.is(kept.keys.newest('sealed-value').id, added);
  assert.equal((await kept.again()).ids('seal'), [old, added]);
  assert.is(kept.keys.version('sealed-value', old)?.id, old);
  assert.is(kept.keys.version('api-token', old), undefined, 'a ring has its own versions only');
});

test('rotate one after the other when asked at once', async ({ kept }) => {
  const added = await Promise.all(Array.from({ length: 5 }, () => kept.keys.rotate('derive')));
  assert.equal(kept.keys.ids('derive').slice(1), added);
  assert.equal((await kept.again()).ids('derive'), kept.keys.ids('derive'));
});

test('forget what they are told to, and never the newest', async ({ kept }) => {
  const old = kept.keys.ids('derive');
  assert.is((await refusal(kept.keys.forget('derive', old))).code, 'key-in-use');
  const added = await kept.keys.rotate('derive');
  await kept.keys.forget('derive', [...old, 'unknown_']);
  assert.equal((await kept.again()).ids('derive'), [added]);
});

test('renew the token ring by itself after 90 days, and no other', async ({ kept }) => {
  kept.now += 90 * day - 1;
  const written = () => statSync(fileOf(kept), { bigint: true }).mtimeNs;
  const before = written();
  assert.is(await kept.keys.rotateByItself(), false);
  assert.is(written(), before, 'nothing changed, and nothing was written');
  kept.now += 1;
  const again = await kept.again();
  assert.equal(
    ringNames.map((ring) => again.ids(ring).length),
    [2, 1, 1],
  );
  assert.is(await again.rotateByItself(), false);
});

test('keep a token version as long as a token of it can be valid, and not much longer', async ({ kept }) => {
  const first = kept.keys.newest('api-token').id;
  const start = kept.now;
  const lifeEnds = start + 90 * day + 365 * day;
  let forgotten = 0;
  for (; kept.now < start + 900 * day; kept.now += day) {
    await kept.keys.rotateByItself();
    const there = kept.keys.version('api-token', first) !== undefined;
    if (!there && forgotten === 0) forgotten = kept.now;
    if (kept.now <= lifeEnds) assert.ok(there, `after ${(kept.now - start) / day} days`);
  }
  assert.ok(forgotten > lifeEnds && forgotten <= lifeEnds + 180 * day);
});

test('lose no token version to a clock that is wrong for a while', async ({ kept }) => {
  for (let quarter = 0; quarter < 4; quarter += 1) {
    kept.now += 90 * day;
    await kept.keys.rotateByItself();
  }
  const [right, ids] = [kept.now, kept.keys.ids('token')];
  kept.now = Date.UTC(2099, 0, 1);
  await kept.keys.rotateByItself();
  assert.equal(kept.keys.ids('token').slice(0, -1), ids);
  kept.now = right;
  assert.is(await kept.keys.rotateByItself(), true, 'a version from 2099 is not waited for');
  assert.equal(kept.keys.ids('token').slice(0, ids.length), ids);
});

test('give each purpose, context and version a key of its own, by HKDF', async ({ kept }) => {
  const version = kept.keys.newest('application-secret');
  const [{ key }] = JSON.parse(readFileSync(fileOf(kept), 'utf8')).rings.derive;
  const master = Buffer.from(key, 'base64url');
  const expected = (info: string) => Buffer.from(hkdfSync('sha256', master, '', info, 32)).toString('hex');
  const derived = (purpose: 'application-secret' | 'device-cookie', context: string) =>
    Buffer.from(version.derive(purpose, context)).toString('hex');
  assert.is(derived('application-secret', 'a'), expected('loadline\0application-secret\0a'));
  assert.is(version.subkey('device-cookie').export().toString('hex'), expected('loadline\0device-cookie\0'));
  const all = [
    derived('application-secret', 'a'),
    derived('application-secret', 'b'),
    derived('device-cookie', 'a'),
    derived('device-cookie', ''),
    master.toString('hex'),
  ];
  assert.is(new Set(all).size, all.length);
});

test('show nothing of themselves when somebody prints them', async ({ kept }) => {
  const version = kept.keys.newest('sealed-value');
  const [{ key }] = JSON.parse(readFileSync(fileOf(kept), 'utf8')).rings.seal;
  const shown = [kept.keys, version]
    .map((each) => inspect(each, { depth: 9, showHidden: true }) + JSON.stringify(each))
    .join();
  assert.not.match(shown, key);
  assert.not.match(shown, Buffer.from(key, 'base64url').toString('hex').slice(0, 16));
});

test.run();
