// @long
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { markFenced, readFleet, type Step, Store, step, surveyDatabase } from '../store/index.ts';
import { firstGateway } from '../store/test-store.ts';
import { promote } from './promote.ts';

const key = 'a5'.repeat(32);
const page = 'https://cloud.example.org';

const test = suite<{ folder: string; database: { file: string; key: string } }>('a copy that takes over');

test.before.each(async (context) => {
  context.folder = mkdtempSync(join(tmpdir(), 'loadline-promote-'));
  context.database = { file: join(context.folder, 'loadline.db'), key };
  const store = await Store.open(context.database, () => assert.unreachable());
  const member = {
    organisation: 'first',
    role: 'administrator',
    reach: 'organisation',
    customer: null,
  } as const;
  const person = (id: string, operator: 0 | 1) =>
    step('addPerson', {
      id,
      email: `${id}@example.org`,
      name: id,
      passwordHash: '$kept',
      operator,
      created: 1,
    });
  await store.change({
    steps: [
      ...firstGateway,
      ...[person('ann', 1), person('bo', 1), person('carl', 0)],
      step('addMember', { ...member, person: 'ann', called: 'Ann', created: 1, arrived: 7 }),
      step('addMember', { ...member, person: 'bo', called: 'Bo', created: 1, arrived: 7 }),
      step('addMember', { ...member, person: 'carl', called: 'Carl', created: 1, arrived: null }),
    ],
    audit: [],
  });
  await store.close();
});
test.after.each(({ folder }) => rmSync(folder, { recursive: true }));

/** Whom the store knows as operators, and who is what in the organisation. */
async function standing(database: { file: string; key: string }) {
  const store = await Store.open(database, () => assert.unreachable());
  try {
    const of = async (person: string) => ({
      memberships: (await store.read('standings', { person, now: 10_000 })).memberships.length,
      invitations: (await store.read('invitations', { person })).length,
    });
    return {
      operators: (await store.read('operators', {})).map(({ id }) => id),
      ann: await of('ann'),
      bo: await of('bo'),
      carl: await of('carl'),
    };
  } finally {
    await store.close();
  }
}

test('only a fenced one can', async ({ database }) => {
  await promote({ database, trusted: [], page, now: 1000 }).then(
    () => assert.unreachable(),
    (error: Error) => assert.match(error.message, /it is not fenced/),
  );
  assert.is(readFleet(database).counter, 1);
});

test('nothing changes where somebody is trusted whom it does not know', async ({ database }) => {
  markFenced(database, 500);
  const before = surveyDatabase(database);
  await promote({ database, trusted: ['ann@example.org', 'nobody@example.org'], page, now: 1000 }).then(
    () => assert.unreachable(),
    (error: Error) => assert.match(error.message, /nobody@example\.org/),
  );
  assert.equal(surveyDatabase(database), before);
});

test('who is trusted is what he was; all others are held, and those who were invited are too', async ({
  database,
}) => {
  markFenced(database, 500);
  const generation = readFleet(database).generation;
  const { fleet, ended, links } = await promote({ database, trusted: ['Ann@example.org'], page, now: 1000 });
  assert.equal([fleet.counter, fleet.since, fleet.fenced], [2, 1000, null]);
  assert.is.not(fleet.generation, generation);
  assert.equal(
    links.map(({ email }) => email),
    ['ann@example.org'],
  );
  assert.match(links[0]?.link ?? '', /^https:\/\/cloud\.example\.org\/#set-password=[\w-]{43}$/);
  assert.equal(
    [ended.passwordsAndFactors, ended.operators, ended.membershipsHeld, ended.devicesOff],
    [3, 2, 3, 1],
  );
  assert.equal(await standing(database), {
    operators: ['ann'],
    ann: { memberships: 1, invitations: 0 },
    bo: { memberships: 0, invitations: 0 },
    carl: { memberships: 0, invitations: 0 },
  });
});

test('certificates of gateways that had not ended are held back; all others stay as they are', async ({
  database,
}) => {
  const certificate = (fingerprint: string, over: object = {}) =>
    step('addCertificate', {
      ...{ fingerprint, subject: 'mast', serial: fingerprint, expires: 9000, profile: 'gateway' },
      ...{ issued: 1, issuer: null, issuedFor: 'secret', publicKey: new Uint8Array(), ...over },
    });
  const store = await Store.open(database, () => assert.unreachable());
  await store.change({
    steps: [
      certificate('good'),
      certificate('old', { profile: null }),
      certificate('over', { expires: 10 }),
      certificate('revoked'),
      step('endCertificate', { fingerprint: 'revoked', at: 5, reason: 'revoked' }),
      certificate('server', { profile: 'server', subject: 'localhost', issuedFor: 'cloud' }),
      step('claimUnit', { serial: 'board', organisation: 'first', counter: 7, at: 1 }),
    ],
    audit: [],
  });
  await store.close();
  markFenced(database, 500);
  assert.is((await promote({ database, trusted: [], page, now: 1000 })).ended.certificatesHeld, 3);
  const after = await Store.open(database, () => assert.unreachable());
  try {
    const all = (await after.read('directory', {})).certificates;
    assert.equal(Object.fromEntries(all.map((one) => [one.fingerprint, [one.revoked, one.reason]])), {
      good: [1000, 'restored'],
      old: [1000, 'restored'],
      over: [1000, 'restored'],
      revoked: [5, 'revoked'],
      server: [null, null],
    });
    const change = async (one: Step) => {
      const changed = await after.change({ steps: [one], audit: [] });
      assert.ok(changed.done);
      return changed.rows[0];
    };
    const readmitted = async (fingerprint: string) =>
      await change(step('readmitCertificate', { fingerprint, at: 2000 }));
    assert.equal(
      [await readmitted('over'), await readmitted('revoked'), await readmitted('good')],
      [0, 0, 1],
    );
    // What is held back can still end for good, and is not readmitted then.
    assert.is(await change(step('endCertificate', { fingerprint: 'old', at: 3, reason: 'superseded' })), 1);
    assert.is(await readmitted('old'), 0);
    // Vouchers that the lost cloud may have signed are below those of this one.
    assert.is((await after.read('unit', { serial: 'board' }))?.counter, 1007);
  } finally {
    await after.close();
  }
});

/**
 * Every table of the schema, and what becomes of it. Who adds one answers here: does a row of it open something, or make
 * somebody something, that may have been taken away since the backup? Then a step of the promotion ends it.
 */
const ends = [
  'access_grant',
  'api_token',
  'application_key',
  'certificate',
  'device',
  'device_credential',
  'enrolment',
  'factor_vote',
  'fleet',
  'link',
  'membership',
  'person',
  'person_session',
  'recovery_code',
];
const opensNothing: Readonly<Record<string, string>> = {
  application: 'its keys are off',
  own_role: 'says what members may do who are held',
  department: 'a place',
  customer: 'a place',
  membership_department: 'of memberships that are held',
  organisation: 'its policies are as old as the copy, and shown',
};

test('every table that opens something is thought of', ({ database }) => {
  markFenced(database, 500);
  const tables = Object.keys(surveyDatabase(database).tables);
  const missing = [...ends, ...Object.keys(opensNothing)].filter((table) => !tables.includes(table));
  assert.equal(missing, []);
  const others = tables.filter((table) => !ends.includes(table) && !(table in opensNothing));
  // What was measured, counted, logged or configured; whatever else comes to stand here opens nothing either.
  const suspicious = others.filter((table) =>
    /credential|session|token|key|secret|grant|link|member|certificate/.test(table),
  );
  assert.equal(suspicious, []);
});

test.run();
