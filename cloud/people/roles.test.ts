import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { code, done, TestFleet } from './test-organisation.ts';

const test = suite<{ fleet: TestFleet }>('roles');
test.before(async (context) => {
  context.fleet = await TestFleet.open();
});
test.after(({ fleet }) => fleet.close());

test('an own role opens what its patterns stand for, at once and for everybody who has it', async ({
  fleet,
}) => {
  const organisation = await fleet.organisation();
  const editor = await fleet.editor(organisation.id, organisation.administrator);
  done(await fleet.roles.create(editor, { id: 'reader', name: 'Reader', scopes: ['series.get'] }));
  const [one, other] = [
    await fleet.member(organisation, { role: 'reader' }),
    await fleet.member(organisation, { role: 'reader' }),
  ];
  const { changes } = fleet.store;
  done(await fleet.roles.patch(editor, 'reader', { scopes: ['device.*'] }));
  for (const id of [one, other]) {
    const scopes = (await fleet.standing(organisation.id, id))?.scopes;
    assert.equal([...(scopes ?? [])], ['device.get', 'device.patch', 'device.enrol', 'device.retire']);
  }
  assert.ok(fleet.store.changes > changes);
  const [entry] = await fleet.audit(organisation.id);
  assert.equal(entry?.before, { name: 'Reader', scopes: ['series.get'] });
  assert.equal(entry?.after, { name: 'Reader', scopes: ['device.*'] });
});

test('nobody makes or changes a role that opens, or opened, more than he has', async ({ fleet }) => {
  const organisation = await fleet.organisation();
  const editor = await fleet.editor(organisation.id, organisation.administrator);
  const scopes = ['roles.*', 'role.*', 'series.get'];
  done(await fleet.roles.create(editor, { id: 'clerk', name: 'Clerk', scopes }));
  done(await fleet.roles.create(editor, { id: 'strong', name: 'Strong', scopes: ['all.*'] }));
  const id = await fleet.member(organisation, { role: 'clerk' });
  const clerk = await fleet.editor(organisation.id, id);
  const create = async (role: string, given: string[]) =>
    code(await fleet.roles.create(clerk, { id: role, name: role, scopes: given }));
  assert.is(await create('weak', ['series.get']), 'done');
  assert.is(await create('other', ['readings.get']), 'more-than-own');
  assert.is(await create('reads-all', ['all.read']), 'more-than-own');
  const patch = async (role: string, change: object) => code(await fleet.roles.patch(clerk, role, change));
  assert.is(await patch('clerk', { scopes: [...scopes, 'user.patch'] }), 'more-than-own');
  assert.is(await patch('strong', { scopes: ['series.get'] }), 'more-than-own');
  assert.is(await patch('strong', { name: 'Harmless' }), 'more-than-own');
  assert.is(await patch('weak', { scopes: ['role.get'] }), 'done');
  assert.is(code(await fleet.roles.remove(clerk, 'strong')), 'more-than-own');
  assert.equal((await fleet.standing(organisation.id, id))?.scopes.has('user.patch'), false);
});

test('who acts for a department makes and changes no roles, whatever his role opens', async ({ fleet }) => {
  const organisation = await fleet.organisation();
  const editor = await fleet.editor(organisation.id, organisation.administrator);
  const department = done(await fleet.departments.create(editor, 'A')).id;
  done(await fleet.roles.create(editor, { id: 'own', name: 'Own', scopes: ['series.get'] }));
  const id = await fleet.member(organisation, {
    role: 'administrator',
    reach: 'departments',
    departments: [department],
  });
  const partial = await fleet.editor(organisation.id, id);
  assert.is(code(await fleet.roles.create(partial, { id: 'x', name: 'X', scopes: [] })), 'more-than-own');
  assert.is(code(await fleet.roles.patch(partial, 'own', { scopes: ['all.*'] })), 'more-than-own');
  assert.is(code(await fleet.roles.remove(partial, 'own')), 'more-than-own');
  assert.is(code(await fleet.organisations.patch(partial, { isolation: 'strict' })), 'more-than-own');
  assert.is(code(await fleet.organisations.cutOff(partial)), 'more-than-own');
  assert.is(code(await fleet.departments.create(partial, 'B')), 'more-than-own');
  assert.is(code(await fleet.departments.remove(partial, department)), 'more-than-own');
  assert.is(code(await fleet.customers.create(partial, 'C')), 'more-than-own');
});

test('a role of every organisation stays as it is, and its name is not taken again', async ({ fleet }) => {
  const organisation = await fleet.organisation();
  const editor = await fleet.editor(organisation.id, organisation.administrator);
  const again = { id: 'viewer', name: 'Viewer', scopes: ['all.*'] };
  assert.is(code(await fleet.roles.create(editor, again)), 'conflict');
  assert.is(code(await fleet.roles.patch(editor, 'viewer', { scopes: ['all.*'] })), 'conflict');
  assert.is(code(await fleet.roles.remove(editor, 'viewer')), 'conflict');
  const own = { id: 'own', name: 'Own', scopes: [] };
  assert.is(code(await fleet.roles.create(editor, own)), 'done');
  assert.is(code(await fleet.roles.create(editor, own)), 'conflict');
  assert.is(code(await fleet.roles.patch(editor, 'nothing', { name: 'x' })), 'not-found');
});

test('a role that somebody has is not deleted', async ({ fleet }) => {
  const organisation = await fleet.organisation();
  const editor = await fleet.editor(organisation.id, organisation.administrator);
  done(await fleet.roles.create(editor, { id: 'own', name: 'Own', scopes: [] }));
  const id = await fleet.member(organisation, { role: 'own' });
  assert.is(code(await fleet.roles.remove(editor, 'own')), 'conflict');
  done(await fleet.members.patch(editor, id, { role: 'viewer' }));
  assert.is(code(await fleet.roles.remove(editor, 'own')), 'done');
  assert.is(code(await fleet.roles.remove(editor, 'own')), 'not-found');
});

test('a change of a role leaves somebody who administrates', async ({ fleet }) => {
  const organisation = await fleet.organisation();
  const editor = await fleet.editor(organisation.id, organisation.administrator);
  done(await fleet.roles.create(editor, { id: 'chief', name: 'Chief', scopes: ['all.*'] }));
  const chief = await fleet.member(organisation, { role: 'chief' });
  done(await fleet.members.patch(editor, organisation.administrator, { role: 'chief' }));
  const own = await fleet.editor(organisation.id, chief);
  assert.is(code(await fleet.roles.patch(own, 'chief', { scopes: ['all.read'] })), 'last-administrator');
  assert.is(code(await fleet.roles.patch(own, 'chief', { scopes: ['user.*', 'organisation.*'] })), 'done');
});

test("people of customers see customers' roles only", async ({ fleet }) => {
  const organisation = await fleet.organisation();
  const editor = await fleet.editor(organisation.id, organisation.administrator);
  const customer = done(await fleet.customers.create(editor, 'C')).id;
  done(await fleet.roles.create(editor, { id: 'own', name: 'Own', scopes: [] }));
  const id = await fleet.member(organisation, {
    role: 'customer-administrator',
    reach: 'customer',
    customer,
  });
  const { standing } = await fleet.editor(organisation.id, id);
  const seen = await fleet.roles.list(standing);
  assert.equal(
    seen.map((one) => one.id),
    ['customer-member', 'customer-moderator', 'customer-administrator'],
  );
  assert.is(await fleet.roles.role(standing, 'own'), undefined);
});

test.run();
