import { createSecretKey, randomBytes } from 'node:crypto';
import * as fc from 'fast-check';
import { CompactEncrypt, type CompactJWEHeaderParameters, SignJWT, UnsecuredJWT } from 'jose';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { sealValue } from '../keys/index.ts';
import { mintToken, readToken } from './index.ts';
import { makeTestRealm, type TestRealm, wanted } from './test-realm.ts';

interface Situation {
  realm: TestRealm;
  /** A good token, and its parts. */
  token: string;
  parts: [string, string, string, string, string];
}

const test = suite<Situation>('hostile tokens');

test.before(async (context) => {
  context.realm = await makeTestRealm();
  context.token = (await mintToken(context.realm, wanted(context.realm))).token;
  context.parts = context.token.split('.') as Situation['parts'];
});
test.after(({ realm }) => realm.kept.remove());

async function fault(realm: TestRealm, token: string): Promise<string> {
  const reading = await readToken(realm, token);
  return reading.kind === 'refused' ? reading.fault : 'taken';
}

const good = (realm: TestRealm) => ({
  iss: realm.issuer,
  aud: realm.audience,
  jti: 'tok_1',
  organisation: 'org_1',
  creator: 'usr_1',
  scopes: ['all.*'],
  iat: realm.now() / 1000,
  exp: realm.now() / 1000 + 60,
});

const headerOf = (realm: TestRealm) => ({
  alg: 'dir',
  enc: 'A256GCM',
  kid: realm.keys.newest('api-token').id,
  typ: 'loadline-token+jwt',
});

const subkey = (realm: TestRealm) => realm.keys.newest('api-token').subkey('api-token');

/** A token made with the right key, as only the cloud could: what is refused is refused for its form alone. */
function made(realm: TestRealm, header: object, payload: unknown = good(realm), key = subkey(realm)) {
  return new CompactEncrypt(Buffer.from(JSON.stringify(payload)))
    .setProtectedHeader(header as CompactJWEHeaderParameters)
    .encrypt(key, { crit: { 'urn:x': false } });
}

test('what the right key makes in the right form is taken: the others fail by what they differ in', async ({
  realm,
}) => {
  assert.is(await fault(realm, await made(realm, headerOf(realm))), 'taken');
});

test('any character changed, left out or put in is refused', async ({ realm, token }) => {
  const place = fc.nat({ max: token.length - 1 });
  const characters = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ \n\0é'];
  const changes = fc.constantFrom('change', 'remove', 'insert');
  await fc.assert(
    fc.asyncProperty(place, fc.constantFrom(...characters), changes, async (at, character, change) => {
      const from = change === 'insert' ? at : at + 1;
      const changed = token.slice(0, at) + (change === 'remove' ? '' : character) + token.slice(from);
      if (changed !== token) assert.is.not(await fault(realm, changed), 'taken', changed);
    }),
    { numRuns: 2_000 },
  );
});

test('each spare bit of base64url at the end of a part is refused', async ({ realm, parts }) => {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  for (const [index, part] of parts.entries()) {
    for (const last of part === '' ? '' : alphabet) {
      const changed = parts.with(index, part.slice(0, -1) + last).join('.');
      if (last !== part.at(-1)) assert.is.not(await fault(realm, changed), 'taken', `part ${index}: ${last}`);
    }
  }
});

test('any text whatever is refused, and nothing is thrown', async ({ realm }) => {
  const base64 = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString('base64url'));
  const five = fc.tuple(base64, base64, base64, base64, base64).map((parts) => parts.join('.'));
  const json = fc.json().map((header) => `${Buffer.from(header).toString('base64url')}..a.b.c`);
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.string({ unit: 'binary' }), five, json), async (text) => {
      assert.is.not(await fault(realm, text), 'taken');
    }),
    { numRuns: 500 },
  );
});

test('no other algorithm is done, whatever the header asks for', async ({ realm, parts }) => {
  const header = headerOf(realm);
  const jwk = subkey(realm).export({ format: 'jwk' });
  const key = subkey(realm);
  const long = createSecretKey(randomBytes(64));
  const asked = {
    'a key wrapped': await made(realm, { ...header, alg: 'A256KW' }),
    'a key wrapped by GCM': await made(realm, { ...header, alg: 'A256GCMKW' }),
    'a key from a password': await made(realm, { ...header, alg: 'PBES2-HS256+A128KW' }),
    'another cipher': await made(realm, { ...header, enc: 'A256CBC-HS512' }, good(realm), long),
    compression: await made(realm, { ...header, zip: 'DEF' }),
    'an extension': await made(realm, { ...header, crit: ['urn:x'], 'urn:x': 1 }),
    'a key in the header': await made(realm, { ...header, jwk }),
    'a key at an address': await made(realm, { ...header, jku: 'https://example.org/keys' }),
    'a certificate at an address': await made(realm, { ...header, x5u: 'https://example.org/certificate' }),
    'a certificate': await made(realm, { ...header, x5c: ['MIIB'] }),
    'one member more': await made(realm, { ...header, cty: 'JWT' }),
    'no type': await made(realm, { ...header, typ: undefined }),
    'the type of any token': await made(realm, { ...header, typ: 'JWT' }),
    'the members in another order': await made(realm, Object.fromEntries(Object.entries(header).reverse())),
    'a member twice': `${Buffer.from(`{"alg":"none",${JSON.stringify(header).slice(1)}`).toString(
      'base64url',
    )}.${parts.slice(1).join('.')}`,
  };
  for (const [what, token] of Object.entries(asked)) assert.is(await fault(realm, token), 'algorithm', what);
  assert.is(await fault(realm, await made(realm, header, good(realm), key)), 'taken');
});

test('a token that is only signed, or not even that, is refused', async ({ realm }) => {
  const signed = await new SignJWT(good(realm)).setProtectedHeader({ alg: 'HS256' }).sign(subkey(realm));
  assert.is(await fault(realm, signed), 'malformed');
  assert.is(await fault(realm, new UnsecuredJWT(good(realm)).encode()), 'malformed');
  const none = Buffer.from(JSON.stringify({ ...headerOf(realm), alg: 'none' })).toString('base64url');
  const payload = Buffer.from(JSON.stringify(good(realm))).toString('base64url');
  assert.is(await fault(realm, `${none}..${'A'.repeat(16)}.${payload}.${'A'.repeat(22)}`), 'algorithm');
});

test('a version that is not a token version is refused', async ({ realm }) => {
  const sealing = realm.keys.newest('sealed-value').id;
  for (const kid of ['unknown0', sealing, '__proto__', 'constructor', '', '../keys']) {
    assert.is(await fault(realm, await made(realm, { ...headerOf(realm), kid })), 'key', kid);
  }
  assert.is(await fault(realm, await made(realm, { ...headerOf(realm), kid: undefined })), 'algorithm');
  assert.is(await fault(realm, await made(realm, { ...headerOf(realm), kid: ['a'] })), 'algorithm');
});

test('a value sealed for the database is no token', async ({ realm }) => {
  const sealed = await sealValue(realm.keys, { what: 'x', owner: 'y' }, JSON.stringify(good(realm)));
  assert.is(await fault(realm, sealed), 'algorithm');
});

test('a key put beside, a shortened tag and another nonce are refused', async ({ realm, parts }) => {
  const [header, , iv, text, tag] = parts;
  const cut = (part: string, bytes: number) =>
    Buffer.from(part, 'base64url').subarray(0, bytes).toString('base64url');
  assert.is(await fault(realm, [header, 'AAAA', iv, text, tag].join('.')), 'malformed');
  for (const bytes of [0, 1, 4, 8, 12, 15]) {
    assert.is.not(await fault(realm, [header, '', iv, text, cut(tag, bytes)].join('.')), 'taken');
  }
  for (const bytes of [0, 1, 8, 11]) {
    assert.is.not(await fault(realm, [header, '', cut(iv, bytes), text, tag].join('.')), 'taken');
  }
  assert.is(
    await fault(realm, [header, '', cut(randomBytes(12).toString('base64url'), 12), text, tag].join('.')),
    'broken',
  );
});

test('parts of two tokens make no third', async ({ realm, parts }) => {
  const other = (await mintToken(realm, { ...wanted(realm), scopes: ['all.*'] })).token.split('.');
  for (const index of [2, 3, 4]) {
    assert.is(await fault(realm, parts.with(index, other[index] ?? '').join('.')), 'broken');
  }
});

test('claims that are missing, of another type, or too many are refused', async ({ realm }) => {
  const whole = good(realm);
  const payloads: unknown[] = [
    ...Object.keys(whole).map((name) => ({ ...whole, [name]: undefined })),
    ...Object.keys(whole).map((name) => ({ ...whole, [name]: null })),
    { ...whole, scopes: 'all.*' },
    { ...whole, aud: ['rest'] },
    { ...whole, exp: String(whole.exp) },
    { ...whole, exp: whole.exp + 0.5 },
    { ...whole, administrator: true },
    [whole],
    'all.*',
  ];
  for (const payload of payloads) {
    const token = await made(realm, headerOf(realm), payload);
    assert.is(await fault(realm, token), 'claims', JSON.stringify(payload));
  }
  const noJson = await new CompactEncrypt(Buffer.from('{'))
    .setProtectedHeader(headerOf(realm))
    .encrypt(subkey(realm));
  assert.is(await fault(realm, noJson), 'claims');
});

test('length is looked at first: a token that is too long is not even cut into parts', async ({ realm }) => {
  const scopes = ['x'.repeat(9_000)];
  const long = await made(realm, headerOf(realm), { ...good(realm), scopes });
  assert.is(await fault(realm, long), 'malformed');
  assert.is(await fault(realm, '.'.repeat(50_000_000)), 'malformed');
});

test.run();
