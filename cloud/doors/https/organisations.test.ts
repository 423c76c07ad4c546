import { randomUUID } from 'node:crypto';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { step } from '../../store/index.ts';
import { type Doors, openDoors } from '../test-doors.ts';

const test = suite<{ doors: Doors }>('organisations over HTTPS');
test.before(async (context) => {
  context.doors = await openDoors();
});
test.after(({ doors }) => doors.close());

/** The status of a problem; 0 where there was none. */
async function status(answer: Promise<unknown>): Promise<number> {
  try {
    await answer;
    return 0;
  } catch (error) {
    return (error as { status?: number }).status ?? -1;
  }
}

const position = { role: 'viewer', reach: 'organisation' as const };

test('somebody is taken in, read, changed, invited again, and parted with', async ({
  doors: { organisation },
}) => {
  const body = { email: 'Bo@Example.org', name: 'Bo', ...position };
  const made = await organisation.createUser({ body });
  assert.equal([made.email, made.hasPassword, made.departments], ['bo@example.org', false, []]);
  const user = made.id;
  assert.equal(await organisation.getUser({ user }), made);
  assert.is(await status(organisation.createUser({ body })), 409);
  assert.is(await organisation.inviteUser({ user }), undefined);
  const changed = await organisation.patchUser({ user, body: { role: 'editor' } });
  assert.equal(changed, { ...made, role: 'editor' });
  assert.is(await status(organisation.patchUser({ user, body: { reach: 'customer' } })), 400);
  assert.is(await organisation.deleteUser({ user }), undefined);
  assert.is(await status(organisation.getUser({ user })), 404);
});

test('lists go page by page', async ({ doors: { organisation } }) => {
  for (const name of ['B', 'A', 'C']) await organisation.createDepartment({ body: { name } });
  const first = await organisation.listDepartments({ query: { limit: 2 } });
  assert.equal(
    first.items.map(({ name }) => name),
    ['A', 'B'],
  );
  const second = await organisation.listDepartments({ query: { limit: 2, after: first.next ?? '' } });
  assert.equal([second.items.map(({ name }) => name), second.next], [['C'], null]);
  assert.is(await status(organisation.listDepartments({ query: { after: 'made-up' } })), 400);
  const roles: string[] = [];
  for (let after: string | null = ''; after !== null; ) {
    const page: { items: { id: string }[]; next: string | null } = await organisation.listRoles({
      query: { limit: 4, ...(after !== '' && { after }) },
    });
    roles.push(...page.items.map(({ id }) => id));
    after = page.next;
  }
  assert.equal([roles.length, roles[0], new Set(roles).size], [9, 'administrator', 9]);
});

test('the last administrator stays, and is told so', async ({ doors: { organisation } }) => {
  const { items } = await organisation.listUsers({ query: { role: 'administrator' } });
  const user = items[0]?.id ?? '';
  assert.is(await status(organisation.deleteUser({ user })), 409);
  assert.is(await status(organisation.patchUser({ user, body: { role: 'viewer' } })), 409);
});

test('policies, own roles, customers and their ends', async ({ doors: { organisation } }) => {
  const before = await organisation.getOrganisation();
  const after = await organisation.patchOrganisation({ body: { isolation: 'strict' } });
  assert.equal(after, { ...before, isolation: 'strict' });
  const role = { id: 'own', name: 'Own', scopes: ['series.get'] };
  assert.equal(await organisation.createRole({ body: role }), {
    ...role,
    builtIn: false,
    of: 'organisation',
  });
  assert.is(await status(organisation.createRole({ body: role })), 409);
  await organisation.deleteRole({ role: 'own' });
  assert.is(await status(organisation.getRole({ role: 'own' })), 404);
  const { id: customer } = await organisation.createCustomer({ body: { name: 'Crane hire' } });
  const login = {
    email: 'c@example.org',
    name: 'C',
    role: 'customer-member',
    reach: 'customer' as const,
    customer,
  };
  await organisation.createUser({ body: login });
  assert.is(await status(organisation.deleteCustomer({ customer })), 409);
});

test('the fleet makes an organisation and sees nothing in it, until that grants it', async ({
  doors: { client, store },
}) => {
  const administrator = { email: 'dee@example.org', name: 'Dee' };
  await client.createOrganisation({ body: { id: 'plant', name: 'Plant', administrator } });
  const { items } = await client.listOrganisations({});
  assert.ok(items.some(({ id }) => id === 'plant'));
  const plant = client.organisation('plant');
  assert.is(await status(plant.getOrganisation()), 404);
  assert.is(await status(plant.listUsers({})), 404);
  const { items: operators } = await client.listOperators({});
  assert.is(operators[0]?.email, 'ann@example.org');
  assert.is(await status(client.deleteOperator({ user: operators[0]?.id ?? '' })), 409);
  const { entries } = await store.read('audit', { organisation: 'plant', limit: 10 });
  assert.equal(
    entries.map(({ action }) => action),
    ['organisations.create'],
  );
});

test('what a grant opens is noted before it is shown, once', async ({ doors: { client, store } }) => {
  const administrator = { email: 'eli@example.org', name: 'Eli' };
  await client.createOrganisation({ body: { id: 'quarry', name: 'Quarry', administrator } });
  const person = (await client.listOperators({})).items[0]?.id ?? '';
  const created = Date.now();
  const terms = { id: randomUUID(), organisation: 'quarry', person, role: 'viewer', reason: 'to look' };
  const grant = step('addGrant', { ...terms, created, expires: created + 3_600_000 }, 'some');
  assert.ok((await store.change({ steps: [grant], audit: [] })).done);
  const quarry = client.organisation('quarry');
  assert.is((await quarry.getOrganisation()).name, 'Quarry');
  await quarry.listDevices({});
  assert.is(await status(quarry.listUsers({})), 403);
  const { entries } = await store.read('audit', { organisation: 'quarry', action: 'grant.use', limit: 10 });
  assert.equal(
    entries.map(({ actor, target }) => [actor.id, target?.id]),
    [[person, terms.id]],
  );
});

test('mails to addresses of one’s choice are asked for thirty times a minute at most, and all else goes on', async ({
  doors,
}) => {
  const { organisation } = doors;
  const body = { email: 'mailed@example.org', name: 'Bo', role: 'viewer', reach: 'organisation' as const };
  const { id: user } = await organisation.createUser({ body });
  const asked = await Promise.all(
    Array.from({ length: 31 }, () => status(organisation.inviteUser({ user }))),
  );
  assert.ok(asked.includes(429));
  assert.is((await organisation.getUser({ user })).id, user);
});

test('the cut ends the session that makes it, in this organisation', async ({
  doors: { organisation, clock },
}) => {
  clock.offset += 1;
  await organisation.cutOffOrganisation();
  assert.is(await status(organisation.getOrganisation()), 404);
});

test.run();
