import { createSecretKey, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { type Standing, standingOf } from '../access/index.ts';
import { Authentications } from '../audit/index.ts';
import { Guard } from '../guard/index.ts';
import { Directory } from '../router/index.ts';
import { type AuditDraft, Store, step } from '../store/index.ts';
import {
  ApiTokens,
  ApplicationKeys,
  Applications,
  KeyHolders,
  type Maker,
  TokenBearers,
  Uses,
} from './index.ts';
import { makeTestRealm } from './test-realm.ts';

/** Two organisations with people and devices in a database on disk, for the tests of what programs show. */

export const dayMs = 86_400_000;
/** Where requests of these tests come from. */
export const here = { source: '192.0.2.7' };

export type Site = Awaited<ReturnType<typeof openSite>>;

export async function openSite() {
  const realm = await makeTestRealm();
  const clock = realm.kept;
  const now = () => clock.now;
  const folder = mkdtempSync(join(tmpdir(), 'loadline-tokens-'));
  const database = { file: join(folder, 'loadline.db'), key: 'a5'.repeat(32) };
  const store = await Store.open(database, assert.unreachable);
  const [ann, ben, cleo] = [randomUUID(), randomUUID(), randomUUID()];
  const [pier, quay] = [randomUUID(), randomUUID()];
  const person = (id: string, name: string) =>
    step('addPerson', {
      id,
      email: `${name}@example.org`,
      name,
      passwordHash: null,
      operator: 0,
      created: now(),
    });
  const member = (organisation: string, id: string, role: string, reach: 'organisation' | 'departments') =>
    step('addMember', {
      organisation,
      person: id,
      called: '',
      created: now(),
      arrived: now(),
      role,
      reach,
      customer: null,
    });
  const device = (id: string, organisation: string, department: string | null) => [
    step('addDevice', { id, organisation, kind: 'gateway' }),
    step('setDevicePlace', { id, organisation, name: null, department, customer: null }),
  ];
  const set = await store.change({
    steps: [
      step('createOrganisation', { id: 'first', name: 'First', created: now() }),
      step('createOrganisation', { id: 'second', name: 'Second', created: now() }),
      step('addDepartment', { organisation: 'first', id: pier, name: 'Pier' }),
      step('addDepartment', { organisation: 'first', id: quay, name: 'Quay' }),
      ...device('mast', 'first', pier),
      ...device('crane', 'first', quay),
      ...device('theirs', 'second', null),
      person(ann, 'ann'),
      person(ben, 'ben'),
      person(cleo, 'cleo'),
      member('first', ann, 'administrator', 'organisation'),
      step('addOwnRole', {
        organisation: 'first',
        id: 'maker',
        name: 'Maker',
        scopes: JSON.stringify([
          'tokens.*',
          'token.*',
          'applications.*',
          'application.*',
          'application-keys.*',
          'application-key.*',
          'live.get',
          'events.get',
          'device.get',
        ]),
      }),
      member('first', ben, 'maker', 'departments'),
      step('addMemberDepartment', { organisation: 'first', person: ben, department: pier }),
      member('second', cleo, 'administrator', 'organisation'),
    ],
    audit: [],
  });
  assert.ok(set.done);
  const directory = await Directory.load(store);
  const guard = new Guard({
    nameKey: createSecretKey(Buffer.alloc(32, 1)),
    deviceKeys: [createSecretKey(Buffer.alloc(32, 2))],
    now,
    onAlarm: () => undefined,
    onBlock: () => undefined,
    onUnblock: () => undefined,
  });
  const uses = new Uses({ store, now });
  const authentications = new Authentications({ store, now });
  const { keys } = realm;
  const tokens = new ApiTokens({ realm, store, directory });
  const bearers = new TokenBearers({ realm, store, guard, uses, authentications });
  const applications = new Applications({ store, directory, now });
  const applicationKeys = new ApplicationKeys({ store, keys, applications, directory, now });
  const holders = new KeyHolders({ store, keys, guard, uses, authentications, now });

  /** What a person is in an organisation now. */
  async function standing(id: string, organisation = 'first'): Promise<Standing> {
    const { memberships } = await store.read('standings', { person: id, now: now() });
    const membership = memberships.find((one) => one.organisation.id === organisation);
    if (membership === undefined) throw new Error('he is nothing there');
    const row = await store.read('person', { id });
    return standingOf(membership, { secondFactor: (row?.factorSecret ?? null) !== null });
  }
  const entryOf =
    (id: string, organisation: string): Maker['entry'] =>
    (what = {}): AuditDraft => ({
      organisation,
      at: now(),
      actor: { kind: 'user', id },
      channel: 'https',
      action: 'test.change',
      target: null,
      outcome: 'done',
      code: null,
      before: null,
      after: null,
      personal: null,
      ...what,
    });

  return {
    folder,
    database,
    store,
    realm,
    clock,
    keys,
    directory,
    guard,
    uses,
    authentications,
    tokens,
    bearers,
    applications,
    applicationKeys,
    holders,
    people: { ann, ben, cleo },
    departments: { pier, quay },
    standing,
    /** A person as one who makes tokens. */
    async maker(id: string, organisation = 'first'): Promise<Maker> {
      const entry = entryOf(id, organisation);
      const again = () => standing(id, organisation);
      return { standing: await again(), again, person: id, token: null, entry };
    },
    /** A token as one who makes tokens. */
    async byToken(value: string): Promise<Maker> {
      const shown = await bearers.principal(value, here);
      if (shown.kind !== 'principal') throw new Error(`the token is ${shown.kind}`);
      const { id, creator, standing: own } = shown.principal;
      const entry = entryOf(creator, own.organisation.id);
      return { standing: own, again: async () => own, person: creator, token: id, entry };
    },
    /** All entries of a chain; null: the fleet's. */
    async entries(organisation: string | null) {
      const { entries } = await store.read('audit', { organisation, limit: 1000 });
      return entries;
    },
    async close() {
      await uses.flush();
      await authentications.close();
      await store.close();
      clock.remove();
      rmSync(folder, { recursive: true });
    },
  };
}

/** What was done; fails where it was refused. */
export function done<T>(result: { kind: 'done'; value: T } | { kind: 'refused'; detail: string }): T {
  if (result.kind === 'done') return result.value;
  throw new Error(`refused: ${result.detail}`);
}
