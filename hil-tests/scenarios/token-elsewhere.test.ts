// API tokens read and written by another implementation of RFC 7516: `jose` of Debian, in C over OpenSSL. It gets
// nothing but the file of keys and what cloud/keys/README.md and cloud/tokens/README.md say.
import { execFile } from 'node:child_process';
import { hkdfSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { openKeys } from '@loadline/cloud/keys';
import { longestTokenMilliseconds, mintToken, readToken } from '@loadline/cloud/tokens';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { needs } from '../runner/debian.ts';

const run = promisify(execFile);

const found = await needs('jose');
if (found !== true) console.log(`skipped: API tokens elsewhere: ${found}`);
const all = suite('API tokens elsewhere');
const test = found === true ? all : all.skip;

const folder = mkdtempSync(join(tmpdir(), 'loadline-jose-'));
all.after(() => rmSync(folder, { recursive: true }));

const time = Date.UTC(2026, 10, 22);
const now = () => time;
const keys = await openKeys(folder, { now, isNew: true, longestTokenMilliseconds });
const realm = { keys, issuer: 'urn:loadline:here', audience: 'rest', now };

const [version] = JSON.parse(readFileSync(join(folder, 'keys.json'), 'utf8')).rings.token;
const master = Buffer.from(version.key, 'base64url');
const subkey = Buffer.from(hkdfSync('sha256', master, '', 'loadline\0api-token\0', 32));

const file = (name: string, content: string) => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};
const jwk = (key: Buffer) => JSON.stringify({ kty: 'oct', alg: 'A256GCM', k: key.toString('base64url') });
const key = file('key.jwk', jwk(subkey));

const said = {
  id: 'tok_1',
  organisation: 'org_1',
  creator: 'usr_1',
  scopes: ['readings.get', 'device.*'],
  tags: ['Brücke', '秤'],
  expires: time + 3_600_000,
};
const payload = {
  iss: realm.issuer,
  aud: realm.audience,
  jti: said.id,
  organisation: said.organisation,
  creator: said.creator,
  scopes: said.scopes,
  tags: said.tags,
  iat: time / 1000,
  exp: said.expires / 1000,
};
const header = { alg: 'dir', enc: 'A256GCM', kid: version.id, typ: 'loadline-token+jwt' };

async function sealedElsewhere(headerThere: object, payloadThere: object): Promise<string> {
  const template = JSON.stringify({ protected: headerThere });
  const text = file('payload.json', JSON.stringify(payloadThere));
  return (await run('jose', ['jwe', 'enc', '-i', template, '-I', text, '-k', key, '-c'])).stdout.trim();
}

test('ours is opened there, and says what it said here', async () => {
  const { token } = await mintToken(realm, said);
  const { stdout } = await run('jose', ['jwe', 'dec', '-i', file('ours.jwe', token), '-k', key]);
  assert.equal(JSON.parse(stdout), payload);
});

test('ours is not opened there with another key, nor when it was changed', async () => {
  const { token } = await mintToken(realm, said);
  const open = (jwe: string, by: string) =>
    run('jose', ['jwe', 'dec', '-i', file('ours.jwe', jwe), '-k', by]).then(
      () => 'opened',
      () => 'refused',
    );
  assert.is(await open(token, key), 'opened');
  assert.is(await open(token, file('other.jwk', jwk(Buffer.alloc(32, 1)))), 'refused');
  const parts = token.split('.');
  const iv = Buffer.from(parts[2] ?? '', 'base64url');
  iv[0] = (iv[0] ?? 0) ^ 1;
  assert.is(await open(parts.with(2, iv.toString('base64url')).join('.'), key), 'refused');
});

test('one made there with our key is taken here, and says the same', async () => {
  const token = await sealedElsewhere(header, payload);
  const { id, organisation, creator, scopes, tags, expires } = said;
  assert.equal(await readToken(realm, token), {
    kind: 'token',
    claims: { id, organisation, creator, scopes, tags, issued: time, expires },
  });
});

test('one made there in another form, or of things it may not say, is refused here', async () => {
  const outcome = async (headerThere: object, payloadThere: object = payload) => {
    const reading = await readToken(realm, await sealedElsewhere(headerThere, payloadThere));
    return reading.kind === 'token' ? 'taken' : reading.fault;
  };
  assert.is(await outcome(header), 'taken');
  assert.is(await outcome({ ...header, zip: 'DEF' }), 'algorithm');
  assert.is(await outcome({ ...header, typ: 'JWT' }), 'algorithm');
  assert.is(await outcome({ ...header, kid: 'unknown0' }), 'key');
  assert.is(await outcome(header, { ...payload, aud: 'socket' }), 'audience');
  assert.is(await outcome(header, { ...payload, exp: time / 1000 }), 'expired');
});

all.run();
