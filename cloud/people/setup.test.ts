import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { day, password, TestPeople, there } from './test-people.ts';

const test = suite<{ people: TestPeople }>('the first run');

test.before.each(async (context) => {
  context.people = await TestPeople.open();
});
test.after.each(({ people }) => people.close());

const organisation = { id: 'acme', name: 'Acme ltd' };
const words = (secret: string) => ({ secret, email: 'ann@example.org', name: 'Ann', password, organisation });

test('there is nobody, and a link makes the first operator, who administrates the first organisation', async ({
  people,
}) => {
  const secret = there(await people.setup.offer());
  const weak = { ...words(secret), password: 'ann@example.org' };
  assert.is((await people.setup.setUp(weak, people.visitor())).kind, 'weak');
  await people.organisation('beta');
  const taken = { ...words(secret), organisation: { id: 'beta', name: 'Beta' } };
  assert.is((await people.setup.setUp(taken, people.visitor())).kind, 'taken');
  assert.equal(await people.setup.setUp(words(secret), people.visitor()), { kind: 'set-up' });
  const { token } = await people.logIn({ id: '', email: 'ann@example.org' });
  const principal = await people.principal(token);
  assert.ok(principal.fleet.has('organisations.create'));
  assert.ok(principal.standings.get('acme')?.scopes.has('user.patch'));
  for (const chain of ['acme', null]) {
    const entry = (await people.audit(chain)).find(({ action }) => action === 'setup');
    assert.equal(entry?.actor, { kind: 'user', id: principal.id });
    assert.not.match(JSON.stringify(entry), secret);
  }
});

test('the link is used up, even by two at the same time', async ({ people }) => {
  const secret = there(await people.setup.offer());
  const setUp = (email: string, id: string) =>
    people.setup.setUp({ ...words(secret), email, organisation: { id, name: id } }, people.visitor());
  const outcomes = await Promise.all([setUp('ann@example.org', 'acme'), setUp('eve@example.org', 'evil')]);
  assert.equal(outcomes.map(({ kind }) => kind).sort(), ['bad-link', 'set-up']);
  assert.is((await setUp('eve@example.org', 'worse')).kind, 'bad-link');
  assert.is((await people.store.read('operators', {})).length, 1);
});

test('each start makes a new link while there is nobody, the one before is void, and none is made afterwards', async ({
  people,
}) => {
  const first = (await people.setup.offer()) ?? '';
  await people.stop();
  await people.start();
  const second = (await people.setup.offer()) ?? '';
  assert.is((await people.setup.setUp(words(first), people.visitor())).kind, 'bad-link');
  assert.is((await people.setup.setUp(words(second), people.visitor())).kind, 'set-up');
  assert.is(await people.setup.offer(), undefined);
});

test('the link is good for a day, opens no password, and no other link opens the first run', async ({
  people,
}) => {
  const secret = (await people.setup.offer()) ?? '';
  assert.is(await people.passwords.read(secret, people.visitor()), undefined);
  assert.is((await people.setup.setUp({ ...words('x'.repeat(43)) }, people.visitor())).kind, 'bad-link');
  people.now += day;
  assert.is((await people.setup.setUp(words(secret), people.visitor())).kind, 'bad-link');
});

test.run();
