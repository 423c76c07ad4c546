import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Subject } from '../guard/index.ts';
import { step } from '../store/index.ts';
import { hour, TestPeople, type TestPerson, there } from './test-people.ts';

const test = suite<{ people: TestPeople }>('blocks');

test.before(async (context) => {
  context.people = await TestPeople.open();
  await context.people.organisation('acme');
  await context.people.organisation('beta');
});
test.after(({ people }) => people.close());
test.after.each(({ people }) => {
  for (const { id } of people.guard.blocks()) people.guard.unblock(id);
});

/** Guesses at a subject, from a new place each, until the guard holds it. */
function guess({ guard }: TestPeople, subject: Subject, times = 31): void {
  for (let attempt = 0; attempt < times; attempt++) {
    const answer = guard.ask({ subject, source: `203.0.113.${attempt}` });
    if (answer.go) guard.failed(answer.permit);
  }
}

const standingOf = async (people: TestPeople, person: TestPerson, organisation: string) =>
  there((await people.session(person)).principal.standings.get(organisation));

test('about its people are listed for an organisation, and for no other', async ({ people }) => {
  const [administrator, stranger] = [
    await people.person(['acme'], { role: 'administrator' }),
    await people.person(['beta'], { role: 'administrator' }),
  ];
  const person = await people.person(['acme']);
  guess(people, { kind: 'account', name: person.email });
  guess(people, { kind: 'account', name: 'nobody@example.org' });
  const [block, ...others] = await people.blocks.of('acme', await standingOf(people, administrator, 'acme'));
  assert.is(others.length, 0);
  assert.is(block?.subject, person.email);
  assert.is(block?.person, person.id);
  assert.equal(await people.blocks.of('beta', await standingOf(people, stranger, 'beta')), []);
  assert.is((await people.blocks.ofFleet()).length, 2);
});

test('are ended by one act, which stands in the audit log', async ({ people }) => {
  const administrator = await people.person(['acme'], { role: 'administrator' });
  const person = await people.person(['acme']);
  guess(people, { kind: 'account', name: person.email });
  const visitor = people.visitor({ actor: administrator.id, organisation: 'acme' });
  const among = await people.blocks.of('acme', await standingOf(people, administrator, 'acme'));
  const id = among[0]?.block.id ?? '';
  assert.is(await people.blocks.end(among, `${id}x`, visitor), 'not-found');
  assert.is(await people.blocks.end(among, id, visitor), 'ended');
  assert.equal(people.guard.blocks(), []);
  const [entry] = await people.audit('acme');
  assert.equal(entry?.target, { kind: 'block', id });
  assert.is((entry?.before as { kind: string } | null)?.kind, 'account');
  assert.is((await people.logIn(person, people.visitor({ source: '203.0.113.200' }))).state, 'open');
});

test('of who is something elsewhere too are no one organisation’s to end', async ({ people }) => {
  const administrator = await people.person(['acme'], { role: 'administrator' });
  const standing = await standingOf(people, administrator, 'acme');
  const visitor = people.visitor({ actor: administrator.id, organisation: 'acme' });
  for (const person of [
    await people.person(['acme', 'beta']),
    await people.person(['acme'], { operator: 1 }),
  ]) {
    guess(people, { kind: 'account', name: person.email });
    const among = await people.blocks.of('acme', standing);
    const id = among[0]?.block.id ?? '';
    assert.is(await people.blocks.end(among, id, visitor), 'more-than-own');
    assert.is((await people.audit('acme'))[0]?.code, 'more-than-own');
    assert.is(people.guard.blocks().length, 1, 'it holds on');
    assert.is(await people.blocks.end(await people.blocks.ofFleet(), id, visitor), 'ended');
  }
});

test('of somebody whom another organisation has invited are not shown to it, and are still ended by his own', async ({
  people,
}) => {
  const [taker, person] = [
    await people.person(['acme'], { role: 'administrator' }),
    await people.person(['beta']),
  ];
  const place = {
    role: 'viewer',
    reach: 'organisation',
    customer: null,
    called: 'Ann',
    arrived: null,
  } as const;
  const takenIn = { organisation: 'acme', person: person.id, ...place, created: people.now };
  await people.store.change({ steps: [step('addMember', takenIn, 'some')], audit: [] });
  await people.logIn(person);
  guess(people, { kind: 'account', name: person.email });
  const standing = await standingOf(people, taker, 'acme');
  assert.equal(await people.blocks.of('acme', standing), []);
  const own = await standingOf(people, await people.person(['beta'], { role: 'administrator' }), 'beta');
  const seen = await people.blocks.of('beta', own);
  assert.equal(
    seen.map(({ ofOthersToo }) => ofOthersToo),
    [false],
  );
});

test('hold on over a restart, and what has ended does not come back', async ({ people }) => {
  const [person, freed] = [await people.person(['acme']), await people.person(['acme'])];
  guess(people, { kind: 'account', name: person.email });
  guess(people, { kind: 'account', name: freed.email });
  const last = people.guard.blocks().at(-1)?.id ?? '';
  people.guard.unblock(last);
  await people.stop();
  await people.start();
  assert.is(people.guard.blocks().length, 1);
  const ask = (name: string) =>
    people.guard.ask({ subject: { kind: 'account', name }, source: '203.0.113.250' }).go;
  assert.not(ask(person.email));
  assert.ok(ask(freed.email));
  people.now += 40 * hour;
  people.guard.tick();
  await people.stop();
  await people.start();
  assert.equal(people.guard.blocks(), []);
});

test('are told to the administrators of the organisations whose account it is', async ({ people }) => {
  const [administrator, viewer, person] = [
    await people.person(['acme'], { role: 'administrator' }),
    await people.person(['acme']),
    await people.person(['acme']),
  ];
  const operator = await people.person([], { operator: 1 });
  guess(people, { kind: 'account', name: person.email });
  const mail = await told(people, administrator);
  assert.is(mail.account, person.email);
  assert.is(mail.organisation, 'acme ltd');
  assert.is(mail.what, 'password');
  assert.ok(mail.sources.length > 0);
  for (const other of [viewer, operator]) assert.is(people.mail('guessing-alarm', other), undefined);
});

test('of what nobody is are told to the fleet’s operators, and not under the name that was typed', async ({
  people,
}) => {
  const [administrator, operator] = [
    await people.person(['acme'], { role: 'administrator' }),
    await people.person([], { operator: 1 }),
  ];
  guess(people, { kind: 'account', name: 'my secret pass phrase' });
  const mail = await told(people, operator);
  assert.is(mail.account, null);
  assert.is(mail.organisation, null);
  assert.is(people.mail('guessing-alarm', administrator), undefined);
});

/** Waits for the alarm to somebody: it is sent once it is known whose the account is. */
async function told(people: TestPeople, person: TestPerson) {
  for (let turn = 0; turn < 1000; turn++) {
    const mail = people.mail('guessing-alarm', person);
    if (mail !== undefined) return mail;
    await people.store.read('hasPersons', {});
  }
  throw new Error('no alarm came');
}

test.run();
