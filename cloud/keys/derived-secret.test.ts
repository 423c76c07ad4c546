import { hkdfSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { isSecret, makeSecret } from './derived-secret.ts';
import { makeTestKeys, type TestKeys } from './test-keys.ts';

const test = suite<{ kept: TestKeys }>('application secrets');

test.before.each(async (context) => {
  context.kept = await makeTestKeys();
});
test.after.each(({ kept }) => kept.remove());

test('are 256 bits, recognised again after a restart, with nothing kept but id and version', async ({
  kept,
}) => {
  const { id, version, secret } = makeSecret(kept.keys, 'application-secret');
  assert.match(id, /^app_[\w-]{24}$/);
  assert.match(secret, /^[\w-]{43}$/);
  assert.ok(isSecret(await kept.again(), 'application-secret', { id, version }, secret));
});

test('are what HKDF says, reckoned beside it', ({ kept }) => {
  const { id, secret } = makeSecret(kept.keys, 'application-secret');
  const { rings } = JSON.parse(readFileSync(join(kept.folder, 'keys.json'), 'utf8'));
  const master = Buffer.from(rings.derive[0].key, 'base64url');
  const expected = hkdfSync('sha256', master, '', `loadline\0application-secret\0${id}`, 32);
  assert.is(secret, Buffer.from(expected).toString('base64url'));
});

test('fit their own key only, and only whole', ({ kept }) => {
  const [one, other] = [
    makeSecret(kept.keys, 'application-secret'),
    makeSecret(kept.keys, 'application-secret'),
  ];
  assert.is.not(one.id, other.id);
  assert.is(isSecret(kept.keys, 'application-secret', one, other.secret), false);
  for (const wrong of [
    '',
    one.secret.slice(1),
    `${one.secret}A`,
    `${one.secret}=`,
    `${one.secret} `,
    one.id,
  ]) {
    assert.is(isSecret(kept.keys, 'application-secret', one, wrong), false, wrong);
  }
  void fc.assert(
    fc.property(fc.nat({ max: 42 }), fc.constantFrom(...'ABCDwxyz0123-_+/é'), (at, character) => {
      const changed = one.secret.slice(0, at) + character + one.secret.slice(at + 1);
      assert.is(isSecret(kept.keys, 'application-secret', one, changed), changed === one.secret);
    }),
    { numRuns: 500 },
  );
});

test('outlive a rotation, and end with their version', async ({ kept }) => {
  const key = makeSecret(kept.keys, 'application-secret');
  await kept.keys.rotate('derive');
  assert.ok(isSecret(kept.keys, 'application-secret', key, key.secret));
  assert.is.not(makeSecret(kept.keys, 'application-secret').version, key.version);
  await kept.keys.forget('derive', [key.version]);
  assert.is(isSecret(kept.keys, 'application-secret', key, key.secret), false);
});

test('of a key that is not there are refused, also the one it is compared with', ({ kept }) => {
  const nobody = Buffer.from(kept.keys.newest('application-secret').derive('application-secret', ''));
  assert.is(isSecret(kept.keys, 'application-secret', undefined, nobody.toString('base64url')), false);
  const forgotten = { id: '', version: 'unknown0' };
  assert.is(isSecret(kept.keys, 'application-secret', forgotten, nobody.toString('base64url')), false);
});

test.run();
