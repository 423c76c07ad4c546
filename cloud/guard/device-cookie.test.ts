import { createSecretKey } from 'node:crypto';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { deviceCookieSeconds, issueDeviceCookie, readDeviceCookie } from './device-cookie.ts';

const now = Date.UTC(2026, 10, 22);
const old = createSecretKey(Buffer.alloc(32, 3));
const key = createSecretKey(Buffer.alloc(32, 4));

test('a device cookie is good for its holder, until its time is over', () => {
  const value = issueDeviceCookie([key], 'account:bob', now);
  const until = now + deviceCookieSeconds * 1000;
  assert.is(readDeviceCookie([key], 'account:bob', now, value)?.until, until);
  assert.ok(readDeviceCookie([key], 'account:bob', until - 1, value));
  assert.is(readDeviceCookie([key], 'account:bob', until, value), undefined);
  assert.is(readDeviceCookie([key], 'account:eve', now, value), undefined);
  assert.is(readDeviceCookie([old], 'account:bob', now, value), undefined);
});

test('a cookie is a value that a cookie may have, and does not name its holder', () => {
  const value = issueDeviceCookie([key], 'account:bob', now);
  assert.match(value, /^[\w.-]{1,300}$/);
  assert.not.ok(Buffer.from(value, 'base64url').includes('bob'));
});

test('a cookie that is changed anywhere proves nothing', () => {
  const value = issueDeviceCookie([key], 'bob', now);
  const bytes = Buffer.from(value, 'base64url');
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const forged = Buffer.from(bytes);
      forged[at] = (bytes[at] ?? 0) ^ change;
      assert.is(readDeviceCookie([key], 'bob', now, forged.toString('base64url')), undefined);
    }),
  );
  fc.assert(
    fc.property(fc.string({ maxLength: 400 }), (junk) => {
      assert.is(readDeviceCookie([key], 'bob', now, junk), undefined);
    }),
  );
});

test('people who share a browser keep a place each, four of them, with a new nonce at each login', () => {
  let value = '';
  for (const name of ['ann', 'bob', 'cem', 'dee', 'bob']) value = issueDeviceCookie([key], name, now, value);
  assert.is(value.split('.').length, 4);
  for (const name of ['ann', 'bob', 'cem', 'dee']) assert.ok(readDeviceCookie([key], name, now, value), name);
  const before = readDeviceCookie([key], 'bob', now, value)?.nonce;
  value = issueDeviceCookie([key], 'bob', now, value);
  assert.is.not(readDeviceCookie([key], 'bob', now, value)?.nonce, before);
  value = issueDeviceCookie([key], 'eve', now, value);
  assert.is(readDeviceCookie([key], 'ann', now, value), undefined, 'the longest unused falls out');
});

test('after a change of keys the cookies of the old one are still good', () => {
  const value = issueDeviceCookie([old], 'bob', now);
  assert.ok(readDeviceCookie([key, old], 'bob', now, value));
});

test.run();
