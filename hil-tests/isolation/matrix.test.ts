// @time-limit 600 s
// Every operation of the API, called by everybody, on his own, and on what is another's: who gets what is in matrix.txt.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Operation, type OperationId, operations } from '@loadline/sdk/api';
import type Database from 'better-sqlite3-multiple-ciphers';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Answer, Caller, freshAddress } from '../inhabited/caller.ts';
import { elsewhere } from '../inhabited/person.ts';
import { inhabit, type Role, roles, type Site } from '../inhabited/site.ts';
import { openStateDatabase } from '../scenarios/state-database.ts';
import { type TemporaryCloud, temporaryCloud } from '../scenarios/temporary-cloud.ts';
import { letterOf, ready } from './attempt.ts';
import { Place } from './place.ts';
import { samples } from './samples.ts';
import { stories } from './stories.ts';
import {
  type Case,
  cases,
  isPublic,
  isUnsafe,
  type Letter,
  type Matrix,
  nameOf,
  parse,
  type Row,
} from './table.ts';
import { changed, Traces } from './traces.ts';

const test = suite('who may do what');

const ids = Object.keys(operations) as OperationId[];

/** @throws Error with the first of the faults, where there are any */
function none(faults: readonly string[]): void {
  const shown = faults.slice(0, 30).map((fault) => fault.slice(0, 400));
  if (faults.length > 0) throw new Error(`${faults.length} faults:\n${shown.join('\n')}`);
}

let temporary: TemporaryCloud;
let site: Site;
let database: Database.Database;
let traces: Traces;
let matrix: Matrix;

test.before(async () => {
  matrix = parse(readFileSync(join(import.meta.dirname, 'matrix.txt'), 'utf8'));
  temporary = await temporaryCloud();
  site = await inhabit(temporary.cloud, temporary.state);
  database = openStateDatabase(temporary.state);
  traces = new Traces(database);
});
test.after(async () => {
  database?.close();
  site?.close();
  await temporary.end();
});

const advice = 'run `npm run matrix -- --write`, and read every line that changed before you commit it';

test('every operation has its lines in the matrix, or is named there as public, and nothing else is', () => {
  const wanted = cases().map(nameOf);
  const [missing, left] = [
    wanted.filter((name) => !matrix.rows.has(name)),
    [...matrix.rows.keys()].filter((name) => !wanted.includes(name)),
  ];
  assert.equal(missing, [], `no line in matrix.txt: ${missing.join('; ')}. ${advice}`);
  assert.equal(left, [], `lines in matrix.txt of what is no case: ${left.join('; ')}. ${advice}`);
  assert.equal(ids.filter(isPublic), matrix.publics, `public operations: ${advice}`);
  assert.ok(![...matrix.rows.values()].some((row) => Object.values(row).includes('!')), 'a line has a 5xx');
});

/** Strings that no answer to a role may hold: what is of another organisation, and of another part of one's own. */
function hidden(role: Role): RegExp {
  const isOperator = role.startsWith('operator');
  const other = isOperator
    ? /other-(own|department|customer)|@other\.example/
    : /other[- ](own|department|customer|role|organisation)|@other\.example|other-administrator/;
  const part: Partial<Record<Role, string>> = {
    ...Object.fromEntries(
      ['department-administrator', 'editor', 'technician', 'dashboards-only', 'own-everything'].map((one) => [
        one,
        'first-department|department-[0-9a-f-]{36}@first|first department B',
      ]),
    ),
    ...Object.fromEntries(
      ['customer-member', 'customer-moderator', 'customer-administrator'].map((one) => [
        one,
        'first-customer|customer-[0-9a-f-]{36}@first|first customer L|own-[0-9a-f-]{36}@first',
      ]),
    ),
    'token-devices': 'first-department|first-customer|@first',
    'token-tags': '@first',
  };
  return part[role] === undefined ? other : new RegExp(`${other.source}|${part[role]}`);
}

test('everybody gets what the matrix says, and no more; a refusal changes nothing, and what is done is in the audit log', async () => {
  const faults: string[] = [];
  const patterns = new Map(roles.map((role) => [role, hidden(role)]));
  for (const one of cases()) {
    const row = matrix.rows.get(nameOf(one));
    if (row === undefined) continue;
    const judge = (role: Role, answer: Answer) => {
      const letter = letterOf(one, answer);
      if (letter !== row[role])
        faults.push(`${nameOf(one)}: ${role} gets ${letter}, not ${row[role]}: ${answer.body}`);
      const found = answer.status < 300 && patterns.get(role)?.exec(answer.body);
      if (found) faults.push(`${nameOf(one)}: ${role} is shown ${found[0]}`);
    };
    await tryRefused(one, row, judge, faults);
    await tryDone(one, row, judge, faults);
  }
  none(faults);
});

/** Letters behind which nothing is made: all these may be asked at once, of what stands there. */
const idle: readonly Letter[] = ['-', '.', 'f', 'a'];

async function tryRefused(
  one: Case,
  row: Row,
  judge: (role: Role, answer: Answer) => void,
  faults: string[],
): Promise<void> {
  const asked = roles.filter((role) => !isUnsafe(one.operation) || idle.includes(row[role]));
  const attempts = await Promise.all(
    asked.map((role) => ready(site, one, { role, isFresh: false, isAsked: false })),
  );
  const before = traces.digests();
  const answers = await Promise.all(attempts.map(({ send }) => send()));
  const tables = changed(before, traces.digests());
  if (tables.length > 0) faults.push(`${nameOf(one)}: what was refused, or only read, changed ${tables}`);
  for (const [at, role] of asked.entries()) judge(role, answers[at] as Answer);
}

async function tryDone(
  one: Case,
  row: Row,
  judge: (role: Role, answer: Answer) => void,
  faults: string[],
): Promise<void> {
  if (!isUnsafe(one.operation)) return;
  for (const role of roles.filter((role) => !idle.includes(row[role]))) {
    const { send } = await ready(site, one, { role, isFresh: true, isAsked: false });
    const before = row[role] === '+' ? undefined : traces.digests();
    const newest = traces.newest();
    const answer = await send();
    judge(role, answer);
    const entries = traces.entriesSince(newest).filter(({ actor }) => actor === site.actors[role]);
    if (before === undefined) {
      if (!entries.some(({ outcome }) => outcome === 'done')) {
        faults.push(`${nameOf(one)}: ${role} did it, and it is not in the audit log`);
      }
      continue;
    }
    const tables = changed(before, traces.digests());
    if (tables.length > 0) faults.push(`${nameOf(one)}: ${role} was refused, and it changed ${tables}`);
  }
}

/** Roles that may most, each of its kind: what stops these stops the others before. */
const mighty: readonly Role[] = [
  ...(['administrator', 'customer-administrator', 'own-everything', 'operator-granted'] as const),
  ...(['token-all', 'token-devices', 'without-factor'] as const),
];

/** Everything of an answer that could tell something. */
function face({ status, headers, body }: Answer): string {
  const passing = /^(date|connection|keep-alive|x-ratelimit-(remaining|reset))$/;
  const told = Object.entries(headers).filter(([name]) => !passing.test(name));
  return JSON.stringify([status, told, body]);
}

test('what is of another organisation is, for everybody, as if there were no such organisation', async () => {
  const faults: string[] = [];
  for (const operation of ids.filter((id) =>
    operations[id].path.startsWith('/organisations/:organisation'),
  )) {
    const way = samples[operation].plain as (place: Place) => object | Promise<object>;
    const inputs = await Promise.all(
      roles.map((role) => way(new Place({ site, home: 'other', part: 'own', role, isFresh: false }))),
    );
    const before = traces.digests();
    await Promise.all(
      roles.map(async (role, at) => {
        const [input, caller] = [inputs[at], site.callers[role]];
        const there = await caller.call(operation, input as never);
        const expected = role === 'pending' ? 403 : 404;
        if (there.status !== expected)
          faults.push(`${operation}: ${role} gets ${there.status} ${there.body}`);
        if (!mighty.includes(role)) return;
        const nowhere = await caller.call(operation, { ...input, organisation: 'nowhere' } as never);
        if (face(there) !== face(nowhere)) {
          faults.push(`${operation}: ${role} can tell: ${face(there)} and ${face(nowhere)}`);
        }
      }),
    );
    const tables = changed(before, traces.digests());
    if (tables.length > 0) faults.push(`${operation}: it changed ${tables}`);
  }
  none(faults);
});

test('ids of another organisation name nothing in one’s own: not in a path, and not in a body', async () => {
  const faults: string[] = [];
  const foreign = JSON.stringify([
    site.other.devices,
    site.other.members,
    site.other.departments,
    site.other.customers,
  ]);
  const [role, token, application, key, grant] = [
    site.other.role,
    site.other.token,
    site.other.application,
    site.other.key,
    site.other.grant,
  ];
  const theirs = new Set([...foreign.matchAll(/":"([^"]+)"/g)].map(([, id]) => id as string));
  for (const id of [role, token, application, key, grant]) theirs.add(id);
  const holds = (value: unknown): boolean =>
    typeof value === 'string'
      ? theirs.has(value)
      : typeof value === 'object' && value !== null && Object.values(value).some(holds);
  let tried = 0;
  for (const operation of ids.filter((id) =>
    operations[id].path.startsWith('/organisations/:organisation'),
  )) {
    for (const way of Object.values(samples[operation]) as ((place: Place) => object | Promise<object>)[]) {
      const inputs = await Promise.all(
        mighty.map((role) => way(new Place({ site, home: 'other', part: 'own', role, isFresh: false }))),
      );
      const before = traces.digests();
      await Promise.all(
        mighty.map(async (role, at) => {
          const input = { ...inputs[at], organisation: role === 'without-factor' ? 'careful' : 'first' };
          if (!holds(input)) return;
          tried += 1;
          const answer = await site.callers[role].call(operation, input as never);
          if (answer.status < 400) faults.push(`${operation}: ${role} gets ${answer.status} ${answer.body}`);
          const unknown = Object.entries(input).map(([name, value]) => [
            name,
            typeof value === 'string' && theirs.has(value) ? nobodys(value) : value,
          ]);
          const nowhere = await site.callers[role].call(operation, Object.fromEntries(unknown) as never);
          if (face(answer) !== face(nowhere)) {
            faults.push(
              `${operation}: ${role} can tell: ${answer.status} and ${nowhere.status} ${answer.body}`,
            );
          }
        }),
      );
      const tables = changed(before, traces.digests());
      if (tables.length > 0) faults.push(`${operation}: it changed ${tables}`);
    }
  }
  assert.ok(tried > 200, String(tried));
  none(faults);
});

/** An id of the same form that nothing has. */
function nobodys(id: string): string {
  if (/^[0-9a-f]{8}-/.test(id)) return '00000000-0000-4000-8000-000000000000';
  return id.startsWith('app_') ? `app_${'0'.repeat(24)}` : 'no-such-thing';
}

test('what is out of reach is as if it were not there', async () => {
  const faults: string[] = [];
  const nothing = { device: 'no-such-device', user: '00000000-0000-4000-8000-000000000000' };
  for (const one of cases().filter(({ part, attempt }) => part !== 'own' && attempt === 'plain')) {
    const row = matrix.rows.get(nameOf(one)) as Row;
    const parameter = /:device/.test(operations[one.operation].path) ? 'device' : 'user';
    if (!operations[one.operation].path.includes(`:${parameter}`)) continue;
    await Promise.all(
      roles
        .filter((role) => row[role] === '.' || row[role] === 'f')
        .map(async (role) => {
          const { input, send } = await ready(site, one, { role, isFresh: false, isAsked: false });
          const unknown = { ...input, [parameter]: nothing[parameter] };
          const [there, nowhere] = [
            await send(),
            await site.callers[role].call(one.operation, unknown as never),
          ];
          if (face(there) !== face(nowhere)) {
            faults.push(`${nameOf(one)}: ${role} can tell: ${face(there)} and ${face(nowhere)}`);
          }
        }),
    );
  }
  none(faults);
});

test('nobody, and whoever was somebody, gets 401 from everything that is not public', async () => {
  const { cloud, chief, first, people } = site;
  const organisation = first.id;
  const { caller } = people.administrator;
  const made = async () =>
    caller.get('createToken', { organisation, body: { name: 'ended', scopes: ['all.*'], days: 1 } });
  const [expired, revoked, inactive] = [await made(), await made(), await made()];
  await caller.get('deleteToken', { organisation, token: revoked.id });
  await caller.get('patchToken', { organisation, token: inactive.id, body: { status: 'inactive' } });
  database.prepare('UPDATE api_token SET expires = 1 WHERE id = ?').run(expired.id);
  const late = await elsewhere(site, people.viewer);
  const left = await elsewhere(site, people.viewer);
  const [lateToken, leftToken] = [late.session as string, left.session as string];
  const sessions = await late.get('listOwnSessions', {});
  const current = sessions.items.find((one) => one.current)?.id;
  database.prepare('UPDATE person_session SET expires = 1 WHERE id = ?').run(current);
  await left.get('logOut', {});

  const proofs = {
    nobody: {},
    'an expired session': { cookie: `__Host-loadline-session=${lateToken}` },
    'a session that was ended': { cookie: `__Host-loadline-session=${leftToken}` },
    'a session that never was': {
      cookie: '__Host-loadline-session=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
    },
    'an expired token': { authorization: `Bearer ${expired.value}` },
    'a revoked token': { authorization: `Bearer ${revoked.value}` },
    'a token that was switched off': { authorization: `Bearer ${inactive.value}` },
    'a token that was changed': { authorization: `Bearer ${revoked.value.slice(0, -6)}AAAAAA` },
    'a password as a token': { authorization: `Bearer ${chief.password}` },
    'another scheme': {
      authorization: `Basic ${Buffer.from(`${chief.email}:${chief.password}`).toString('base64')}`,
    },
  };
  const faults: string[] = [];
  const passer = new Caller({ cloud });
  for (const operation of ids.filter((id) => !isPublic(id))) {
    const { method }: Operation = operations[operation];
    const place = new Place({ site, home: 'first', part: 'own', role: 'administrator', isFresh: false });
    const input = await (samples[operation].plain as (place: Place) => object)(place);
    const before = traces.digests();
    await Promise.all(
      Object.entries(proofs).map(async ([what, proof]) => {
        // Whoever shows a token that is not good is held up, by his address: each call is from another one.
        const isToken = 'authorization' in proof;
        const stranger = isToken ? new Caller({ cloud, address: freshAddress(), connections: 1 }) : passer;
        const answer = await stranger.call(operation, input as never, proof as Record<string, string>);
        if (isToken) stranger.close();
        const code = answer.body === '' ? '' : JSON.parse(answer.body).code;
        if (answer.status !== 401 || code !== 'unauthenticated') {
          faults.push(`${method} ${operation}: ${what} gets ${answer.status} ${answer.body.slice(0, 200)}`);
        }
      }),
    );
    const tables = changed(before, traces.digests());
    if (tables.length > 0) faults.push(`${operation}: it changed ${tables}`);
  }
  passer.close();
  none(faults);
});

test('a session alone changes nothing: a request that came from another page, or does not say, is refused', async () => {
  const faults: string[] = [];
  const caller = site.callers.administrator;
  const before = traces.digests();
  for (const operation of ids.filter((id) => isUnsafe(id) && !isPublic(id))) {
    const place = new Place({ site, home: 'first', part: 'own', role: 'administrator', isFresh: false });
    const input = await (samples[operation].plain as (place: Place) => object)(place);
    for (const origin of ['https://evil.example', 'null', `http://${caller.host}`, '']) {
      const answer = await caller.call(operation, input as never, { origin });
      const code = JSON.parse(answer.body).code;
      if (answer.status !== 403 || code !== 'origin-refused') {
        faults.push(`${operation}: with Origin "${origin}" ${answer.status} ${answer.body}`);
      }
    }
  }
  const tables = changed(before, traces.digests());
  if (tables.length > 0) faults.push(`it changed ${tables}`);
  none(faults);
});

test('what the matrix only admits, and what anybody may call, is done once for good', async () => {
  const faults: string[] = [];
  const done = await stories(site, traces);
  for (const [id, { answer, entries }] of Object.entries(done)) {
    const { status, method }: Operation = operations[id as OperationId];
    if (answer.status !== status) faults.push(`${id}: ${answer.status} ${answer.body}`);
    const isSilent = method === 'GET' || Object.hasOwn(silent, id);
    if (!isSilent && !entries.some(({ outcome }) => outcome === 'done')) {
      faults.push(`${id}: it was done, and is not in the audit log`);
    }
  }
  none(faults);
});

/** What changes something and is in no audit log, and why. */
const silent: Partial<Record<OperationId, string>> = {
  readLink: 'it reads: the secret of a link does not belong into an address, so it is a POST',
};

test.run();
