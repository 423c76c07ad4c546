import { randomUUID } from 'node:crypto';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { code, done, TestFleet } from './test-organisation.ts';

const test = suite<{ fleet: TestFleet }>('fleet');
test.before(async (context) => {
  context.fleet = await TestFleet.open();
});
test.after(({ fleet }) => fleet.close());

const email = () => `${randomUUID()}@example.org`;

test('a new organisation has its administrator, a mail to him, and its beginning in both logs', async ({
  fleet,
}) => {
  const by = { person: 'boss', entry: fleet.entry(null, 'boss') };
  const administrator = { email: email(), name: 'Ada' };
  const asked = { id: 'plant', name: 'Plant', administrator };
  assert.equal(done(await fleet.organisations.create(by, asked)), { id: 'plant', name: 'Plant' });
  const ada = await fleet.personOf(administrator.email);
  assert.is(await fleet.standing('plant', ada), undefined, 'she has not accepted yet');
  assert.is(await fleet.standing('plant', 'boss'), undefined);
  assert.equal(fleet.invitations, [
    {
      kind: 'set-password',
      person: { id: ada, ...administrator },
      organisation: { id: 'plant', name: 'Plant' },
      by: 'boss',
    },
  ]);
  await fleet.arrive(ada);
  assert.is((await fleet.standing('plant', ada))?.scopes.has('organisation.patch'), true);
  for (const chain of [null, 'plant']) {
    const [entry] = await fleet.audit(chain);
    assert.equal([entry?.target?.id, entry?.after], ['plant', { name: 'Plant', administrator: ada }]);
  }
});

test('an id is taken once, and somebody who is known is told without a link', async ({ fleet }) => {
  const first = await fleet.organisation();
  const by = { person: 'boss', entry: fleet.entry(null, 'boss') };
  const administrator = { email: email(), name: 'Ada' };
  const taken = await fleet.organisations.create(by, { id: first.id, name: 'X', administrator });
  assert.is(code(taken), 'conflict');
  assert.is(await fleet.store.read('account', { email: administrator.email }), undefined);
  const known = await fleet.members.member(first.id, first.administrator);
  const again = { email: known?.email ?? '', name: 'Ada' };
  done(await fleet.organisations.create(by, { id: 'second', name: 'Second', administrator: again }));
  assert.is(fleet.invitations.at(-1)?.kind, 'taken-in');
  assert.is(await fleet.standing('second', first.administrator), undefined);
  await fleet.accept(first.administrator);
  assert.ok(await fleet.standing('second', first.administrator));
});

test('organisations are listed by name, page by page', async ({ fleet }) => {
  const by = { person: 'boss', entry: fleet.entry(null, 'boss') };
  for (const [id, name] of [
    ['one', 'zz B'],
    ['two', 'zz A'],
    ['three', 'zz A'],
  ] as const) {
    done(await fleet.organisations.create(by, { id, name, administrator: { email: email(), name: 'x' } }));
  }
  const first = await fleet.organisations.list({ after: { name: 'zz', id: '' }, limit: 2 });
  assert.equal([first.items.map(({ id }) => id), first.more], [['three', 'two'], true]);
  const second = await fleet.organisations.list({ after: first.items[1], limit: 2 });
  assert.equal([second.items.map(({ id }) => id), second.more], [['one'], false]);
});

test('policies change what they say and nothing else, and the cut ends what was begun before it', async ({
  fleet,
}) => {
  const { id, administrator } = await fleet.organisation();
  const editor = await fleet.editor(id, administrator);
  const before = await fleet.organisations.organisation(id);
  const after = done(await fleet.organisations.patch(editor, { secondFactor: 'everyone', name: undefined }));
  assert.equal(after, { ...before, secondFactor: 'everyone' });
  assert.is((await fleet.organisations.organisation(id))?.secondFactor, 'everyone');
  const [entry] = await fleet.audit(id);
  assert.equal(
    [entry?.before, entry?.target?.id],
    [
      {
        name: id,
        isolation: 'basic',
        secondFactor: 'not-required',
        tokenDays: 365,
        auditDays: 730,
        sockets: 'off',
        readingsDays: null,
        certificateGraceDays: 0,
        updates: 'on',
      },
      id,
    ],
  );
  done(await fleet.organisations.cutOff(editor));
  assert.is((await fleet.organisations.organisation(id))?.cutOff, fleet.now);
});

test('the last fleet operator who can log in stays', async ({ fleet }) => {
  const first = await fleet.operator();
  const by = { person: first.id, entry: fleet.entry(null, first.id) };
  for (const { id } of await fleet.operators.list()) {
    if (id !== first.id) done(await fleet.operators.remove(by, id));
  }
  assert.is(code(await fleet.operators.remove(by, first.id)), 'last-administrator');
  done(await fleet.operators.create(by, { email: email(), name: 'Not yet' }));
  assert.is(code(await fleet.operators.remove(by, first.id)), 'last-administrator');
  const second = await fleet.operator();
  const results = await Promise.all([
    fleet.operators.remove(by, first.id),
    fleet.operators.remove({ person: second.id, entry: fleet.entry(null, second.id) }, second.id),
  ]);
  assert.equal(results.map(code).sort(), ['done', 'last-administrator']);
  assert.is(code(await fleet.operators.remove(by, randomUUID())), 'not-found');
});

test('an operator takes his grants with him, and each organisation reads it', async ({ fleet }) => {
  const [first, second] = [await fleet.operator(), await fleet.operator()];
  const { id, administrator } = await fleet.organisation();
  const editor = await fleet.editor(id, administrator);
  const terms = { operator: second.email, role: 'viewer', reason: 'x', hours: 1 };
  const grant = done(await fleet.grants.create(editor, terms));
  assert.ok(await fleet.standing(id, second.id));
  const by = { person: first.id, entry: fleet.entry(null, first.id) };
  done(await fleet.operators.remove(by, second.id));
  assert.is(await fleet.standing(id, second.id), undefined);
  const [entry] = await fleet.audit(id);
  assert.equal([entry?.action, entry?.target?.id], ['grant.delete', grant.id]);
  const left = (await fleet.operators.list()).map((one) => one.id);
  assert.equal([left.includes(first.id), left.includes(second.id)], [true, false]);
});

test('somebody who is known becomes an operator once, and is shown as he was called by who asked', async ({
  fleet,
}) => {
  const organisation = await fleet.organisation();
  const member = await fleet.members.member(organisation.id, await fleet.member(organisation));
  const by = { person: 'boss', entry: fleet.entry(null, 'boss') };
  const asked = { email: member?.email ?? '', name: 'Asked' };
  const made = done(await fleet.operators.create(by, asked));
  assert.equal(made, { id: member?.id, ...asked });
  assert.equal([fleet.invitations.at(-1)?.kind, fleet.invitations.at(-1)?.organisation], ['taken-in', null]);
  assert.is(code(await fleet.operators.create(by, asked)), 'conflict');
});

test.run();
