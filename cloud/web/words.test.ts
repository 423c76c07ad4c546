import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Problem } from './api.ts';
import { asSentence, inWords, waitInWords, wordsOf } from './words.ts';

const test = suite('refusals and waits in words');

test('too many attempts say how long to wait, where the cloud said it', () => {
  assert.is(
    inWords(new Problem(429, 'too-many-attempts', 'x', 600)),
    'Too many attempts. Try again in 10 minutes.',
  );
  assert.is(inWords(new Problem(429, 'too-many-attempts', 'x', null)), 'Too many attempts. Try again later.');
});

test('a weak password is refused with its reasons', () => {
  assert.is(
    inWords(new Problem(400, 'password-weak', 'it has fewer than 15 characters: choose another', null)),
    'This password is not taken: it has fewer than 15 characters: choose another.',
  );
});

test('any other refusal is said as the cloud says it, and no answer as such', () => {
  assert.is(inWords(new Problem(409, 'conflict', 'there is such a role', null)), 'There is such a role.');
  assert.match(inWords(new Error('x')), 'does not answer');
});

test('a wait is never said to be shorter than it is', () => {
  assert.equal([1, 90, 121, 7_199, 7_200, 172_800].map(waitInWords), [
    '1 second',
    '90 seconds',
    '3 minutes',
    '120 minutes',
    '2 hours',
    '2 days',
  ]);
});

test('what ends a sentence is not ended again', () => {
  assert.is(asSentence('wait…'), 'Wait…');
  assert.is(asSentence('done'), 'Done.');
});

test('words stand between spaces, commas and lines', () => {
  assert.equal(wordsOf(' 25DF, 25E0\n1A2B;;'), ['25DF', '25E0', '1A2B']);
  assert.equal(wordsOf(' \n'), []);
});

test.run();
