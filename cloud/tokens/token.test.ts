import * as fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { longestTokenMilliseconds, mintToken, readToken } from './index.ts';
import { makeTestRealm, type TestRealm, wanted } from './test-realm.ts';

const day = 24 * 3_600_000;

const test = suite<{ realm: TestRealm }>('tokens');

test.before.each(async (context) => {
  context.realm = await makeTestRealm();
});
test.after.each(({ realm }) => realm.kept.remove());

async function outcome(realm: TestRealm, token: string): Promise<string> {
  const reading = await readToken(realm, token);
  return reading.kind === 'token' ? 'token' : reading.fault;
}

const text = fc.string({ unit: 'grapheme', maxLength: 40 });
const texts = fc.array(text, { maxLength: 10 });

test('say what they were made with, whatever it is', async ({ realm }) => {
  const anything = fc.record(
    { id: text, organisation: text, creator: text, scopes: texts, devices: texts, tags: texts },
    { requiredKeys: ['id', 'organisation', 'creator', 'scopes'] },
  );
  await fc.assert(
    fc.asyncProperty(
      anything,
      fc.integer({ min: 1000, max: longestTokenMilliseconds }),
      async (said, life) => {
        const { token, claims } = await mintToken(realm, { ...said, expires: realm.now() + life });
        const reading = await readToken(realm, token);
        assert.equal(reading, { kind: 'token', claims });
        assert.equal(claims, { ...said, issued: claims.issued, expires: claims.expires });
      },
    ),
    { numRuns: 50 },
  );
});

test('show their scopes and their owner to nobody', async ({ realm }) => {
  const { token } = await mintToken(realm, wanted(realm));
  const readable = token.split('.').map((part) => Buffer.from(part, 'base64url').toString('latin1'));
  for (const word of ['readings', 'org_1', 'usr_1', 'tok_1', 'dev_1'])
    assert.not.match(readable.join(), word);
  assert.equal(Object.keys(JSON.parse(readable[0] ?? '')), ['alg', 'enc', 'kid', 'typ']);
});

test('are good to their last second, and not at the moment they expire', async ({ realm }) => {
  realm.kept.now += 400;
  const { token, claims } = await mintToken(realm, wanted(realm));
  assert.is(claims.issued % 1000, 0);
  realm.kept.now = claims.expires - 1;
  assert.is(await outcome(realm, token), 'token');
  realm.kept.now = claims.expires;
  assert.is(await outcome(realm, token), 'expired');
});

test('are not made without an end, with one that is past, or with one beyond the longest life', async ({
  realm,
}) => {
  const now = realm.now();
  const ends = [
    now,
    now - 1,
    now + 999,
    now + longestTokenMilliseconds + 1,
    Number.NaN,
    Number.POSITIVE_INFINITY,
  ];
  for (const expires of ends) {
    const minted = await mintToken(realm, { ...wanted(realm), expires }).catch((error: Error) => error);
    assert.instance(minted, RangeError, String(expires));
  }
  await mintToken(realm, { ...wanted(realm), expires: now + longestTokenMilliseconds });
});

test('are not made longer than they may be', async ({ realm }) => {
  const scopes = Array.from({ length: 400 }, (_, index) => `resource-${index}.action`);
  const minted = await mintToken(realm, { ...wanted(realm), scopes }).catch((error: Error) => error);
  assert.instance(minted, RangeError);
});

test('are good across rotations, until their version is forgotten', async ({ realm }) => {
  const expires = realm.now() + 360 * day;
  const { token } = await mintToken(realm, { ...wanted(realm), expires });
  while (realm.now() < expires - day) {
    realm.kept.now += day;
    await realm.keys.rotateByItself();
    assert.is(await outcome(realm, token), 'token');
  }
  assert.is(realm.keys.ids('token').length, 4);
  await realm.keys.forget('token', realm.keys.ids('token').slice(0, 1));
  assert.is(await outcome(realm, token), 'key');
});

test('are refused by another door, another installation and other keys', async ({ realm }) => {
  const { token } = await mintToken(realm, wanted(realm));
  assert.is(await outcome({ ...realm, audience: 'socket' }, token), 'audience');
  assert.is(await outcome({ ...realm, issuer: 'urn:loadline:installation-2' }, token), 'issuer');
  const other = await makeTestRealm();
  assert.is(await outcome({ ...realm, keys: other.keys }, token), 'key');
  other.kept.remove();
});

test.run();
