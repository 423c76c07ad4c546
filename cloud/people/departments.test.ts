import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { reachesDevice } from '../access/index.ts';
import { step } from '../store/index.ts';
import { code, done, TestFleet } from './test-organisation.ts';

const test = suite<{ fleet: TestFleet }>('departments');
test.before(async (context) => {
  context.fleet = await TestFleet.open();
});
test.after(({ fleet }) => fleet.close());

/** An organisation with departments A and B, a device of each and of none, and somebody of A. */
async function site(fleet: TestFleet) {
  const organisation = await fleet.organisation();
  const editor = await fleet.editor(organisation.id, organisation.administrator);
  const a = done(await fleet.departments.create(editor, 'A')).id;
  const b = done(await fleet.departments.create(editor, 'B')).id;
  const devices = {
    a: await fleet.device(organisation.id, { department: a }),
    b: await fleet.device(organisation.id, { department: b }),
    none: await fleet.device(organisation.id),
  };
  const ofA = await fleet.member(organisation, { reach: 'departments', departments: [a] });
  const ofB = await fleet.member(organisation, { reach: 'departments', departments: [b] });
  const sees = async (person: string) => {
    const standing = await fleet.standing(organisation.id, person);
    const seen: string[] = [];
    for (const [name, id] of Object.entries(devices)) {
      if (standing !== undefined && reachesDevice(standing.reach, await fleet.place(id))) seen.push(name);
    }
    return seen.join(' ');
  };
  return { organisation, editor, a, b, devices, ofA, ofB, sees };
}

test('isolation decides who sees what is unassigned, and can be changed to and fro', async ({ fleet }) => {
  const { organisation, editor, ofA, ofB, sees } = await site(fleet);
  assert.equal([await sees(ofA), await sees(ofB)], ['a none', 'b none']);
  done(await fleet.organisations.patch(editor, { isolation: 'strict' }));
  assert.equal([await sees(ofA), await sees(ofB)], ['a', 'b']);
  assert.is(await sees(organisation.administrator), 'a b none');
  done(await fleet.organisations.patch(editor, { isolation: 'basic' }));
  assert.equal([await sees(ofA), await sees(ofB)], ['a none', 'b none']);
});

test('who loses his last department sees less, never more', async ({ fleet }) => {
  const { organisation, editor, ofA, sees } = await site(fleet);
  done(await fleet.members.patch(editor, ofA, { departments: [] }));
  assert.is(await sees(ofA), 'none');
  assert.is((await fleet.members.member(organisation.id, ofA))?.reach, 'departments');
  done(await fleet.organisations.patch(editor, { isolation: 'strict' }));
  assert.is(await sees(ofA), '');
});

test('in a strict organisation the devices of a deleted department are seen by nobody but the whole', async ({
  fleet,
}) => {
  const { organisation, editor, a, ofA, ofB, sees, devices } = await site(fleet);
  done(await fleet.organisations.patch(editor, { isolation: 'strict' }));
  done(await fleet.departments.remove(editor, a));
  assert.equal([await sees(ofA), await sees(ofB)], ['', 'b']);
  assert.is(await sees(organisation.administrator), 'a b none');
  assert.is((await fleet.place(devices.a)).department, null);
  assert.equal((await fleet.members.member(organisation.id, ofA))?.departments, []);
  assert.is(code(await fleet.departments.remove(editor, a)), 'not-found');
});

test('in a basic one they are unassigned, and seen by who sees such devices', async ({ fleet }) => {
  const { editor, a, ofA, ofB, sees } = await site(fleet);
  done(await fleet.departments.remove(editor, a));
  assert.equal([await sees(ofA), await sees(ofB)], ['a none', 'a b none']);
});

test('a device goes only where its organisation has a department or customer', async ({ fleet }) => {
  const { organisation, a, devices } = await site(fleet);
  const other = await site(fleet);
  const customer = done(await fleet.customers.create(other.editor, 'C')).id;
  const put = async (id: string, over: { department?: string | null; customer?: string | null }) =>
    (
      await fleet.store.change({
        steps: [
          step(
            'setDevicePlace',
            { id, organisation: organisation.id, name: 'n', department: null, customer: null, ...over },
            'some',
          ),
        ],
        audit: [],
      })
    ).done;
  assert.is(await put(devices.none, { department: other.a }), false);
  assert.is(await put(devices.none, { customer }), false);
  assert.is(await put(other.devices.none, { department: a }), false);
  assert.is(await put(devices.none, { department: a }), true);
  assert.equal(await fleet.place(devices.none), { id: devices.none, department: a, customer: null });
});

test('one is shown, renamed and deleted in its own organisation only', async ({ fleet }) => {
  const { organisation, editor, a, ofA } = await site(fleet);
  const other = await site(fleet);
  assert.is(code(await fleet.departments.rename(other.editor, a, 'X')), 'not-found');
  assert.is(code(await fleet.departments.remove(other.editor, a)), 'not-found');
  assert.is(code(await fleet.departments.rename(editor, a, 'B')), 'conflict');
  assert.equal(done(await fleet.departments.rename(editor, a, 'Z')), { id: a, name: 'Z' });
  const standing = await fleet.standing(organisation.id, ofA);
  if (standing === undefined) throw new Error('nobody');
  const { items } = await fleet.departments.list(standing, { after: undefined, limit: 10 });
  assert.equal(items, [{ id: a, name: 'Z' }]);
});

test('pages of departments go by name, and go on after one that is gone', async ({ fleet }) => {
  const { editor, a } = await site(fleet);
  for (const name of ['D', 'C', 'E']) done(await fleet.departments.create(editor, name));
  const page = (after: { id: string; name: string } | undefined) =>
    fleet.departments.list(editor.standing, { after, limit: 2 });
  const first = await page(undefined);
  assert.equal([first.items.map(({ name }) => name), first.more], [['A', 'B'], true]);
  const last = first.items[1];
  if (last === undefined) throw new Error('no B');
  done(await fleet.departments.remove(editor, last.id));
  const second = await page(last);
  assert.equal([second.items.map(({ name }) => name), second.more], [['C', 'D'], true]);
  assert.ok(a);
});

test('a customer with logins stays; without them its devices become the organisation’s own', async ({
  fleet,
}) => {
  const { organisation, editor } = await site(fleet);
  const other = await site(fleet);
  const customer = done(await fleet.customers.create(editor, 'C')).id;
  const device = await fleet.device(organisation.id, { customer });
  const login = await fleet.member(organisation, { role: 'customer-member', reach: 'customer', customer });
  const seen = async () => {
    const standing = await fleet.standing(organisation.id, login);
    return standing !== undefined && reachesDevice(standing.reach, await fleet.place(device));
  };
  assert.is(await seen(), true);
  assert.is(code(await fleet.customers.remove(editor, customer)), 'conflict');
  assert.is((await fleet.place(device)).customer, customer);
  assert.is(code(await fleet.customers.remove(other.editor, customer)), 'not-found');
  done(await fleet.members.remove(editor, login));
  done(await fleet.customers.remove(editor, customer));
  assert.is((await fleet.place(device)).customer, null);
});

test.run();
