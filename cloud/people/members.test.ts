import { randomUUID } from 'node:crypto';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { step } from '../store/index.ts';
import { placesOf } from './principals.ts';
import { code, done, TestFleet } from './test-organisation.ts';

const test = suite<{ fleet: TestFleet }>('members');
test.before(async (context) => {
  context.fleet = await TestFleet.open();
});
test.after(({ fleet }) => fleet.close());

const person = (over: object = {}) => ({
  email: `${randomUUID()}@example.org`,
  name: 'Noor',
  role: 'viewer',
  reach: 'organisation' as const,
  departments: [],
  customer: null,
  ...over,
});

test('an administrator takes somebody in, who gets a link, and the log says so without his name in the chain', async ({
  fleet,
}) => {
  const { id, administrator } = await fleet.organisation();
  const asked = person({ role: 'editor' });
  const { changes } = fleet.store;
  const member = done(await fleet.members.create(await fleet.editor(id, administrator), asked));
  assert.is(member.hasPassword, false);
  assert.is(await fleet.standing(id, member.id), undefined, 'he has not accepted yet');
  assert.equal(fleet.invitations.at(-1), {
    kind: 'set-password',
    person: { id: member.id, email: asked.email, name: 'Noor' },
    organisation: { id, name: id },
    by: administrator,
  });
  assert.ok(fleet.store.changes > changes);
  const [entry] = await fleet.audit(id);
  assert.equal(entry?.target, { kind: 'user', id: member.id });
  assert.equal(entry?.after, { role: 'editor', reach: 'organisation', departments: [], customer: null });
  assert.not.match(JSON.stringify(entry?.after), asked.email);
  assert.match(JSON.stringify(entry?.personal), asked.email);
});

test('somebody whom another organisation knows is shown no other than a new one until he accepts', async ({
  fleet,
}) => {
  const [there, here] = [await fleet.organisation(), await fleet.organisation()];
  const asked = person({ name: 'As There' });
  const known = done(await fleet.members.create(await fleet.editor(there.id, there.administrator), asked));
  await fleet.arrive(known.id);
  const editor = await fleet.editor(here.id, here.administrator);
  const stranger = done(await fleet.members.create(editor, person({ name: 'Here' })));
  const taken = done(await fleet.members.create(editor, { ...asked, name: 'Here' }));
  const shown = ({ id: _, email: __, ...rest }: typeof taken) => rest;
  assert.equal(shown(taken), shown(stranger));
  const read = async (id: string) => shown((await fleet.members.member(here.id, id)) as typeof taken);
  assert.equal(await read(taken.id), await read(stranger.id));
  assert.equal(code(await fleet.members.invite(editor, taken.id)), 'done');
  assert.equal(
    fleet.invitations.slice(-1).map((one) => [one.kind, one.person.id]),
    [['taken-in', known.id]],
  );
  await fleet.arrive(known.id);
  assert.is((await read(taken.id)).name, 'As There');
  assert.is((await read(taken.id)).hasPassword, true);
  assert.is(code(await fleet.members.invite(editor, taken.id)), 'conflict');
});

test('who is a member already is not taken in again', async ({ fleet }) => {
  const { id, administrator } = await fleet.organisation();
  const editor = await fleet.editor(id, administrator);
  const asked = person();
  done(await fleet.members.create(editor, asked));
  const mails = fleet.invitations.length;
  assert.is(code(await fleet.members.create(editor, asked)), 'conflict');
  assert.is(fleet.invitations.length, mails);
});

test('nobody takes in somebody who may do more than himself', async ({ fleet }) => {
  const organisation = await fleet.organisation();
  const editor = await fleet.editor(organisation.id, organisation.administrator);
  const [a, b] = [
    done(await fleet.departments.create(editor, 'A')).id,
    done(await fleet.departments.create(editor, 'B')).id,
  ];
  const chief = await fleet.member(organisation, {
    role: 'department-administrator',
    reach: 'departments',
    departments: [a],
  });
  const ofA = await fleet.editor(organisation.id, chief);
  const create = async (over: object) => code(await fleet.members.create(ofA, person(over)));
  const within = { reach: 'departments', departments: [a] };
  assert.is(await create({ ...within, role: 'editor' }), 'done');
  assert.is(await create({ ...within, role: 'department-administrator' }), 'done');
  assert.is(await create({ ...within, role: 'administrator' }), 'more-than-own');
  assert.is(await create({ reach: 'departments', departments: [a, b] }), 'more-than-own');
  assert.is(await create({ reach: 'departments', departments: [b] }), 'more-than-own');
  assert.is(await create({ reach: 'departments', departments: [] }), 'more-than-own');
  assert.is(await create({}), 'more-than-own');
  const customer = done(await fleet.customers.create(editor, 'C')).id;
  assert.is(await create({ role: 'customer-member', reach: 'customer', customer }), 'more-than-own');
  const [entry] = await fleet.audit(organisation.id);
  assert.equal([entry?.outcome, entry?.code, entry?.actor.id], ['refused', 'more-than-own', chief]);
});

test('a department administrator manages who is wholly within his departments, and nobody else', async ({
  fleet,
}) => {
  const organisation = await fleet.organisation();
  const editor = await fleet.editor(organisation.id, organisation.administrator);
  const [a, b] = [
    done(await fleet.departments.create(editor, 'A')).id,
    done(await fleet.departments.create(editor, 'B')).id,
  ];
  const of = (departments: string[], role = 'viewer') =>
    fleet.member(organisation, { role, reach: 'departments', departments });
  const [chief, inA, inBoth, inNone] = [
    await of([a], 'department-administrator'),
    await of([a]),
    await of([a, b]),
    await of([]),
  ];
  const ofA = await fleet.editor(organisation.id, chief);
  const patch = async (id: string, change: object) => code(await fleet.members.patch(ofA, id, change));
  assert.is(await patch(inA, { role: 'editor' }), 'done');
  assert.is(await patch(inBoth, { role: 'editor' }), 'more-than-own');
  assert.is(await patch(inBoth, { departments: [a] }), 'more-than-own');
  assert.is(await patch(inNone, { departments: [a] }), 'more-than-own');
  assert.is(await patch(organisation.administrator, { role: 'viewer' }), 'more-than-own');
  assert.is(await patch(inA, { departments: [a, b] }), 'more-than-own');
  assert.is(await patch(inA, { departments: [] }), 'more-than-own');
  assert.is(await patch(inA, { reach: 'organisation' }), 'more-than-own');
  assert.is(code(await fleet.members.remove(ofA, inBoth)), 'more-than-own');
  assert.is(code(await fleet.members.invite(ofA, inBoth)), 'more-than-own');
  assert.is(code(await fleet.members.remove(ofA, inA)), 'done');
  const { items } = await fleet.members.list(ofA.standing, {}, { after: undefined, limit: 100 });
  assert.equal(
    items.map((one) => one.id),
    [chief],
  );
});

test('who may change a person may cut him off, and nobody who may do more; both is in the log', async ({
  fleet,
}) => {
  const organisation = await fleet.organisation();
  const { id, administrator } = organisation;
  const customer = done(await fleet.customers.create(await fleet.editor(id, administrator), 'C')).id;
  const chief = await fleet.member(organisation, {
    role: 'customer-administrator',
    reach: 'customer',
    customer,
  });
  const login = await fleet.member(organisation, { role: 'customer-member', reach: 'customer', customer });
  const cutOff = async (by: string, whom: string) =>
    code(await fleet.members.cutOff(await fleet.editor(id, by), whom));
  assert.is(await cutOff(chief, administrator), 'more-than-own');
  assert.is((await fleet.audit(id))[0]?.outcome, 'refused');
  assert.is(await cutOff(chief, login), 'done');
  const [entry] = await fleet.audit(id);
  assert.equal([entry?.target, entry?.actor.id], [{ kind: 'user', id: login }, chief]);
  assert.equal(entry?.after, { cutOff: new Date(fleet.now).toISOString() });
  const standings = async (person: string) => {
    const record = await fleet.store.read('standings', { person, now: fleet.now });
    return placesOf(record, { secondFactor: true, since: fleet.now }).length;
  };
  assert.equal([await standings(login), await standings(chief)], [0, 1]);
  assert.is(await cutOff(administrator, chief), 'done');
});

test('nobody changes himself upward, nor somebody who may do more', async ({ fleet }) => {
  const organisation = await fleet.organisation();
  const editor = await fleet.editor(organisation.id, organisation.administrator);
  const scopes = ['user.*', 'users.*', 'series.get'];
  done(await fleet.roles.create(editor, { id: 'personnel', name: 'Personnel', scopes }));
  const id = await fleet.member(organisation, { role: 'personnel' });
  const personnel = await fleet.editor(organisation.id, id);
  const patch = async (whom: string, role: string) =>
    code(await fleet.members.patch(personnel, whom, { role }));
  const viewer = await fleet.member(organisation, { role: 'viewer' });
  const limited = await fleet.member(organisation, { role: 'personnel' });
  assert.is(await patch(id, 'administrator'), 'more-than-own');
  assert.is(await patch(organisation.administrator, 'personnel'), 'more-than-own');
  assert.is(code(await fleet.members.remove(personnel, organisation.administrator)), 'more-than-own');
  assert.is(await patch(viewer, 'personnel'), 'more-than-own');
  assert.is(code(await fleet.members.remove(personnel, limited)), 'done');
  assert.is((await fleet.members.member(organisation.id, id))?.role, 'personnel');
});

test('a customer administrator manages logins of his customer only, with roles of customers only', async ({
  fleet,
}) => {
  const organisation = await fleet.organisation();
  const editor = await fleet.editor(organisation.id, organisation.administrator);
  const [mine, other] = [
    done(await fleet.customers.create(editor, 'Mine')).id,
    done(await fleet.customers.create(editor, 'Other')).id,
  ];
  const login = (customer: string, role: string) =>
    fleet.member(organisation, { role, reach: 'customer', customer });
  const chief = await login(mine, 'customer-administrator');
  const foreign = await login(other, 'customer-member');
  const customerChief = await fleet.editor(organisation.id, chief);
  const create = async (over: object) => code(await fleet.members.create(customerChief, person(over)));
  const within = { reach: 'customer', customer: mine };
  assert.is(await create({ ...within, role: 'customer-moderator' }), 'done');
  assert.is(await create({ ...within, role: 'customer-administrator' }), 'done');
  assert.is(await create({ ...within, role: 'viewer' }), 'request-invalid');
  assert.is(await create({ reach: 'customer', customer: other, role: 'customer-member' }), 'more-than-own');
  assert.is(await create({ role: 'dashboards-only' }), 'more-than-own');
  assert.is(code(await fleet.members.remove(customerChief, foreign)), 'more-than-own');
  assert.is(code(await fleet.members.patch(customerChief, foreign, { customer: mine })), 'more-than-own');
  assert.is(code(await fleet.members.patch(customerChief, chief, { role: 'customer-member' })), 'done');
});

test('role, reach, departments and customer must fit each other, and be of this organisation', async ({
  fleet,
}) => {
  const [organisation, foreign] = [await fleet.organisation(), await fleet.organisation()];
  const editor = await fleet.editor(organisation.id, organisation.administrator);
  const foreignEditor = await fleet.editor(foreign.id, foreign.administrator);
  const department = done(await fleet.departments.create(editor, 'A')).id;
  const customer = done(await fleet.customers.create(editor, 'C')).id;
  const foreignDepartment = done(await fleet.departments.create(foreignEditor, 'A')).id;
  const foreignCustomer = done(await fleet.customers.create(foreignEditor, 'C')).id;
  done(await fleet.roles.create(foreignEditor, { id: 'theirs', name: 'Theirs', scopes: [] }));
  const create = async (over: object) => code(await fleet.members.create(editor, person(over)));
  for (const over of [
    { reach: 'customer', role: 'customer-member' },
    { reach: 'customer', role: 'viewer', customer },
    { reach: 'organisation', role: 'customer-member' },
    { reach: 'organisation', customer },
    { reach: 'departments', departments: [department], customer },
    { reach: 'organisation', departments: [department] },
    { reach: 'customer', role: 'customer-member', customer, departments: [department] },
    { reach: 'departments', departments: [foreignDepartment] },
    { reach: 'customer', role: 'customer-member', customer: foreignCustomer },
    { role: 'theirs' },
    { role: 'no-such-role' },
    { role: 'constructor' },
    { email: 'operator' },
  ]) {
    assert.is(await create(over), 'request-invalid', JSON.stringify(over));
  }
  const id = await fleet.member(organisation);
  const patch = async (change: object) => code(await fleet.members.patch(editor, id, change));
  assert.is(await patch({ reach: 'customer' }), 'request-invalid');
  assert.is(await patch({ departments: [department] }), 'request-invalid');
  assert.is(await patch({ reach: 'departments', departments: [foreignDepartment] }), 'request-invalid');
  assert.is(await patch({ reach: 'departments', departments: [department, department] }), 'done');
  assert.is(await patch({ role: 'customer-member', reach: 'customer', customer }), 'done');
  const member = await fleet.members.member(organisation.id, id);
  assert.equal([member?.reach, member?.departments, member?.customer], ['customer', [], customer]);
});

test('the last administrator who can log in is neither removed nor demoted', async ({ fleet }) => {
  const organisation = await fleet.organisation();
  const { id, administrator } = organisation;
  const editor = await fleet.editor(id, administrator);
  const department = done(await fleet.departments.create(editor, 'A')).id;
  const last = async () => [
    code(await fleet.members.remove(editor, administrator)),
    code(await fleet.members.patch(editor, administrator, { role: 'editor' })),
    code(
      await fleet.members.patch(editor, administrator, { reach: 'departments', departments: [department] }),
    ),
  ];
  const stays = ['last-administrator', 'last-administrator', 'last-administrator'];
  assert.equal(await last(), stays);
  await fleet.member(organisation, {
    role: 'administrator',
    reach: 'departments',
    departments: [department],
  });
  await fleet.member(organisation, { role: 'editor' });
  const invited = done(await fleet.members.create(editor, person({ role: 'administrator' })));
  assert.equal(await last(), stays, 'who has no link and no password cannot administrate');
  const secretHash = Buffer.from(randomUUID());
  const link = {
    secretHash,
    person: invited.id,
    purpose: 'set-password' as const,
    expires: fleet.now + 1000,
    organisation: id,
  };
  await fleet.store.change({ steps: [step('addLink', link)], audit: [] });
  fleet.now += 1000;
  assert.equal(await last(), stays, 'nor who has let his link grow old');
  await fleet.arrive(invited.id);
  assert.is(code(await fleet.members.patch(editor, administrator, { role: 'editor' })), 'done');
  const [refusal] = (await fleet.audit(id)).filter((one) => one.outcome === 'refused');
  assert.is(refusal?.code, 'last-administrator');
});

test('of two administrators who demote each other at once, one is too late', async ({ fleet }) => {
  const organisation = await fleet.organisation();
  const { id, administrator } = organisation;
  const other = await fleet.member(organisation, { role: 'administrator' });
  const [one, two] = [await fleet.editor(id, administrator), await fleet.editor(id, other)];
  const results = await Promise.all([
    fleet.members.patch(one, other, { role: 'viewer' }),
    fleet.members.patch(two, administrator, { role: 'viewer' }),
  ]);
  assert.equal(results.map(code).sort(), ['done', 'more-than-own']);
});

test('of two administrators who step down at once, one stays', async ({ fleet }) => {
  const organisation = await fleet.organisation();
  const { id, administrator } = organisation;
  const other = await fleet.member(organisation, { role: 'administrator' });
  const [one, two] = [await fleet.editor(id, administrator), await fleet.editor(id, other)];
  const results = await Promise.all([
    fleet.members.patch(one, administrator, { role: 'viewer' }),
    fleet.members.remove(two, other),
  ]);
  assert.equal(results.map(code).sort(), ['done', 'last-administrator']);
});

test('who was demoted after his request was let in changes nothing by it any more', async ({ fleet }) => {
  const organisation = await fleet.organisation();
  const { id, administrator } = organisation;
  const other = await fleet.member(organisation, { role: 'administrator' });
  const slow = await fleet.editor(id, other);
  done(await fleet.members.patch(await fleet.editor(id, administrator), other, { role: 'viewer' }));
  assert.is(slow.standing.scopes.has('user.patch'), true);
  assert.is(code(await fleet.members.patch(slow, other, { role: 'administrator' })), 'more-than-own');
  assert.is(code(await fleet.members.create(slow, person({ role: 'editor' }))), 'more-than-own');
  done(await fleet.members.remove(await fleet.editor(id, administrator), other));
  assert.is(code(await fleet.members.create(slow, person())), 'not-found');
});

test('with a membership end its API tokens, and an account that nobody could ever use', async ({ fleet }) => {
  const organisation = await fleet.organisation();
  const editor = await fleet.editor(organisation.id, organisation.administrator);
  const member = await fleet.member(organisation);
  const token = {
    id: randomUUID(),
    organisation: organisation.id,
    person: member,
    name: 'mine',
    scopes: '[]',
    devices: null,
    tags: null,
    created: fleet.now,
    expires: fleet.now + 1000,
  };
  assert.ok((await fleet.store.change({ steps: [step('addApiToken', token, 'some')], audit: [] })).done);
  done(await fleet.members.remove(editor, member));
  assert.is((await fleet.store.read('apiToken', { id: token.id }))?.status, 'revoked');
  assert.is(await fleet.standing(organisation.id, member), undefined);
  assert.ok(await fleet.store.read('person', { id: member }), 'who has a password keeps his account');
  const asked = person();
  const invited = done(await fleet.members.create(editor, asked));
  done(await fleet.members.remove(editor, invited.id));
  assert.is(await fleet.store.read('account', { email: asked.email }), undefined);
});

test('a page goes on after its last person though he is gone, and filters hold', async ({ fleet }) => {
  const organisation = await fleet.organisation();
  const editor = await fleet.editor(organisation.id, organisation.administrator);
  const ids: string[] = [];
  for (let index = 0; index < 5; index++) {
    fleet.now++;
    ids.push(await fleet.member(organisation, { role: index % 2 === 0 ? 'viewer' : 'editor' }));
  }
  const list = (filter: object, after: { created: number; id: string } | undefined, limit: number) =>
    fleet.members.list(editor.standing, filter, { after, limit });
  const first = await list({}, undefined, 3);
  assert.equal(
    first.items.map(({ id }) => id),
    [organisation.administrator, ...ids.slice(0, 2)],
  );
  assert.is(first.more, true);
  done(await fleet.members.remove(editor, ids[1] as string));
  const second = await list({}, first.items[2], 3);
  assert.equal(
    second.items.map(({ id }) => id),
    ids.slice(2),
  );
  assert.is(second.more, false);
  const viewers = await list({ role: 'viewer' }, undefined, 2);
  assert.equal(
    viewers.items.map(({ id }) => id),
    [ids[0], ids[2]],
  );
  const [one] = second.items;
  const found = await list({ email: one?.email.slice(3, 20) }, undefined, 10);
  assert.equal(
    found.items.map(({ id }) => id),
    [one?.id],
  );
});

test.run();
