import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { step } from '../store/index.ts';
import { minute, password, TestPeople, type TestPerson } from './test-people.ts';

const test = suite<{ people: TestPeople }>('second factors');

test.before(async (context) => {
  context.people = await TestPeople.open();
  await context.people.organisation('acme');
  await context.people.organisation('beta');
});
test.after(({ people }) => people.close());

/** A pending session of somebody with a second factor. */
async function pending(people: TestPeople, person: TestPerson) {
  const { token, state, device } = await people.logIn(person);
  assert.is(state, 'second-factor');
  assert.is(device, undefined, 'half a login makes no device known');
  const principal = await people.principal(token);
  return { known: token, principal, visitor: people.visitor({ actor: person.id }) };
}

async function confirm(people: TestPeople, person: TestPerson, code: string) {
  const { known, principal, visitor } = await pending(people, person);
  return await people.signIn.confirm(principal, { known, code }, visitor);
}

test('are in force once a right code has come, and then a password alone opens nothing', async ({
  people,
}) => {
  const person = await people.person(['acme']);
  const { token: known, principal, visitor } = await people.session(person);
  const offer = await people.factors.begin(principal, password, visitor);
  if (offer.kind !== 'offered') return assert.unreachable();
  assert.match(offer.uri, /^otpauth:\/\/totp\//);
  const wrong = people.code(offer.secret) === '000000' ? '000001' : '000000';
  assert.is((await people.factors.enable(principal, { known, code: wrong }, visitor)).kind, 'wrong');
  assert.is((await people.logIn(person)).state, 'open');
  const other = await people.logIn(person);
  people.now += minute;
  const code = people.code(offer.secret);
  const enabled = await people.factors.enable(principal, { known, code }, visitor);
  if (enabled.kind !== 'enabled') return assert.unreachable();
  assert.is(enabled.recoveryCodes.length, 10);
  assert.is(await people.sessions.principal(other.token), undefined, 'a session without it ends');
  assert.is(await people.sessions.principal(known), undefined, 'the session has another token');
  assert.ok(await people.sessions.principal(enabled.token));
  assert.ok(people.mail('second-factor-enabled', person));

  const half = await pending(people, person);
  assert.ok(half.principal.pending);
  assert.is(half.principal.standings.size, 0);
  assert.is(
    (await people.signIn.confirm(half.principal, { known: half.known, code }, half.visitor)).kind,
    'wrong',
    'the code that enabled it is used up',
  );
  people.now += minute;
  const whole = await confirm(people, person, people.code(offer.secret));
  assert.is(whole.kind, 'signed-in');
  if (whole.kind !== 'signed-in') return;
  assert.not((await people.principal(whole.token)).pending);
  assert.type(whole.device, 'string');
});

test('are offered to nobody without the password', async ({ people }) => {
  const person = await people.person(['acme']);
  const { principal, visitor } = await people.session(person);
  assert.is((await people.factors.begin(principal, 'wrong-wrong-wrong-1', visitor)).kind, 'wrong');
  const [entry] = await people.audit('acme');
  assert.equal([entry?.action, entry?.outcome], ['second-factor.begin', 'refused']);
});

test('a code is taken once, even by two at the same time', async ({ people }) => {
  const person = await people.person(['acme']);
  const { secret } = await people.withFactor(person);
  const code = people.code(secret);
  const halves = await Promise.all([
    pending(people, person),
    pending(people, person),
    pending(people, person),
  ]);
  const outcomes = await Promise.all(
    halves.map(({ known, principal, visitor }) => people.signIn.confirm(principal, { known, code }, visitor)),
  );
  assert.equal(outcomes.map(({ kind }) => kind).sort(), ['signed-in', 'wrong', 'wrong']);
  assert.is((await confirm(people, person, code)).kind, 'wrong');
});

test('a recovery code is taken once, even by two at the same time', async ({ people }) => {
  const person = await people.person(['acme']);
  const { recoveryCodes } = await people.withFactor(person);
  const [code = '', another = ''] = recoveryCodes;
  const halves = [await pending(people, person), await pending(people, person)];
  const outcomes = await Promise.all(
    halves.map(({ known, principal, visitor }) => people.signIn.confirm(principal, { known, code }, visitor)),
  );
  assert.equal(outcomes.map(({ kind }) => kind).sort(), ['signed-in', 'wrong']);
  assert.is((await confirm(people, person, another.toLowerCase().replaceAll('-', ' '))).kind, 'signed-in');
});

test('a session takes its second factor once: a second code of another step does nothing to it', async ({
  people,
}) => {
  const person = await people.person(['acme']);
  const { secret, recoveryCodes } = await people.withFactor(person);
  const { known, principal, visitor } = await pending(people, person);
  const codes = [people.code(secret), recoveryCodes[0] ?? ''];
  const outcomes = await Promise.all(
    codes.map((code) => people.signIn.confirm(principal, { known, code }, visitor)),
  );
  assert.equal(outcomes.map(({ kind }) => kind).sort(), ['overtaken', 'signed-in']);
});

test('a session that waits for its second factor ends after a quarter of an hour', async ({ people }) => {
  const person = await people.person(['acme']);
  await people.withFactor(person);
  const { known } = await pending(people, person);
  people.now += 15 * minute;
  assert.is(await people.sessions.principal(known), undefined);
});

test('codes are guessed against a counter of their own, which holds whatever the source', async ({
  people,
}) => {
  const person = await people.person(['acme']);
  const { secret } = await people.withFactor(person);
  const { known, principal } = await pending(people, person);
  const answers = [];
  for (let attempt = 0; attempt < 6; attempt++) {
    const visitor = people.visitor({ source: `203.0.113.${attempt}` });
    answers.push((await people.signIn.confirm(principal, { known, code: '123456' }, visitor)).kind);
  }
  assert.is(answers[0], 'wrong');
  assert.is(answers.at(-1), 'held');
  const right = await people.signIn.confirm(
    principal,
    { known, code: people.code(secret) },
    people.visitor(),
  );
  assert.is(right.kind, 'held');
  assert.is((await people.logIn(person)).state, 'second-factor', 'the password is not held up by it');
  const refused = (await people.audit('acme'))
    .filter(({ action }) => action === 'session.confirm')
    .slice(0, 6);
  assert.is(refused.filter(({ code }) => code === 'too-many-attempts').length > 0, true);
});

test('stand in the database sealed, and open for their own person only', async ({ people }) => {
  const [person, other] = [await people.person(['acme']), await people.person(['acme'])];
  const { secret } = await people.withFactor(person);
  await people.withFactor(other);
  const rows = await Promise.all([person, other].map(({ id }) => people.store.read('person', { id })));
  assert.not(JSON.stringify(rows).includes(secret));
  const sealed = rows[1]?.factorSecret ?? '';
  const moved = [
    step('removeFactor', { person: person.id, sealed: rows[0]?.factorSecret ?? '' }, 'some'),
    step('offerFactor', { person: person.id, sealed }, 'some'),
    step('enableFactor', { person: person.id, offered: sealed, step: 0 }, 'some'),
  ];
  assert.ok((await people.store.change({ steps: moved, audit: [] })).done);
  try {
    await confirm(people, person, '123456');
    assert.unreachable('a secret of another row was opened');
  } catch (error) {
    assert.is((error as Error).name, 'SealError');
  }
});

test('are sealed anew with the newest key when they are used', async ({ people }) => {
  const person = await people.person(['acme']);
  const { secret } = await people.withFactor(person);
  const before = await people.store.read('person', { id: person.id });
  await people.keys.rotate('seal');
  assert.is((await confirm(people, person, people.code(secret))).kind, 'signed-in');
  const after = await people.store.read('person', { id: person.id });
  assert.not.equal(after?.factorSecret, before?.factorSecret);
  people.now += minute;
  assert.is((await confirm(people, person, people.code(secret))).kind, 'signed-in');
});

test('are disabled by password and code together, and not by one of them', async ({ people }) => {
  const person = await people.person(['acme']);
  const { secret, token: known } = await people.withFactor(person);
  const [principal, visitor] = [await people.principal(known), people.visitor({ actor: person.id })];
  const code = () => people.code(secret);
  const kind = async (words: { password: string; code: string }) =>
    (await people.factors.disable(principal, { known, ...words }, visitor)).kind;
  assert.is(await kind({ password: 'wrong-wrong-wrong-1', code: code() }), 'wrong');
  assert.is(await kind({ password, code: 'ABCDE-ABCDE-ABCDE-ABCDE-ABCDE' }), 'wrong-code');
  assert.is(await kind({ password, code: code() }), 'disabled');
  assert.ok(people.mail('second-factor-disabled', person));
  assert.is((await people.logIn(person)).state, 'open');
  assert.is(await people.store.read('recoveryCodes', { person: person.id }), 0);
});

test('recovery codes are made anew by a code, and those before are void', async ({ people }) => {
  const person = await people.person(['acme']);
  const { secret, token, recoveryCodes } = await people.withFactor(person);
  const renewed = await people.factors.renewCodes(
    await people.principal(token),
    people.code(secret),
    people.visitor(),
  );
  if (renewed.kind !== 'renewed') return assert.unreachable();
  assert.ok(people.mail('recovery-codes-renewed', person));
  assert.is((await confirm(people, person, recoveryCodes[0] ?? '')).kind, 'wrong');
  assert.not.ok(people.mail('recovery-code-used', person));
  assert.is((await confirm(people, person, renewed.recoveryCodes[0] ?? '')).kind, 'signed-in');
  assert.ok(people.mail('recovery-code-used', person));
});

test('an organisation that asks for one opens nothing to who has none', async ({ people }) => {
  await people.organisation('strict', 'everyone');
  const person = await people.person(['strict', 'acme']);
  const { principal } = await people.session(person);
  assert.is(principal.standings.get('strict')?.withheld, 'second-factor-required');
  assert.is(principal.standings.get('acme')?.withheld, null);
  const { token } = await people.withFactor(person);
  assert.is((await people.principal(token)).standings.get('strict')?.withheld, null);
});

test.run();
