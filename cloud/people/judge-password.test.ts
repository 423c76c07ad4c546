import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { judgePassword } from './judge-password.ts';
import { generatePassword } from './passwords.ts';

const context = ['jane.doe@acme-industries.example', 'Jane Doe', 'Acme Industries GmbH'];

async function faults(password: string): Promise<string> {
  const judgement = await judgePassword(password, context);
  return judgement.kind === 'refused' ? [...judgement.faults].sort().join() : 'acceptable';
}

test('a generated password always passes', async () => {
  for (let count = 0; count < 50; count += 1) {
    const password = generatePassword();
    assert.match(password, /^[\w-]{32}$/);
    assert.is(await faults(password), 'acceptable', password);
  }
});

test('a sentence passes, in any script, and no kinds of characters are asked for', async () => {
  for (const password of [
    'correct horse battery staple',
    'zu viele Köche verderben',
    'sommerregen am see',
    'очень длинный пароль для всех',
    '雨の日には傘を持って出かけましょう',
    'gZk3 acme 9fQw jane 77',
    'x7#Lm2$Qp9!Rt4v',
  ]) {
    assert.is(await faults(password), 'acceptable', password);
  }
});

test('length is counted in characters, as they are written after normalising', async () => {
  assert.is(await faults('x7#Lm2$Qp9!Rt4'), 'too-short');
  assert.is(await faults('x7#Lm2$Qp9!Rté'), 'too-short', 'fifteen in NFD, fourteen in NFC');
  assert.is(await faults('x7#Lm2$Qp9!R🎻é'.normalize('NFD')), 'too-short', 'sixteen of UTF-16');
  const sentence = 'No two of these words are the same in meaning or sound. ';
  assert.is(await faults(sentence.repeat(5).slice(0, 256)), 'acceptable');
  assert.is(await faults(sentence.repeat(5).slice(0, 257)), 'too-long');
});

test('common and breached passwords are refused, disguised or doubled', async () => {
  for (const password of [
    'Password12345678!',
    'Passwort123456789',
    'iloveyou iloveyou!',
    'football2026football',
    'qwertyuiopasdfgh',
    'P455w0rd!P455w0rd!',
  ]) {
    assert.match(await faults(password), /common|repeated/, password);
  }
});

test('rows and repetitions are refused, however long', async () => {
  for (const password of ['a'.repeat(256), 'abcabcabcabcabcabc', '123456789012345', 'aB3$'.repeat(64)]) {
    assert.match(await faults(password), 'repeated', password);
  }
});

test('the own address, name and organisation are refused, disguised or with a little beside them', async () => {
  for (const password of [
    'jane.doe@acme-industries.example',
    'JANE.DOE@acme-industries.example!1',
    'JaneDoe-AcmeIndustries',
    'acme-industries-2026',
    'Acme!Industries!2026!',
    'J4neD0e@cme1ndustries',
    'loadline-loadline-2026',
  ]) {
    assert.match(await faults(password), 'context', password);
  }
  const others = await judgePassword('jane.doe@acme-industries.example', []);
  assert.is(others.kind, 'acceptable', 'which is how it is known that the context decided');
});

test('what is refused is refused in words, all of them at once, and without the password', async () => {
  const judgement = await judgePassword('jane doe jane', context);
  assert.is(judgement.kind, 'refused');
  if (judgement.kind === 'refused') {
    assert.equal(judgement.faults, ['too-short', 'context']);
    assert.is(
      judgement.reason,
      'it has fewer than 15 characters; it is made of your own name, your address or the name of your organisation: choose another',
    );
  }
});

test('a context of any length and kind makes nobody wait', async () => {
  const strange = ['', '@', '...', '\0', 'x'.repeat(10_000), 'word '.repeat(10_000)];
  assert.is((await judgePassword(generatePassword(), strange)).kind, 'acceptable');
});

test.run();
