import { randomBytes } from 'node:crypto';
import { limits } from '@loadline/sdk/contract';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseIdempotencyKey } from './idempotency-key.ts';
import { holdsSecret } from './url-secret.ts';

test('an address holds a secret wherever a token stands in it, however it is escaped', () => {
  const escaped = (text: string, which: readonly boolean[]) =>
    [...text]
      .map((letter, index) =>
        which[index] ? `%${letter.charCodeAt(0).toString(16).padStart(2, '0')}` : letter,
      )
      .join('');
  fc.assert(
    fc.property(
      fc.constantFrom('/ingest/v1/', '/ingest/v1?x=', '/', '/a/b?c=d&e='),
      fc.constantFrom('', '/telemetry', '&more=1'),
      fc.array(fc.boolean(), { minLength: 50, maxLength: 50 }),
      (before, after, which) => {
        const token = `lld_${randomBytes(32).toString('base64url')}`;
        assert.ok(holdsSecret(`${before}${escaped(token, which)}${after}`));
      },
    ),
  );
});

test('an address holds one where a parameter says so, and not where none does', () => {
  for (const name of [
    'token',
    'Token',
    'X-Auth-Token',
    'x_auth_token',
    'access_token',
    'apiKey',
    'API-KEY',
    'auth',
    'password',
  ]) {
    assert.ok(holdsSecret(`/ingest/v1?${name}=1`), name);
    assert.ok(holdsSecret(`/ingest/v1?a=1&${name}`), name);
  }
  for (const target of [
    '/ingest/v1',
    '/ingest/v1?',
    '/ingest/v1?device=logger-1',
    '/ingest/v1?tokens=1',
    '/assets/page-ABCD1234.js',
    '/api/v1/organisations/first/devices/a-device-with-a-long-name-of-its-own/series',
    '/%',
    '/%zz?%',
  ]) {
    assert.not.ok(holdsSecret(target), target);
  }
});

test('a key is what stands between its quotes, or all of it', () => {
  fc.assert(
    fc.property(
      fc.string({ minLength: 1, maxLength: limits.idempotencyKeyLength, unit: 'grapheme-ascii' }),
      (key) => {
        assert.is(parseIdempotencyKey(`"${key.replaceAll(/["\\]/g, '\\$&')}"`), key);
      },
    ),
  );
  assert.is(
    parseIdempotencyKey('8e03978e-40d5-43dd-bc93-6894a57f9324'),
    '8e03978e-40d5-43dd-bc93-6894a57f9324',
  );
  for (const none of [
    '',
    '""',
    '"',
    'a b',
    'a,b',
    '"a"b',
    '"a\\b"',
    '"é"',
    '"a", "b"',
    'x'.repeat(limits.idempotencyKeyLength + 1),
  ]) {
    assert.is(parseIdempotencyKey(none), undefined, none);
  }
});

test.run();
