import { createHook } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { step } from '../store/index.ts';
import { invitations } from './invitations.ts';
import {
  day,
  hour,
  minute,
  otherPassword,
  password,
  TestPeople,
  type TestPerson,
  there,
} from './test-people.ts';

const test = suite<{ people: TestPeople }>('passwords');

test.before(async (context) => {
  context.people = await TestPeople.open();
  await context.people.organisation('acme');
});
test.after(({ people }) => people.close());

/** The secret of a link to reset a password, as it stood in the mail. */
async function resetLink(people: TestPeople, person: TestPerson): Promise<string> {
  await people.passwords.request(person.email, people.visitor());
  return there(people.mail('password-reset', person)).secret;
}

test('a reset is answered the same for known and unknown addresses, and costs the same', async ({
  people,
}) => {
  const person = await people.person(['acme']);
  const costs = [];
  for (const email of [person.email, 'nobody@example.org', 'no address']) {
    people.asked.length = 0;
    let native = 0;
    const hook = createHook({ init: (_id, type) => void (type === 'undefined' && native++) }).enable();
    const answer = await people.passwords.request(email, people.visitor());
    hook.disable();
    costs.push({ answer, native, asked: [...people.asked] });
  }
  for (const cost of costs) {
    assert.equal(cost, { answer: undefined, native: 0, asked: ['read personByEmail', 'change'] });
  }
  assert.ok(people.mail('password-reset', person));
  assert.is(people.mails.length, 1);
});

test('an address gets three mails an hour to reset its password', async ({ people }) => {
  const person = await people.person(['acme']);
  people.mails.length = 0;
  for (let count = 0; count < 5; count++) await people.passwords.request(person.email, people.visitor());
  assert.is(people.mails.length, 3);
  people.now += hour;
  await people.passwords.request(person.email, people.visitor());
  assert.is(people.mails.length, 4);
});

test('a password is set by a link: every session ends, and what the old one opened is shut', async ({
  people,
}) => {
  const person = await people.person(['acme']);
  const { token } = await people.logIn(person);
  const secret = await resetLink(people, person);
  const { changes } = people.store;
  assert.equal(await people.passwords.set({ secret, password: otherPassword }, people.visitor()), {
    kind: 'set',
  });
  assert.ok(people.store.changes > changes);
  assert.is(await people.sessions.principal(token), undefined);
  const old = await people.signIn.logIn({ email: person.email, password }, people.visitor());
  assert.is(old.kind, 'wrong');
  assert.is((await people.logIn(person, people.visitor(), otherPassword)).state, 'open');
  assert.ok(people.mail('password-changed', person));
  const entry = (await people.audit('acme')).find(({ action }) => action === 'password.set');
  assert.equal(entry?.actor, { kind: 'user', id: person.id });
});

test('a link is used up, even by two at the same time, and ends every other', async ({ people }) => {
  const person = await people.person(['acme']);
  const [secret, another] = [await resetLink(people, person), await resetLink(people, person)];
  const set = (link: string) =>
    people.passwords.set({ secret: link, password: otherPassword }, people.visitor());
  const outcomes = await Promise.all([set(secret), set(secret), set(secret)]);
  assert.equal(outcomes.map(({ kind }) => kind).sort(), ['bad-link', 'bad-link', 'set']);
  assert.is((await set(secret)).kind, 'bad-link');
  assert.is((await set(another)).kind, 'bad-link');
  assert.is(await people.passwords.read(another, people.visitor()), undefined);
});

test('a link is read without using it up, until it is too old', async ({ people }) => {
  const person = await people.person(['acme']);
  const secret = await resetLink(people, person);
  for (let count = 0; count < 2; count++) {
    const link = await people.passwords.read(secret, people.visitor());
    assert.is(link?.person.email, person.email);
    assert.is(link?.purpose, 'reset-password');
  }
  people.now += hour;
  assert.is(await people.passwords.read(secret, people.visitor()), undefined);
  assert.is(
    (await people.passwords.set({ secret, password: otherPassword }, people.visitor())).kind,
    'bad-link',
  );
  assert.is(await people.passwords.read('x'.repeat(43), people.visitor()), undefined);
});

test('a link that is wrong or used up stands in the audit log of the fleet, wherever it is brought', async ({
  people,
}) => {
  const secret = 'x'.repeat(43);
  const visitor = people.visitor({ organisation: 'acme' });
  const words = { secret, email: 'eve@example.org', name: 'Eve', password: otherPassword };
  const tries: [string, () => Promise<unknown>][] = [
    ['password.read-link', () => people.passwords.read(secret, visitor)],
    ['password.set', () => people.passwords.set({ secret, password: otherPassword }, visitor)],
    ['second-factor.stop-reset', () => people.factorResets.stopResetByLink(secret, visitor)],
    ['setup', () => people.setup.setUp({ ...words, organisation: { id: 'eve', name: 'Eve' } }, visitor)],
  ];
  for (const [action, bring] of tries) {
    await bring();
    const [entry] = await people.audit(null);
    assert.equal([entry?.action, entry?.outcome, entry?.code], [action, 'refused', 'link-invalid']);
    assert.equal([entry?.target, entry?.personal], [null, { source: '192.0.2.1' }]);
  }
});

test('a weak password is not taken, and its link is still good', async ({ people }) => {
  const person = await people.person(['acme']);
  const secret = await resetLink(people, person);
  for (const weak of ['short', 'passwordpassword', `${person.email}1`, 'acme ltd acme ltd']) {
    assert.is((await people.passwords.set({ secret, password: weak }, people.visitor())).kind, 'weak', weak);
  }
  assert.is((await people.passwords.set({ secret, password: otherPassword }, people.visitor())).kind, 'set');
});

test('an invitation is a link for seven days, and a new one ends the one before', async ({ people }) => {
  const [person, by] = [await people.person(['acme']), await people.person(['acme'])];
  const mailer = { send: (mail: TestPeople['mails'][number]) => void people.mails.push(mail) };
  const invite = invitations({ store: people.store, mailer, now: () => people.now });
  const invitation = {
    kind: 'set-password',
    person: { ...person, name: 'Ann' },
    organisation: { id: 'acme', name: 'Acme' },
    by: by.id,
  } as const;
  await invite(invitation);
  const first = people.mail('invitation', person);
  assert.is(first?.invitedBy.address, by.email);
  assert.is(first?.validUntil, people.now + 7 * day);
  await invite(invitation);
  const second = people.mail('invitation', person)?.secret ?? '';
  assert.is(await people.passwords.read(first?.secret ?? '', people.visitor()), undefined);
  people.now += 7 * day - 1;
  assert.is((await people.passwords.read(second, people.visitor()))?.purpose, 'set-password');
  assert.is(
    (await people.passwords.set({ secret: second, password: otherPassword }, people.visitor())).kind,
    'set',
  );
});

test('an address gets three invitations an hour, from whomever and to whatever, and the last link stays good', async ({
  people,
}) => {
  const [by, other] = [await people.person(['acme']), await people.person(['acme'])];
  const email = 'often@example.org';
  const mailer = { send: (mail: TestPeople['mails'][number]) => void people.mails.push(mail) };
  const invite = invitations({ store: people.store, mailer, now: () => people.now });
  const organisation = { id: 'acme', name: 'Acme' };
  const count = () => people.mails.filter(({ to }) => to.address === email).length;
  // Taken in and parted with each time: another person of the same address.
  const takeIn = async (kind: 'set-password' | 'taken-in') => {
    const person = { id: randomUUID(), email, name: 'Of Ten' };
    const newPerson = { ...person, passwordHash: null, operator: 0 as const, created: people.now };
    await people.store.change({ steps: [step('addPerson', newPerson)], audit: [] });
    await invite({ kind, person, organisation: kind === 'taken-in' ? null : organisation, by: by.id });
    return person;
  };
  const part = ({ id }: { id: string }) =>
    people.store.change({ steps: [step('removePerson', { person: id }, 'some')], audit: [] });
  await part(await takeIn('set-password'));
  await part(await takeIn('taken-in'));
  const person = await takeIn('set-password');
  assert.is(count(), 3);
  const invitation = { person, organisation, by: by.id } as const;
  await invite({ kind: 'set-password', ...invitation });
  await invite({ kind: 'taken-in', ...invitation });
  assert.is(count(), 3);
  const last = people.mail('invitation', person)?.secret ?? '';
  assert.ok(await people.passwords.read(last, people.visitor()));
  await invite({ kind: 'taken-in', ...invitation, person: { ...other, name: 'Ann' } });
  assert.ok(people.mail('taken-in', other));
  people.now += hour;
  await invite({ kind: 'taken-in', ...invitation });
  assert.is(count(), 4);
});

test('an invitation costs the same whether there is an account or not, and opens nothing where there is', async ({
  people,
}) => {
  const person = { ...(await people.person(['acme'])), name: 'Ann' };
  const mailer = { send: (mail: TestPeople['mails'][number]) => void people.mails.push(mail) };
  const invite = invitations({ store: people.store, mailer, now: () => people.now });
  const organisation = { id: 'acme', name: 'Acme' };
  const reset = await resetLink(people, person);
  const costs = [];
  for (const kind of ['set-password', 'taken-in'] as const) {
    const to = kind === 'taken-in' ? person : { ...(await people.person(['acme'])), name: 'Bo' };
    people.asked.length = 0;
    await invite({ kind, person: to, organisation, by: person.id });
    costs.push([...people.asked]);
  }
  assert.equal(costs[0], costs[1]);
  assert.ok(await people.passwords.read(reset, people.visitor()), 'his own link is good still');
  assert.is(people.mail('invitation', person), undefined);
});

test('who knows his password changes it: this session goes on under another token, others end', async ({
  people,
}) => {
  const person = await people.person(['acme']);
  const other = await people.logIn(person);
  const { token: known, principal, visitor } = await people.session(person);
  const link = await resetLink(people, person);
  people.now += minute;
  const change = { known, current: password, password: otherPassword };
  assert.is(
    (await people.passwords.change(principal, { ...change, current: otherPassword }, visitor)).kind,
    'wrong',
  );
  assert.is(
    (await people.passwords.change(principal, { ...change, password: 'aaaaaaaaaaaaaaaa' }, visitor)).kind,
    'weak',
  );
  const changed = await people.passwords.change(principal, change, visitor);
  if (changed.kind !== 'changed') return assert.unreachable();
  assert.is(await people.sessions.principal(known), undefined);
  assert.is(await people.sessions.principal(other.token), undefined);
  assert.is(await people.passwords.read(link, people.visitor()), undefined);
  assert.is((await people.principal(changed.token)).session, principal.session);
  assert.is((await people.passwords.change(principal, change, visitor)).kind, 'wrong');
});

test('of two who change a password at once, one does', async ({ people }) => {
  const person = await people.person(['acme']);
  const sessions = [await people.session(person), await people.session(person)];
  const outcomes = await Promise.all(
    sessions.map(({ token: known, principal, visitor }, index) => {
      const change = { known, current: password, password: `${otherPassword}${index}` };
      return people.passwords.change(principal, change, visitor);
    }),
  );
  assert.equal(outcomes.map(({ kind }) => kind).sort(), ['changed', 'overtaken']);
});

test('no secret of a link and no password is in a log', async ({ people }) => {
  const person = await people.person(['acme']);
  const secret = await resetLink(people, person);
  await people.passwords.set({ secret, password: otherPassword }, people.visitor());
  const log = JSON.stringify([await people.audit('acme'), await people.audit(null)]);
  for (const word of [secret, otherPassword, password]) assert.not(log.includes(word), word);
});

test.run();
