import * as fc from 'fast-check';
import { Secret, TOTP, URI } from 'otpauth';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { acceptCode, makeTotpSecret, totpUri } from './second-factor.ts';

/** RFC 6238, appendix B, every row of SHA-1: seconds since 1970, step, code of eight digits. */
const vectors = [
  [59, 0x1, '94287082'],
  [1_111_111_109, 0x23523ec, '07081804'],
  [1_111_111_111, 0x23523ed, '14050471'],
  [1_234_567_890, 0x273ef07, '89005924'],
  [2_000_000_000, 0x3f940aa, '69279037'],
  [20_000_000_000, 0x27bc86aa, '65353130'],
] as const;

/** The secret of the appendix. */
const secret = Secret.fromLatin1('12345678901234567890').base32;

const codeAt = (of: string, now: number) => new TOTP({ secret: of }).generate({ timestamp: now });

test('the library gives the codes of RFC 6238, which have eight digits there', () => {
  for (const [seconds, step, code] of vectors) {
    const totp = new TOTP({ secret, digits: 8 });
    assert.is(totp.generate({ timestamp: seconds * 1000 }), code);
    assert.is(totp.counter({ timestamp: seconds * 1000 }), step);
  }
});

test('we take the codes of RFC 6238, whose last six digits are the code of six (RFC 4226, section 5.3)', () => {
  for (const [seconds, step, code] of vectors) {
    const attempt = { secret, code: code.slice(2), now: seconds * 1000, lastStep: undefined };
    assert.is(acceptCode(attempt), step);
    assert.is(acceptCode({ ...attempt, code }), undefined, 'eight digits are not ours');
  }
});

test('a code is good for its step and the ones beside it, once, and never after a later one', () => {
  const steps = fc.integer({ min: 2, max: 1_000_000_000 });
  void fc.assert(
    fc.property(
      steps,
      fc.integer({ min: -4, max: 4 }),
      fc.integer({ min: -4, max: 4 }),
      (step, off, last) => {
        const now = step * 30_000 + 17_000;
        const code = codeAt(secret, now + off * 30_000);
        // Two steps may have one code, once in a million: then the nearer is meant.
        const near = [-1, 0, 1].filter((each) => codeAt(secret, now + each * 30_000) === code);
        fc.pre(near.length < 2);
        const taken = acceptCode({ secret, code, now, lastStep: step + last });
        assert.is(taken, near.length === 1 && off > last ? step + off : undefined);
        assert.is(
          acceptCode({ secret, code, now, lastStep: undefined }),
          near.length === 1 ? step + off : undefined,
        );
      },
    ),
    { numRuns: 300 },
  );
});

test('a code changes with the half minute, to the millisecond', () => {
  const code = codeAt(secret, 60_000);
  const at = (now: number) => acceptCode({ secret, code, now, lastStep: undefined });
  assert.equal([29_999, 30_000, 60_000, 89_999, 119_999, 120_000].map(at), [
    undefined,
    2,
    2,
    2,
    2,
    undefined,
  ]);
});

test('a code may be typed in two groups, and nothing else is taken for one', () => {
  const [now, lastStep] = [59_000, undefined];
  for (const code of ['287082', '287 082', ' 287082\n']) {
    assert.is(acceptCode({ secret, code, now, lastStep }), 1, code);
  }
  for (const code of ['', '28708', '0287082', '287O82', '-87082', '28708２', 'NaN', '287082;', '2.8e5']) {
    assert.is(acceptCode({ secret, code, now, lastStep }), undefined, code);
  }
});

test('another secret has other codes; each new one is 160 random bits', () => {
  const secrets = Array.from({ length: 20 }, makeTotpSecret);
  assert.is(new Set(secrets).size, 20);
  for (const made of secrets) assert.is(Secret.fromBase32(made).bytes.length, 20);
  const [one = '', other = ''] = secrets;
  const now = Date.UTC(2026, 10, 22);
  const taken = (of: string) => acceptCode({ secret: of, code: codeAt(one, now), now, lastStep: undefined });
  assert.ok(taken(one));
  assert.is(taken(other), undefined);
});

test('the link holds issuer and account, and an app makes the right codes of it', () => {
  const uri = totpUri({ secret, issuer: 'Loadline: Köln & Co', account: 'jane+1@example.org' });
  const { protocol, searchParams } = new URL(uri);
  assert.is(protocol, 'otpauth:');
  assert.is(searchParams.get('issuer'), 'Loadline  Köln & Co');
  const app = URI.parse(uri) as TOTP;
  assert.instance(app, TOTP);
  assert.is(app.label, 'jane+1@example.org');
  assert.equal([app.algorithm, app.digits, app.period], ['SHA1', 6, 30]);
  assert.is(app.generate({ timestamp: 59_000 }), '287082');
});

test.run();
