import { randomUUID } from 'node:crypto';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { step } from '../store/index.ts';
import { day, hour, password, TestPeople } from './test-people.ts';

const test = suite<{ people: TestPeople }>('profiles');

test.before(async (context) => {
  context.people = await TestPeople.open();
});
test.after(({ people }) => people.close());

const nobody = '00000000-0000-4000-8000-000000000000';

test('a person is exported with all that is kept of him, and nothing secret', async ({ people }) => {
  await people.organisation('export');
  const [person, other] = [
    await people.person(['export'], { role: 'technician' }),
    await people.person(['export']),
  ];
  await people.logIn(other);
  const { recoveryCodes, secret, token } = await people.withFactor(person);
  await people.store.change({
    steps: [
      step('addApiToken', {
        id: nobody,
        organisation: 'export',
        person: person.id,
        name: 'my script',
        scopes: '[]',
        devices: null,
        tags: null,
        created: people.now,
        expires: people.now + hour,
      }),
    ],
    audit: [],
  });
  const exported = await people.profiles.export(await people.principal(token));
  const text = JSON.stringify(exported);
  for (const piece of [
    person.id,
    person.email,
    'technician',
    'export ltd',
    'my script',
    '192.0.2.1',
    'session.create',
  ]) {
    assert.ok(text.includes(piece), piece);
  }
  const row = await people.store.read('person', { id: person.id });
  for (const one of [
    secret,
    token,
    row?.passwordHash,
    row?.factorSecret,
    ...recoveryCodes,
    other.id,
    other.email,
  ]) {
    assert.not(text.includes(one ?? 'x'.repeat(99)), one ?? 'null');
  }
});

test('a name is changed, and stands in the audit log as what is personal', async ({ people }) => {
  await people.organisation('rename');
  const person = await people.person(['rename']);
  const { token, principal, visitor } = await people.session(person);
  await people.profiles.rename(principal, 'Anna', visitor);
  assert.is((await people.principal(token)).name, 'Anna');
  const [entry] = await people.audit('rename');
  assert.is(entry?.after, null);
  assert.equal(entry?.personal, { before: 'Ann', after: 'Anna', source: '192.0.2.1' });
});

test('an erased person is nowhere any more, and the audit logs verify and keep what he did', async ({
  people,
}) => {
  await people.organisation('erase');
  const [person] = [
    await people.person(['erase']),
    await people.person(['erase'], { role: 'administrator' }),
  ];
  const { token, principal, visitor } = await people.session(person);
  await people.profiles.rename(principal, 'Annabel Unforgotten', visitor);
  await people.passwords.request(person.email, people.visitor());
  const linked = people.mail('password-reset', person)?.secret ?? '';
  assert.is((await people.profiles.erase(principal, 'wrong-wrong-wrong-1', visitor)).kind, 'wrong');
  assert.is((await people.profiles.erase(principal, password, visitor)).kind, 'erased');
  assert.is(await people.sessions.principal(token), undefined);
  assert.is(await people.passwords.read(linked, people.visitor()), undefined);
  assert.is(await people.store.read('person', { id: person.id }), undefined);
  assert.is((await people.signIn.logIn({ email: person.email, password }, people.visitor())).kind, 'wrong');
  assert.equal(
    people.mails.filter(({ to }) => to.address === person.email).map(({ kind }) => kind),
    ['account-erased'],
  );
  const entries = await people.audit('erase');
  const mine = entries.filter(({ actor, target }) => actor.id === person.id || target?.id === person.id);
  assert.ok(mine.length >= 4);
  assert.equal(mine[0]?.action, 'user.erase');
  for (const entry of mine) assert.is(entry.personal, null, entry.action);
  assert.not.match(JSON.stringify(entries), /Unforgotten/);
  const query = { organisation: 'erase', from: undefined, limit: 1000 };
  assert.ok((await people.store.read('auditVerify', query)).verdict.whole);
});

test('what an erased person ordered of gateways goes on, under the id that he leaves', async ({ people }) => {
  await people.organisation('ordered');
  const person = await people.person(['ordered']);
  const other = await people.person(['ordered'], { role: 'administrator' });
  await people.store.change({
    steps: [step('addDevice', { id: 'ordered-1', organisation: 'ordered', kind: 'gateway' })],
    audit: [],
  });
  const { devices } = await people.store.read('directory', {});
  const device = devices.find(({ id }) => id === 'ordered-1')?.number ?? 0;
  const order = (by: string) => {
    const of = { device, at: people.now, expires: people.now + day, by };
    return step('addCommand', { ...of, id: randomUUID(), command: '{"kind":"report"}', waiting: 9 }, 'some');
  };
  const desired = { device, revision: 'r1', configuration: '{}', at: people.now, by: person.email };
  await people.store.change({
    steps: [order(other.email), order(person.email), step('setDesired', desired, 'some')],
    audit: [],
  });
  const { principal, visitor } = await people.session(person);
  const { desiredConfigurations, commands } = await people.profiles.export(principal);
  const of = { organisation: 'ordered', device: 'ordered-1', created: new Date(people.now).toISOString() };
  assert.equal(desiredConfigurations, [{ ...of, revision: 'r1', configuration: {} }]);
  const [mine, ...others] = commands as { id: string }[];
  assert.equal([mine, others], [{ ...of, id: mine?.id, command: { kind: 'report' } }, []]);
  assert.is((await people.profiles.erase(principal, password, visitor)).kind, 'erased');
  const left = `user ${person.id}`;
  assert.equal(
    (await people.store.read('commands', { device })).map(({ by }) => by),
    [left, other.email],
  );
  assert.is((await people.store.read('desired', { device }))?.by, left);
});

test('the last administrator of an organisation is not erased, and the last operator of the fleet neither', async ({
  people,
}) => {
  await people.organisation('last');
  const one = await people.person(['last'], { role: 'administrator' });
  const kind = async (person: typeof one) => {
    const { principal, visitor } = await people.session(person);
    return (await people.profiles.erase(principal, password, visitor)).kind;
  };
  assert.is(await kind(one), 'last-administrator');
  assert.ok(await people.store.read('person', { id: one.id }));
  await people.person(['last'], { role: 'administrator' });
  assert.is(await kind(one), 'erased');
  const operator = await people.person([], { operator: 1 });
  assert.is(await kind(operator), 'last-administrator');
  await people.person([], { operator: 1 });
  assert.is(await kind(operator), 'erased');
});

test('of two administrators who erase themselves at once, one stays', async ({ people }) => {
  await people.organisation('both');
  const both = [
    await people.person(['both'], { role: 'administrator' }),
    await people.person(['both'], { role: 'administrator' }),
  ];
  const sessions = [];
  for (const one of both) sessions.push(await people.session(one));
  const outcomes = await Promise.all(
    sessions.map(({ principal, visitor }) => people.profiles.erase(principal, password, visitor)),
  );
  assert.equal(outcomes.map(({ kind }) => kind).sort(), ['erased', 'last-administrator']);
});

test.run();
