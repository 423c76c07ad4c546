import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { generatePassword } from './generate-password.ts';

const test = suite('generated passwords');

test('a generated password is all of 24 random bytes in 32 characters of base64url', () => {
  const bytes = Uint8Array.from({ length: 24 }, (_, index) => 255 - 5 * index);
  const password = generatePassword((empty) => empty.set(bytes));
  assert.match(password, /^[\w-]{32}$/);
  assert.equal(Uint8Array.from(Buffer.from(password, 'base64url')), bytes);
});

test('no two are the same, and none is what it began as', () => {
  const made = new Set(Array.from({ length: 100 }, () => generatePassword()));
  assert.is(made.size, 100);
  assert.not.ok(made.has('A'.repeat(32)));
});

test.run();
