import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { code, done, TestFleet } from './test-organisation.ts';

const hour = 3_600_000;

const test = suite<{ fleet: TestFleet }>('grants');
test.before(async (context) => {
  context.fleet = await TestFleet.open();
});
test.after(({ fleet }) => fleet.close());

async function site(fleet: TestFleet) {
  const organisation = await fleet.organisation();
  const operator = await fleet.operator();
  const editor = await fleet.editor(organisation.id, organisation.administrator);
  const grant = (over: object = {}) =>
    fleet.grants.create(editor, {
      operator: operator.email,
      role: 'viewer',
      reason: 'to look after the gateway',
      hours: 2,
      ...over,
    });
  return { organisation, operator, editor, grant };
}

test('a fleet operator is nothing in an organisation but by its grant, and until that ends', async ({
  fleet,
}) => {
  const { organisation, operator, grant } = await site(fleet);
  const other = await fleet.organisation();
  const standing = () => fleet.standing(organisation.id, operator.id);
  assert.is(await standing(), undefined);
  const given = done(await grant());
  assert.is((await standing())?.scopes.has('series.get'), true);
  assert.is((await standing())?.reach.departments, 'all');
  assert.equal((await standing())?.grant, { id: given.id, until: fleet.now + 2 * hour });
  assert.is(await fleet.standing(other.id, operator.id), undefined);
  fleet.now += 2 * hour - 1;
  assert.ok(await standing());
  fleet.now += 1;
  assert.is(await standing(), undefined);
});

test('ending a grant ends it at once, and the organisation reads who was let in, by whom, and why', async ({
  fleet,
}) => {
  const { organisation, operator, editor, grant } = await site(fleet);
  const { id } = done(await grant());
  const { changes } = fleet.store;
  assert.is(code(await fleet.grants.remove(editor, id)), 'done');
  assert.ok(fleet.store.changes > changes);
  assert.is(await fleet.standing(organisation.id, operator.id), undefined);
  assert.is(code(await fleet.grants.remove(editor, id)), 'not-found');
  const [ended, created] = await fleet.audit(organisation.id);
  const terms = {
    operator: operator.id,
    role: 'viewer',
    reason: 'to look after the gateway',
    expires: new Date(fleet.now + 2 * hour).toISOString(),
  };
  assert.equal([created?.target, created?.after], [{ kind: 'grant', id }, terms]);
  assert.is(created?.actor.id, organisation.administrator);
  assert.equal([ended?.target, ended?.before], [{ kind: 'grant', id }, terms]);
});

test('each use is in the log once an hour', async ({ fleet }) => {
  const { organisation, operator, grant } = await site(fleet);
  done(await grant({ hours: 10 }));
  const use = async () => {
    const standing = await fleet.standing(organisation.id, operator.id);
    if (standing === undefined) throw new Error('no grant');
    await fleet.grants.used(standing, { person: operator.id, entry: fleet.entry(null, operator.id) });
    const entries = (await fleet.audit(organisation.id)).filter(({ action }) => action === 'grant.use');
    assert.ok(entries.every(({ actor }) => actor.id === operator.id));
    return entries.length;
  };
  assert.is(await use(), 1);
  fleet.now += hour - 1;
  assert.is(await use(), 1);
  fleet.now += 1;
  assert.is(await use(), 2);
  assert.is(await use(), 2);
  const member = await fleet.member(organisation);
  const own = await fleet.standing(organisation.id, member);
  if (own === undefined) throw new Error('no member');
  await fleet.grants.used(own, { person: member, entry: fleet.entry(null, member) });
  assert.is(await use(), 2);
});

test('who is let in for a time opens no door to stay', async ({ fleet }) => {
  const { organisation, operator, grant } = await site(fleet);
  done(await grant({ role: 'administrator' }));
  const guest = await fleet.editor(organisation.id, operator.id);
  for (const scope of [
    'users.create',
    'user.patch',
    'grants.create',
    'tokens.create',
    'application-keys.create',
  ]) {
    assert.is(guest.standing.scopes.has(scope as never), false, scope);
  }
  assert.is(guest.standing.scopes.has('readings.get'), true);
  const position = { role: 'administrator', reach: 'organisation' as const, departments: [], customer: null };
  const create = fleet.members.create(guest, { email: 'x@example.org', name: 'X', ...position });
  assert.is(code(await create), 'more-than-own');
  assert.is(code(await fleet.members.remove(guest, organisation.administrator)), 'more-than-own');
});

test('a grant does not make an administrator of whom the organisation has need', async ({ fleet }) => {
  const { organisation, editor, grant } = await site(fleet);
  done(await grant({ role: 'administrator' }));
  assert.is(code(await fleet.members.remove(editor, organisation.administrator)), 'last-administrator');
});

test('nobody grants more than he has, to whom is no operator, or is in already', async ({ fleet }) => {
  const { organisation, operator, editor, grant } = await site(fleet);
  assert.is(code(await grant({ role: 'customer-member' })), 'request-invalid');
  assert.is(code(await grant({ role: 'nothing' })), 'request-invalid');
  assert.is(code(await grant({ operator: 'nobody@example.org' })), 'request-invalid');
  const scopes = ['grants.*', 'series.get'];
  done(await fleet.roles.create(editor, { id: 'host', name: 'Host', scopes }));
  const id = await fleet.member(organisation, { role: 'host' });
  const member = await fleet.members.member(organisation.id, id);
  assert.is(code(await grant({ operator: member?.email })), 'request-invalid');
  const host = await fleet.editor(organisation.id, id);
  const asked = { operator: operator.email, reason: 'x', hours: 1 };
  assert.is(code(await fleet.grants.create(host, { ...asked, role: 'viewer' })), 'more-than-own');
  assert.is(code(await fleet.grants.create(host, { ...asked, role: 'host' })), 'done');
  assert.is(code(await grant()), 'conflict');
  assert.is((await fleet.grants.list(editor.standing)).length, 1);
  fleet.now += hour;
  assert.is((await fleet.grants.list(editor.standing)).length, 0);
  assert.is(code(await fleet.roles.remove(editor, 'host')), 'conflict');
  done(await fleet.members.remove(editor, id));
  assert.is(code(await fleet.roles.remove(editor, 'host')), 'done');
  const position = { role: 'viewer', reach: 'organisation' as const, departments: [], customer: null };
  done(await fleet.members.create(editor, { email: operator.email, name: 'Otto', ...position }));
  assert.is(code(await grant()), 'conflict');
});

test('an organisation ends the grants of its own only', async ({ fleet }) => {
  const { organisation, operator, grant } = await site(fleet);
  const { id } = done(await grant());
  const other = await fleet.organisation();
  const stranger = await fleet.editor(other.id, other.administrator);
  assert.is(code(await fleet.grants.remove(stranger, id)), 'not-found');
  assert.ok(await fleet.standing(organisation.id, operator.id));
});

test.run();
