import { createHook } from 'node:async_hooks';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { step } from '../store/index.ts';
import { isPassword } from './passwords.ts';
import { day, hour, minute, otherPassword, password, TestPeople } from './test-people.ts';

const test = suite<{ people: TestPeople }>('signing in');

test.before(async (context) => {
  context.people = await TestPeople.open();
  await context.people.organisation('acme');
});
test.after(({ people }) => people.close());

/** Computations of argon2 that were begun while something ran: each is a piece of work of a native library. */
async function computations(work: () => Promise<unknown>): Promise<number> {
  let begun = 0;
  const hook = createHook({
    init(_id, type) {
      if (type === 'undefined') begun++;
    },
  }).enable();
  try {
    await work();
  } finally {
    hook.disable();
  }
  return begun;
}

test('the right password opens a session that its token speaks for', async ({ people }) => {
  const person = await people.person(['acme']);
  const { token, state, device } = await people.logIn(person);
  assert.is(state, 'open');
  assert.type(device, 'string');
  const principal = await people.principal(token);
  assert.is(principal.id, person.id);
  assert.not(principal.pending);
  assert.equal([...principal.standings.keys()], ['acme']);
  assert.is(await people.sessions.principal(`${token.slice(1)}A`), undefined);
});

test('the answer to an unknown address is that of a known one, and costs the same', async ({ people }) => {
  const person = await people.person(['acme']);
  const unset = await people.person(['acme']);
  await forgetPassword(people, unset.id);
  // The first computation makes the decoy.
  await isPassword(undefined, 'any');
  assert.is(await computations(() => isPassword(undefined, 'any')), 1, 'the count counts');
  const tries = [person.email, 'nobody@example.org', 'not an address', unset.email];
  const seen = [];
  for (const email of tries) {
    people.asked.length = 0;
    let answer: unknown;
    const count = await computations(async () => {
      answer = await people.signIn.logIn({ email, password: 'wrong-wrong-wrong-1' }, people.visitor());
    });
    seen.push({ answer, count, asked: [...people.asked] });
    people.now += hour;
  }
  for (const one of seen) {
    assert.equal(one, {
      answer: { kind: 'wrong' },
      count: 1,
      asked: ['read personByEmail', 'change'],
    });
  }
});

test('somebody who has no password yet gets in with none', async ({ people }) => {
  const person = await people.person(['acme']);
  await forgetPassword(people, person.id);
  for (const word of ['', password]) {
    assert.equal(await people.signIn.logIn({ email: person.email, password: word }, people.visitor()), {
      kind: 'wrong',
    });
  }
});

test('the guard answers for known and unknown addresses alike, whatever the password', async ({ people }) => {
  const person = await people.person(['acme']);
  const answersTo = async (email: string, source: string) => {
    const answers = [];
    for (let attempt = 0; attempt < 6; attempt++) {
      const word = attempt === 5 ? password : 'wrong-wrong-wrong-1';
      answers.push(await people.signIn.logIn({ email, password: word }, people.visitor({ source })));
    }
    return answers;
  };
  const known = await answersTo(person.email, '198.51.100.1');
  assert.equal(known, await answersTo('nobody-at-all@example.org', '198.51.100.2'));
  assert.is(known.at(-1)?.kind, 'held');
});

test('the owner gets in on his usual device while somebody else guesses', async ({ people }) => {
  const person = await people.person(['acme']);
  const { device } = await people.logIn(person);
  for (let attempt = 0; attempt < 40; attempt++) {
    const subject = { kind: 'account', name: person.email } as const;
    const answer = people.guard.ask({ subject, source: `203.0.113.${attempt}` });
    if (answer.go) people.guard.failed(answer.permit);
  }
  const stranger = people.visitor({ source: '203.0.113.99' });
  assert.is((await people.signIn.logIn({ email: person.email, password }, stranger)).kind, 'held');
  assert.is((await people.logIn(person, people.visitor({ device }))).state, 'open');
});

test('a sign-in from an unknown device is told by mail, one from a known device is not', async ({
  people,
}) => {
  const person = await people.person(['acme']);
  const { device } = await people.logIn(person, people.visitor({ agent: 'Firefox on a tablet' }));
  assert.is(people.mail('new-sign-in', person)?.device, 'Firefox on a tablet');
  people.mails.length = 0;
  await people.logIn(person, people.visitor({ device }));
  assert.is(people.mail('new-sign-in', person), undefined);
});

test('every attempt is in the audit logs of the organisations, an unknown one in the fleet’s', async ({
  people,
}) => {
  await people.organisation('beta');
  const person = await people.person(['acme', 'beta']);
  await people.logIn(person);
  await people.signIn.logIn({ email: person.email, password: 'wrong-wrong-wrong-1' }, people.visitor());
  for (const organisation of ['acme', 'beta']) {
    const [failed, done] = await people.audit(organisation);
    assert.is(failed?.action, 'session.create');
    assert.is(failed?.outcome, 'refused');
    assert.is(failed?.code, 'unauthenticated');
    assert.equal(failed?.target, { kind: 'user', id: person.id });
    assert.equal(failed?.personal, { email: person.email, agent: 'test', source: '192.0.2.1' });
    assert.is(done?.outcome, 'done');
    assert.equal(done?.actor, { kind: 'user', id: person.id });
  }
  await people.signIn.logIn({ email: 'stranger@example.org', password }, people.visitor());
  const [unknown] = await people.audit(null);
  assert.is(unknown?.outcome, 'refused');
  assert.is(unknown?.target, null);
  assert.equal(unknown?.personal, { email: 'stranger@example.org', agent: 'test', source: '192.0.2.1' });
});

test('a password typed into the wrong field is in no log', async ({ people }) => {
  await people.signIn.logIn({ email: otherPassword.toLowerCase(), password }, people.visitor());
  const log = JSON.stringify(await people.audit(null));
  assert.not.match(log, otherPassword.toLowerCase());
  assert.not.match(log, password);
});

test('a login that was under way when the password changed opens nothing', async ({ people }) => {
  const person = await people.person(['acme']);
  const { token: known, principal, visitor } = await people.session(person);
  const row = await people.store.read('person', { id: person.id });
  if (row?.passwordHash == null) return assert.unreachable();
  const opening = people.sessions.opening({ ...row, passwordHash: row.passwordHash }, visitor, false);
  const change = { known, current: password, password: otherPassword };
  assert.is((await people.passwords.change(principal, change, visitor)).kind, 'changed');
  assert.not((await people.store.change({ steps: opening.steps, audit: [] })).done);
  assert.is(await people.sessions.principal(opening.token), undefined);
});

test('a session ends twelve hours after the login, however much it is used', async ({ people }) => {
  const person = await people.person(['acme']);
  const { token } = await people.logIn(person);
  for (let passed = 1; passed < 24; passed++) {
    people.now += hour / 2;
    await people.principal(token);
    await settled(people, token);
  }
  people.now += hour / 2 - 1;
  assert.ok(await people.sessions.principal(token));
  people.now += 1;
  assert.is(await people.sessions.principal(token), undefined);
});

test('a session that nobody uses ends after an hour', async ({ people }) => {
  const person = await people.person(['acme']);
  const { token } = await people.logIn(person);
  people.now += hour - 1;
  assert.ok(await people.sessions.principal(token));
  people.now += hour;
  assert.is(await people.sessions.principal(token), undefined);
});

test('when a session was last used is written once a minute at most', async ({ people }) => {
  const person = await people.person(['acme']);
  const { token } = await people.logIn(person);
  people.asked.length = 0;
  for (let second = 0; second < 59; second++) {
    people.now += 1000;
    await people.principal(token);
  }
  assert.is(people.asked.filter((one) => one === 'change').length, 0);
  people.now += 1000;
  await Promise.all([people.principal(token), people.principal(token), people.principal(token)]);
  assert.is(people.asked.filter((one) => one === 'change').length, 1);
});

test('a person’s cut-off ends every other session, and gives this one another token', async ({ people }) => {
  const person = await people.person(['acme']);
  const other = await people.logIn(person);
  const { token, principal, visitor } = await people.session(person);
  people.now += minute;
  const before = people.store.changes;
  const next = await people.sessions.cutOff(principal, token, visitor);
  assert.ok(people.store.changes > before);
  assert.is(await people.sessions.principal(other.token), undefined);
  assert.is(await people.sessions.principal(token), undefined);
  assert.is((await people.principal(next as string)).session, principal.session);
});

test('a session from before an organisation’s cut-off loses what it opened there, and nothing elsewhere', async ({
  people,
}) => {
  await people.organisation('cut');
  const person = await people.person(['acme', 'cut']);
  const { token, principal, visitor } = await people.session(person);
  people.now += minute;
  await people.store.change({
    steps: [step('cutOffOrganisation', { organisation: 'cut', at: people.now })],
    audit: [],
  });
  assert.equal([...(await people.principal(token)).standings.keys()], ['acme']);
  // Another token for the same session is no new login.
  people.now += minute;
  const next = (await people.sessions.cutOff(principal, token, visitor)) as string;
  assert.equal([...(await people.principal(next)).standings.keys()], ['acme']);
  assert.equal(
    [...(await people.principal((await people.logIn(person)).token)).standings.keys()],
    ['acme', 'cut'],
  );
});

test('a session from before its person was cut off in an organisation opens nothing there, also not by a grant', async ({
  people,
}) => {
  await people.organisation('cut-one');
  const person = await people.person(['acme', 'cut-one'], { operator: 1 });
  const other = await people.person(['cut-one']);
  const [mine, theirs] = [await people.session(person), await people.session(other)];
  const grant = { organisation: 'cut-one', person: person.id, role: 'viewer', reason: 'to look' };
  const times = { created: people.now, expires: people.now + day };
  people.now += minute;
  await people.store.change({
    steps: [
      step('addGrant', { id: 'cut-one-grant', ...grant, ...times }),
      step('cutOffMember', { organisation: 'cut-one', person: person.id, at: people.now }, 'some'),
    ],
    audit: [],
  });
  const opened = async (token: string) => [...(await people.principal(token)).standings.keys()].sort();
  assert.equal(await opened(mine.token), ['acme']);
  assert.equal(await opened(theirs.token), ['cut-one']);
  people.now += minute;
  assert.equal(await opened((await people.logIn(person)).token), ['acme', 'cut-one']);
});

test('a person lists his sessions and ends them one by one, and nobody else’s', async ({ people }) => {
  const [person, stranger] = [await people.person(['acme']), await people.person(['acme'])];
  const one = await people.session(person);
  people.now += minute;
  const other = await people.session(person);
  const theirs = await people.session(stranger);
  assert.equal(
    (await people.sessions.list(person.id)).map(({ id }) => id),
    [other.principal.session, one.principal.session],
  );
  assert.not(await people.sessions.end(one.principal, theirs.principal.session, one.visitor));
  assert.ok(await people.sessions.end(one.principal, other.principal.session, one.visitor));
  assert.is(await people.sessions.principal(other.token), undefined);
  await people.sessions.logOut(one.token, people.visitor());
  assert.is(await people.sessions.principal(one.token), undefined);
  assert.ok(await people.sessions.principal(theirs.token));
});

test('a session that has ended is forgotten at the next login, with the address it came from', async ({
  people,
}) => {
  const person = await people.person(['acme']);
  await people.logIn(person);
  people.now += day;
  await people.logIn(person);
  assert.is((await people.sessions.list(person.id)).length, 1);
});

/** As it is of who has not used his first link yet. */
async function forgetPassword({ store }: TestPeople, person: string): Promise<void> {
  const passwordHash = null as unknown as string;
  assert.ok((await store.change({ steps: [step('setPassword', { person, passwordHash })], audit: [] })).done);
}

/** Waits until the last use of a session is written. */
async function settled(people: TestPeople, token: string): Promise<void> {
  for (;;) {
    // Asked anew each time: while one time is being written, no other is.
    const { id, session } = await people.principal(token);
    const seen = (await people.sessions.list(id)).find((one) => one.id === session)?.seen ?? 0;
    if (people.now - seen < minute) return;
  }
}

test.run();
