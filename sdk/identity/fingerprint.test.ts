import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { fingerprintInGroups, keyFingerprint, parseFingerprint } from './index.ts';

const fingerprints = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .map((bytes) => Buffer.from(bytes).toString('hex'));

test('a fingerprint is the same after a person has read it in groups and typed it, or pasted it from openssl', () => {
  fc.assert(
    fc.property(fingerprints, (fingerprint) => {
      assert.is(parseFingerprint(fingerprintInGroups(fingerprint)), fingerprint);
      assert.is(parseFingerprint(` ${fingerprint.toUpperCase().replace(/..(?!$)/g, '$&:')}\n`), fingerprint);
    }),
  );
});

test('a part of a fingerprint is none, nor is anything else', () => {
  const whole = 'ab'.repeat(32);
  for (const text of ['', whole.slice(1), `${whole}0`, whole.replace('a', 'g'), `${whole.slice(0, 16)}…`]) {
    assert.is(parseFingerprint(text), undefined, text);
  }
});

/** Made by openssl, and its fingerprint: `openssl pkey -pubin -outform DER | openssl dgst -sha256`. */
const known = `-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA0v7ivpIG3wQ48SgalsFC
UOvO0overfo+oFx4XpX/kUSW0go/fRm70u9YNPWTq1+YIjoNgdVxIvYRh01RFDLG
ax37drdxZ3tTF/9qArGvR7h3BhjCG8kjQFDkG1Eq8pLjOLpIaktlipsvFiXqzFwb
/cymxFdBjHx4vPQs3r+Xb2/m98h+wp+BuU0nbR83snk6faS+5REiTVuA1HI88CQ3
YnTt6tfe126DRwmLNeGutDvR6YgKHDfqKJifcDls7VAxthT8hF9j/AwXbSrwBy+5
iA5uT01Zd6Grq2DmwPHP/6XdvKvEESiWHDxbcwloqH9X6ogQfEBPCPvLUN+V2z+p
2QIDAQAB
-----END PUBLIC KEY-----
`;

test('the fingerprint of a key is what openssl says of it, however its PEM is written', () => {
  const wanted = '0c73bfab98a42b861b3a0048c9418ab6b6176bb6d91d94c80057231b5d50a9d0';
  assert.is(keyFingerprint(known), wanted);
  assert.is(keyFingerprint(known.replaceAll('\n', '\r\n')), wanted);
});

test.run();
