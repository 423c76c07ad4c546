import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { makeRecoveryCodes, recoveryCodeHash } from './recovery-codes.ts';

test('are ten, of 125 bits, all different, in groups that can be read off paper', () => {
  const sets = Array.from({ length: 50 }, makeRecoveryCodes);
  const all = sets.flatMap(({ codes }) => codes);
  assert.is(new Set(all).size, 500);
  for (const code of all) assert.match(code, /^([0-9A-HJKMNP-TV-Z]{5}-){4}[0-9A-HJKMNP-TV-Z]{5}$/);
  const used = new Set(all.join('').replaceAll('-', ''));
  assert.is(used.size, 32, 'every letter of the alphabet comes');
});

test('are found by their hash, which is all that is kept', () => {
  const { codes, hashes } = makeRecoveryCodes();
  assert.equal(codes.map(recoveryCodeHash), hashes);
  assert.is(new Set(hashes.map((hash) => hash.toString('hex'))).size, 10);
});

test('may be typed as they are read', () => {
  const expected = recoveryCodeHash('01ABC-DEFGH-JKMNP-QRST0-VWXYZ');
  assert.ok(expected);
  for (const typed of [
    '01abcdefghjkmnpqrst0vwxyz',
    ' OIABC DEFGH JKMNP QRSTo VWXYZ\n',
    'Olabc-defgh-jkmnp-qrst0-vwxyz',
  ]) {
    assert.equal(recoveryCodeHash(typed), expected, typed);
  }
});

test('another code has another hash, and what is none has no hash', () => {
  const expected = recoveryCodeHash('01ABC-DEFGH-JKMNP-QRST0-VWXYZ');
  assert.not.equal(recoveryCodeHash('01ABC-DEFGH-JKMNP-QRST0-VWXY1'), expected);
  for (const typed of [
    '',
    '01ABC',
    '01ABC-DEFGH-JKMNP-QRST0',
    '01ABC-DEFGH-JKMNP-QRST0-VWXYZ-0',
    'U1ABC-DEFGH-JKMNP-QRST0-VWXYZ',
  ]) {
    assert.is(recoveryCodeHash(typed), undefined, typed);
  }
});

test.run();
