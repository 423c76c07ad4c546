import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { step } from '../store/index.ts';
import { invitations } from './invitations.ts';
import { otherPassword, password, TestPeople, type TestPerson, there } from './test-people.ts';

const test = suite<{ people: TestPeople }>('consents');

test.before.each(async (context) => {
  context.people = await TestPeople.open();
  for (const id of ['acme', 'beta']) await context.people.organisation(id);
});

test.after.each(async ({ people }) => {
  await people.close();
});

/** Has an organisation invite somebody. */
async function invite(
  people: TestPeople,
  { id: person }: TestPerson,
  organisation = 'beta',
  role = 'viewer',
) {
  const place = { role, reach: 'organisation', customer: null, called: 'A' } as const;
  const { now: created } = people;
  const invitation = step('addMember', { organisation, person, ...place, created, arrived: null }, 'some');
  assert.ok((await people.store.change({ steps: [invitation], audit: [] })).done);
}

/** Where somebody is something now. */
async function places(people: TestPeople, token: string): Promise<string[]> {
  return [...(await people.principal(token)).standings.keys()];
}

const actions = async (people: TestPeople, organisation: string) =>
  (await people.audit(organisation)).map(({ action }) => action);

test('who is invited is nothing there, and its log has nothing of him, however often he logs in', async ({
  people,
}) => {
  const person = await people.person(['acme']);
  await invite(people, person);
  await people.signIn.logIn({ email: person.email, password: 'wrong-wrong-wrong-1' }, people.visitor());
  await people.passwords.request(person.email, people.visitor());
  const { token, principal, visitor } = await people.session(person);
  await people.profiles.rename(principal, 'Anna', visitor);
  await people.profiles.erase(principal, 'wrong-wrong-wrong-1', visitor);
  assert.equal(await places(people, token), ['acme']);
  assert.equal(await people.audit('beta'), []);
  assert.equal(
    (await people.consents.invitations(principal)).map(({ organisation, role }) => [organisation.id, role]),
    [['beta', 'viewer']],
  );
});

test('who accepts is a member from then on, and of nothing else that invited him', async ({ people }) => {
  await people.organisation('gamma');
  const person = await people.person(['acme']);
  await invite(people, person);
  await invite(people, person, 'gamma');
  const { token, principal, visitor } = await people.session(person);
  assert.ok(await people.consents.accept(principal, 'beta', visitor));
  assert.equal((await places(people, token)).sort(), ['acme', 'beta']);
  assert.not(await people.consents.accept(principal, 'beta', visitor), 'there is no invitation any more');
  assert.not(await people.consents.decline(principal, 'beta', visitor), 'nor is there one to decline');
  assert.not(await people.consents.accept(principal, 'elsewhere', visitor));
  await people.logIn(person);
  assert.equal(await actions(people, 'beta'), ['session.create', 'user.accept-invitation']);
  assert.equal(await actions(people, 'gamma'), []);
});

test('nobody accepts or declines for another', async ({ people }) => {
  const [person, other] = [await people.person(['acme']), await people.person(['acme'])];
  await invite(people, person);
  const { principal, visitor } = await people.session(other);
  assert.not(await people.consents.accept(principal, 'beta', visitor));
  assert.not(await people.consents.decline(principal, 'beta', visitor));
  assert.equal(await people.audit('beta'), []);
});

test('who declines is nothing there, and the log says that he did and not from where', async ({ people }) => {
  const person = await people.person(['acme']);
  await invite(people, person);
  const { principal, visitor } = await people.session(person);
  assert.ok(await people.consents.decline(principal, 'beta', visitor));
  assert.equal(await people.consents.invitations(principal), []);
  const [entry] = await people.audit('beta');
  assert.equal([entry?.action, entry?.target?.id], ['user.decline-invitation', person.id]);
  assert.not.match(JSON.stringify(entry), '192.0.2.1');
  assert.not.ok((await actions(people, 'acme')).includes('user.decline-invitation'));
});

test('who leaves is nothing there any more, and his API tokens end', async ({ people }) => {
  const [person] = [await people.person(['acme', 'beta']), await people.person(['acme'])];
  const { token, principal, visitor } = await people.session(person);
  const made = { id: 'a-token', organisation: 'beta', person: person.id, name: 'mine', scopes: '[]' };
  const times = { created: people.now, expires: people.now + 1000 };
  const add = step('addApiToken', { ...made, devices: null, tags: null, ...times }, 'some');
  assert.ok((await people.store.change({ steps: [add], audit: [] })).done);
  assert.is(await people.consents.leave(principal, 'beta', visitor), 'left');
  assert.equal(await places(people, token), ['acme']);
  assert.is((await people.store.read('apiToken', { id: 'a-token' }))?.status, 'revoked');
  assert.is((await people.audit('beta'))[0]?.action, 'user.leave');
  assert.is(await people.consents.leave(principal, 'beta', visitor), 'not-found');
});

test('the last administrator does not leave; one who was invited and has not accepted is none', async ({
  people,
}) => {
  const chief = await people.person(['beta'], { role: 'administrator' });
  const next = await people.person(['acme']);
  await invite(people, next, 'beta', 'administrator');
  const { principal, visitor } = await people.session(chief);
  assert.is(await people.consents.leave(principal, 'beta', visitor), 'last-administrator');
  assert.equal((await people.audit('beta'))[0]?.code, 'last-administrator');
  const { principal: second, visitor: his } = await people.session(next);
  assert.is(await people.consents.leave(second, 'beta', his), 'not-found', 'an invitation is declined');
  assert.ok(await people.consents.accept(second, 'beta', his));
  assert.is(await people.consents.leave(principal, 'beta', visitor), 'left');
});

test('an invitation is nothing elsewhere: his organisation can still reset his second factor', async ({
  people,
}) => {
  const person = await people.person(['acme']);
  await people.withFactor(person);
  await invite(people, person);
  const chiefs = [
    await people.person(['acme'], { role: 'administrator' }),
    await people.person(['acme'], { role: 'administrator' }),
  ];
  const outcomes = [];
  for (const chief of chiefs) {
    const { principal, visitor } = await people.session(chief);
    const standing = there(principal.standings.get('acme'));
    const row = there(await people.store.read('member', { organisation: 'acme', person: person.id }));
    outcomes.push(
      await people.factorResets.vote(principal, { organisation: 'acme', standing, member: row }, visitor),
    );
  }
  assert.equal(outcomes, [
    { kind: 'voted', votes: 1, done: false },
    { kind: 'voted', votes: 2, done: true },
  ]);
});

test('who is new accepts by his password the organisation whose link it was, and no other', async ({
  people,
}) => {
  const person = { id: 'a-new-person', email: 'new@example.org', name: 'Noor' };
  const account = step('addPerson', {
    ...person,
    passwordHash: null,
    operator: 0,
    created: people.now,
  });
  await people.store.change({ steps: [account], audit: [] });
  await invite(people, person, 'acme');
  await invite(people, person, 'beta');
  const mailer = { send: (mail: (typeof people.mails)[number]) => void people.mails.push(mail) };
  const send = invitations({ store: people.store, mailer, now: () => people.now });
  const organisation = { id: 'beta', name: 'beta ltd' };
  await send({ kind: 'set-password', person, organisation, by: 'somebody' });
  const { secret } = there(people.mail('invitation', person));
  const set = await people.passwords.set({ secret, password: otherPassword }, people.visitor());
  assert.equal(set, { kind: 'set' });
  const { token } = await people.logIn(person, people.visitor(), otherPassword);
  assert.equal(await places(people, token), ['beta']);
  assert.equal(await people.audit('acme'), []);
  assert.equal((await actions(people, 'beta')).sort(), [
    'password.set',
    'session.create',
    'user.accept-invitation',
  ]);
});

test('a password reset by mail accepts nothing', async ({ people }) => {
  const person = await people.person(['acme']);
  await invite(people, person);
  await people.passwords.request(person.email, people.visitor());
  const { secret } = there(people.mail('password-reset', person));
  await people.passwords.set({ secret, password: otherPassword }, people.visitor());
  const { token } = await people.logIn(person, people.visitor(), otherPassword);
  assert.equal(await places(people, token), ['acme']);
});

test('who is erased takes his invitations with him; their logs say so, and nothing personal', async ({
  people,
}) => {
  const person = await people.person(['acme']);
  await invite(people, person);
  const { principal, visitor } = await people.session(person);
  assert.equal(await people.profiles.erase(principal, password, visitor), { kind: 'erased' });
  const [entry, ...others] = await people.audit('beta');
  assert.equal([entry?.action, entry?.personal, others], ['user.erase', null, []]);
  assert.is(await people.store.read('member', { organisation: 'beta', person: person.id }), undefined);
});

test.run();
