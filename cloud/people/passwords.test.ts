import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { TooManyWaiting } from './bounded.ts';
import { generatePassword, hashPassword, isPassword } from './passwords.ts';

test('are kept as argon2id at the stated cost, each with a salt of its own', async () => {
  const [one, other] = await Promise.all([hashPassword('a password'), hashPassword('a password')]);
  assert.match(one, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  assert.is.not(one, other);
});

test('fit when they are the same to the letter, from any keyboard', async () => {
  const kept = await hashPassword('Übergröße étage 15');
  assert.ok(await isPassword(kept, 'Übergröße étage 15'));
  assert.ok(await isPassword(kept, 'Übergröße étage 15'.normalize('NFD')));
  for (const wrong of ['', 'übergröße étage 15', 'Übergröße étage 15 ', 'Ubergroße etage 15']) {
    assert.is(await isPassword(kept, wrong), false, wrong);
  }
});

test('are not cut: neither at a zero, nor at the longest that may be', async () => {
  const kept = await hashPassword('before\0after');
  assert.is(await isPassword(kept, 'before\0other'), false);
  const longest = `${'a'.repeat(255)}é`;
  const keptLongest = await hashPassword(longest);
  assert.ok(await isPassword(keptLongest, longest));
  assert.is(await isPassword(keptLongest, `${'a'.repeat(255)}e`), false);
  assert.is(await isPassword(await hashPassword('b'.repeat(257)), 'b'.repeat(257)), false);
});

test('of nobody fit nothing, and the work is done all the same', async () => {
  assert.is(await isPassword(undefined, ''), false);
  // A decoy that cannot be read would be refused without any work, by an error.
  assert.is(await isPassword(undefined, generatePassword()), false);
});

test('of a flood are refused past a number, and then again taken', async () => {
  const kept = await hashPassword('a password');
  const outcomes = await Promise.all(
    Array.from({ length: 150 }, () =>
      isPassword(kept, 'a password').catch((error: Error) => error instanceof TooManyWaiting && 'refused'),
    ),
  );
  assert.is(outcomes.filter((outcome) => outcome === true).length, 102);
  assert.is(outcomes.filter((outcome) => outcome === 'refused').length, 48);
  assert.ok(await isPassword(kept, 'a password'));
});

test.run();
