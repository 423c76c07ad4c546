import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { linkHash, linkUrl, makeLink } from './links.ts';

const now = Date.UTC(2026, 10, 22);

test('are good for seven days to set a password, and for an hour to reset it', () => {
  assert.is(makeLink('set-password', now).expires, Date.UTC(2026, 10, 29));
  assert.is(makeLink('reset-password', now).expires, now + 3_600_000);
});

test('are 256 random bits, found by their hash', () => {
  const links = Array.from({ length: 20 }, () => makeLink('set-password', now));
  assert.is(new Set(links.map(({ secret }) => secret)).size, 20);
  for (const { secret, hash } of links) {
    assert.is(Buffer.from(secret, 'base64url').length, 32);
    assert.equal(linkHash('set-password', secret), hash);
    assert.not.match(hash.toString('latin1') + hash.toString('base64url'), secret);
  }
});

test('are found for what they were made for, and nothing else', () => {
  const { secret, hash } = makeLink('set-password', now);
  assert.not.equal(linkHash('reset-password', secret), hash);
  for (const other of [
    '',
    secret.slice(1),
    `${secret}A`,
    `${secret}\n`,
    ` ${secret}`,
    secret.replace(/.$/, '/'),
  ]) {
    assert.is(linkHash('set-password', other), undefined, JSON.stringify(other));
  }
});

test('hold their secret where no server sees it', () => {
  const { secret } = makeLink('reset-password', now);
  const url = new URL(linkUrl('https://cloud.example.org:8443', 'reset-password', secret));
  assert.is(url.hash, `#reset-password=${secret}`);
  assert.is(url.href.replace(url.hash, ''), 'https://cloud.example.org:8443/');
});

test.run();
