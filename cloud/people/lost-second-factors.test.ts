import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { UserPrincipal } from '../access/index.ts';
import { step } from '../store/index.ts';
import { Members } from './members.ts';
import { day, hour, TestPeople, type TestPerson } from './test-people.ts';

const test = suite<{ people: TestPeople }>('lost second factors');

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

test('a lost one is reset 72 hours after its owner asked, who is told at once', async ({ people }) => {
  const person = await people.person(['acme']);
  await people.withFactor(person);
  const { principal, visitor } = await pending(people, person);
  const asked = await people.factorResets.askReset(principal, visitor);
  if (asked.kind !== 'asked') return assert.unreachable();
  assert.is(asked.takesEffect, people.now + 72 * hour);
  assert.is(people.mail('second-factor-reset-requested', person)?.takesEffect, asked.takesEffect);
  people.now += hour;
  const again = await pending(people, person);
  assert.equal(
    await people.factorResets.askReset(again.principal, again.visitor),
    asked,
    'asking again changes nothing',
  );
  people.now = asked.takesEffect - 1;
  assert.is((await people.logIn(person)).state, 'second-factor');
  people.now = asked.takesEffect;
  assert.is((await people.logIn(person)).state, 'open');
  assert.ok(people.mail('second-factor-reset', person));
  const entry = (await people.audit('acme')).find(({ action }) => action === 'second-factor.delete');
  assert.equal(entry?.after, { by: 'delay' });
  assert.is((await people.store.read('person', { id: person.id }))?.factorSecret, null);
});

test('a reset is asked for by nobody but who has given the password', async ({ people }) => {
  const person = await people.person(['acme']);
  const { token } = await people.withFactor(person);
  assert.is(
    (await people.factorResets.askReset(await people.principal(token), people.visitor())).kind,
    'conflict',
  );
});

for (const how of ['the link of the mail', 'his profile', 'logging in with it'] as const) {
  test(`a reset is stopped by its owner: by ${how}`, async ({ people }) => {
    const person = await people.person(['acme']);
    const { secret, token } = await people.withFactor(person);
    const { principal, visitor, known } = await pending(people, person);
    await people.factorResets.askReset(principal, visitor);
    const mailed = people.mail('second-factor-reset-requested', person)?.secret ?? '';
    switch (how) {
      case 'the link of the mail':
        assert.ok(await people.factorResets.stopResetByLink(mailed, people.visitor()));
        assert.is(await people.sessions.principal(known), undefined, 'who asked is out');
        break;
      case 'his profile':
        await people.factorResets.stopReset(await people.principal(token), visitor);
        break;
      case 'logging in with it':
        assert.is((await confirm(people, person, people.code(secret))).kind, 'signed-in');
    }
    assert.not(await people.factorResets.stopResetByLink(mailed, people.visitor()), 'the link is used up');
    people.now += 73 * hour;
    assert.is((await people.logIn(person)).state, 'second-factor');
  });
}

/** What the door hands over with a vote. */
async function vote(people: TestPeople, voter: TestPerson, person: TestPerson, organisation = 'acme') {
  const principal: UserPrincipal = (await people.session(voter)).principal;
  const standing = principal.standings.get(organisation);
  const member = await new Members({ store: people.store } as never).member(organisation, person.id);
  if (standing === undefined || member === undefined) throw new Error('no standing there');
  const visitor = people.visitor({ actor: voter.id, organisation });
  return await people.factorResets.vote(principal, { organisation, standing, member }, visitor);
}

test('two administrators reset a lost one together, and its owner is told of each step', async ({
  people,
}) => {
  const [one, other] = [
    await people.person(['acme'], { role: 'administrator' }),
    await people.person(['acme'], { role: 'administrator' }),
  ];
  const person = await people.person(['acme']);
  await people.withFactor(person);
  const { known } = await pending(people, person);
  assert.equal(await vote(people, one, person), { kind: 'voted', votes: 1, done: false });
  assert.equal(await vote(people, one, person), { kind: 'voted', votes: 1, done: false }, 'one has one vote');
  assert.ok(people.mail('second-factor-vote', person));
  assert.equal(await vote(people, other, person), { kind: 'voted', votes: 2, done: true });
  assert.ok(people.mail('second-factor-reset', person));
  assert.is(await people.sessions.principal(known), undefined, 'what waited for it begins anew');
  assert.is((await people.logIn(person)).state, 'open');
  const [entry] = (await people.audit('acme')).filter(({ action }) => action === 'user.reset-second-factor');
  assert.equal(entry?.after, { votes: 2, done: true });
});

test('a vote counts for seven days, until its owner objects, and while its voter may', async ({ people }) => {
  const administrator = () => people.person(['acme'], { role: 'administrator' });
  const [one, other, person] = [await administrator(), await administrator(), await people.person(['acme'])];
  const { token } = await people.withFactor(person);
  await vote(people, one, person);
  people.now += 7 * day;
  assert.equal(await vote(people, other, person), { kind: 'voted', votes: 1, done: false }, 'too old');
  await people.factorResets.stopResetByLink(
    people.mail('second-factor-vote', person)?.secret ?? '',
    people.visitor(),
  );
  assert.equal(await vote(people, one, person), { kind: 'voted', votes: 1, done: false }, 'objected');
  const demoted = {
    organisation: 'acme',
    person: one.id,
    role: 'viewer',
    reach: 'organisation',
    customer: null,
  } as const;
  await people.store.change({ steps: [step('setMember', demoted, 'some')], audit: [] });
  assert.equal(await vote(people, other, person), { kind: 'voted', votes: 1, done: false }, 'demoted');
  assert.type(token, 'string');
});

test('nobody votes for himself, nor for who may do more than he', async ({ people }) => {
  const [administrator, viewer] = [
    await people.person(['acme'], { role: 'administrator' }),
    await people.person(['acme']),
  ];
  await people.withFactor(administrator);
  const principal = (await people.session(viewer)).principal;
  const member = await new Members({ store: people.store } as never).member('acme', administrator.id);
  const standing = principal.standings.get('acme');
  if (member === undefined || standing === undefined) return assert.unreachable();
  const asked = { organisation: 'acme', standing, member };
  assert.is((await people.factorResets.vote(principal, asked, people.visitor())).kind, 'more-than-own');
  const himself = { ...principal, id: administrator.id };
  assert.is((await people.factorResets.vote(himself, asked, people.visitor())).kind, 'conflict');
});

test('an organisation does not strip the second factor of who is something elsewhere', async ({ people }) => {
  const administrator = () => people.person(['acme'], { role: 'administrator' });
  const [one, other] = [await administrator(), await administrator()];
  for (const person of [
    await people.person(['acme', 'beta']),
    await people.person(['acme'], { operator: 1 }),
  ]) {
    await people.withFactor(person);
    assert.equal(await vote(people, one, person), { kind: 'alone' });
  }
  // Nor where he came to be so between the votes and what they do.
  const person = await people.person(['acme']);
  await people.withFactor(person);
  await vote(people, one, person);
  const place = {
    role: 'viewer',
    reach: 'organisation',
    customer: null,
    called: 'Ann',
    created: people.now,
    arrived: people.now,
  } as const;
  const vote2 = { person: person.id, organisation: 'acme', voter: other.id, at: people.now };
  const { done } = await people.store.change({
    steps: [
      step('addMember', { organisation: 'beta', person: person.id, ...place }, 'some'),
      step('addFactorVote', vote2),
      step(
        'removeFactorByVotes',
        { person: person.id, organisation: 'acme', since: people.now - day },
        'some',
      ),
    ],
    audit: [],
  });
  assert.not(done);
});

test.run();
