// Whatever lets somebody in, ending it ends what is open by it, within 2 s of the answer that says so, on every door.
import { randomUUID } from 'node:crypto';
import type { RoleName } from '@loadline/sdk/api';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Caller, freshAddress } from '../inhabited/caller.ts';
import { follow, type Key, linkUp, type Open } from '../inhabited/followers.ts';
import { arrive, elsewhere, enableFactor, type Person } from '../inhabited/person.ts';
import { inhabit, type Site } from '../inhabited/site.ts';
import { until } from '../rig/index.ts';
import { awakeMilliseconds } from '../system/index.ts';
import { type TemporaryCloud, temporaryCloud } from './temporary-cloud.ts';

const test = suite('revocation');

/** What the product promises, in ms from the answer to the request that revokes. */
const promised = 2000;

/** Something to be revoked: what is open by it, how it is revoked, and what the next request gets then. */
interface Revocation {
  readonly open: readonly Open[];
  readonly revoke: () => Promise<unknown>;
  /** Status of a request, or return code of a CONNECT, after that; `refused` of a CONNECT that failed. */
  readonly next: () => Promise<(number | string)[]>;
  readonly refused: readonly (number | string)[];
}

let temporary: TemporaryCloud;
let site: Site;
const callers: Caller[] = [];

const organisation = 'first';

/** Takes somebody in, for the whole of the first organisation. */
async function newcomer(role: RoleName | string): Promise<Person> {
  const email = `${randomUUID()}@people.example`;
  const body = { email, name: 'A newcomer', role, reach: 'organisation' as const };
  await site.chief.caller.get('createUser', { organisation, body });
  const person = await arrive(site, email);
  callers.push(person.caller);
  return person;
}

async function again(person: Person): Promise<Caller> {
  const caller = await elsewhere(site, person);
  callers.push(caller);
  return caller;
}

async function tokenOf(person: Person, where = organisation): Promise<{ id: string; caller: Caller }> {
  const body = { name: 'to be revoked', scopes: ['all.*'], days: 1 };
  const { id, value } = await person.caller.get('createToken', { organisation: where, body });
  const caller = new Caller({ cloud: site.cloud, loot: site.loot, token: value });
  callers.push(caller);
  return { id, caller };
}

const stream = (caller: Caller, where = organisation) => follow(site.cloud, caller, where);

/** What each gets now who could follow before. Each asks from an address of its own. */
const asking = (...who: Caller[]) =>
  Promise.all(
    who.map((caller) =>
      caller.call('listSeries', { organisation: where(caller) }).then(({ status }) => status),
    ),
  );
const elsewhereOf = new Map<Caller, string>();
const where = (caller: Caller) => elsewhereOf.get(caller) ?? organisation;

async function keyed(): Promise<{ application: string; key: Key; link: Open }> {
  const { caller } = site.chief;
  const { id: application } = await caller.get('createApplication', {
    organisation,
    body: { name: `application ${randomUUID()}` },
  });
  const key = await caller.get('createApplicationKey', { organisation, application, body: { name: 'key' } });
  const link = await linkUp(site.cloud, key, freshAddress());
  await link.client.subscribeAsync('v1/org/first/devices/+/readings');
  return { application, key, link };
}

const connecting = (key: Key) => async () => [
  await linkUp(site.cloud, key, freshAddress()).then(
    (link) => {
      link.close();
      return 'connected';
    },
    () => 'refused',
  ),
];

const revocations: Record<string, () => Promise<Revocation>> = {
  'logging out ends the session': async () => {
    const { caller } = await newcomer('viewer');
    return {
      open: [await stream(caller), await stream(caller)],
      revoke: () => caller.get('logOut', {}),
      next: () => asking(caller),
      refused: [401],
    };
  },
  'the owner ends a session of his from another device': async () => {
    const person = await newcomer('viewer');
    const other = await again(person);
    const { items } = await other.get('listOwnSessions', {});
    const session = items.find(({ current }) => !current)?.id ?? '';
    return {
      open: [await stream(person.caller)],
      revoke: () => other.get('endOwnSession', { session }),
      next: () => asking(person.caller),
      refused: [401],
    };
  },
  'a cut-off of one’s own ends every other session and every token': async () => {
    const person = await newcomer('administrator');
    const [other, token] = [await again(person), await tokenOf(person)];
    return {
      open: [await stream(other), await stream(token.caller)],
      revoke: () => person.caller.get('cutOffSelf', {}),
      next: () => asking(other, token.caller, person.caller),
      refused: [401, 401, 200],
    };
  },
  'a new password ends every other session': async () => {
    const person = await newcomer('viewer');
    const other = await again(person);
    const body = { current: person.password, password: randomUUID() };
    return {
      open: [await stream(other)],
      revoke: () => person.caller.get('changePassword', { body }),
      next: () => asking(other, person.caller),
      refused: [401, 200],
    };
  },
  'a second factor ends every session that never gave one': async () => {
    const person = await newcomer('viewer');
    const other = await again(person);
    return {
      open: [await stream(other)],
      revoke: () => enableFactor(person),
      next: () => asking(other, person.caller),
      refused: [401, 200],
    };
  },
  'an organisation’s cut-off ends, in it, every session and token': async () => {
    const { administrator } = site.other;
    const token = await tokenOf(administrator, 'other');
    elsewhereOf.set(administrator.caller, 'other');
    elsewhereOf.set(token.caller, 'other');
    return {
      open: [await stream(administrator.caller, 'other'), await stream(token.caller, 'other')],
      revoke: () => administrator.caller.get('cutOffOrganisation', { organisation: 'other' }),
      next: () => asking(administrator.caller, token.caller),
      refused: [404, 401],
    };
  },
  'a token is revoked': async () => {
    const person = await newcomer('administrator');
    const token = await tokenOf(person);
    return {
      open: [await stream(token.caller)],
      revoke: () => person.caller.get('deleteToken', { organisation, token: token.id }),
      next: () => asking(token.caller),
      refused: [401],
    };
  },
  'a token is switched off': async () => {
    const person = await newcomer('administrator');
    const token = await tokenOf(person);
    const body = { status: 'inactive' as const };
    return {
      open: [await stream(token.caller)],
      revoke: () => person.caller.get('patchToken', { organisation, token: token.id, body }),
      next: () => asking(token.caller),
      refused: [401],
    };
  },
  'the end of a membership ends what its person and his tokens follow': async () => {
    const person = await newcomer('administrator');
    const token = await tokenOf(person);
    return {
      open: [await stream(person.caller), await stream(token.caller)],
      revoke: () => site.chief.caller.get('deleteUser', { organisation, user: person.id }),
      next: () => asking(person.caller, token.caller),
      refused: [404, 401],
    };
  },
  'a person is cut off in an organisation': async () => {
    const person = await newcomer('administrator');
    const token = await tokenOf(person);
    return {
      open: [await stream(person.caller), await stream(token.caller)],
      revoke: () => site.chief.caller.get('cutOffUser', { organisation, user: person.id }),
      next: () => asking(person.caller, token.caller),
      refused: [404, 401],
    };
  },
  'a role loses a scope': async () => {
    const id = `follower-${randomUUID().slice(0, 8)}`;
    const by = site.chief.caller;
    await by.get('createRole', {
      organisation,
      body: { id, name: id, scopes: ['live.get', 'series.get', 'tokens.create'] },
    });
    const person = await newcomer(id);
    const { value } = await person.caller.get('createToken', {
      organisation,
      body: { name: 'to be narrowed', scopes: ['live.get', 'series.get'], days: 1 },
    });
    const program = new Caller({ cloud: site.cloud, loot: site.loot, token: value });
    callers.push(program);
    return {
      open: [await stream(person.caller), await stream(program)],
      revoke: () => by.get('patchRole', { organisation, role: id, body: { scopes: ['devices.get'] } }),
      next: () => asking(person.caller, program),
      refused: [403, 403],
    };
  },
  'the end of a grant ends what the fleet operator follows': async () => {
    const operator = site.people['operator-granted'];
    const by = site.chief.caller;
    const { items } = await by.get('listGrants', { organisation });
    const grant = items.find((one) => one.operator.id === operator.id)?.id ?? '';
    return {
      open: [await stream(operator.caller)],
      revoke: () => by.get('deleteGrant', { organisation, grant }),
      next: () => asking(operator.caller),
      refused: [404],
    };
  },
  'the end of a fleet operator ends his grants': async () => {
    const by = site.chief.caller;
    const operator = site.people.operator;
    const body = { operator: operator.email, role: 'viewer', reason: 'to be ended', hours: 1 };
    await by.get('createGrant', { organisation, body });
    return {
      open: [await stream(operator.caller)],
      revoke: () => by.get('deleteOperator', { user: operator.id }),
      next: () => asking(operator.caller),
      refused: [404],
    };
  },
  'a person is erased': async () => {
    const person = await newcomer('administrator');
    const [other, token] = [await again(person), await tokenOf(person)];
    const body = { password: person.password };
    return {
      open: [await stream(other), await stream(token.caller), await stream(person.caller)],
      revoke: () => person.caller.get('eraseSelf', { body }),
      next: () => asking(other, token.caller, person.caller),
      refused: [401, 401, 401],
    };
  },
  'an application key is revoked': async () => {
    const { application, key, link } = await keyed();
    return {
      open: [link],
      revoke: () => site.chief.caller.get('deleteApplicationKey', { organisation, application, key: key.id }),
      next: connecting(key),
      refused: ['refused'],
    };
  },
  'an application key is switched off': async () => {
    const { application, key, link } = await keyed();
    const body = { status: 'inactive' as const };
    return {
      open: [link],
      revoke: () =>
        site.chief.caller.get('patchApplicationKey', { organisation, application, key: key.id, body }),
      next: connecting(key),
      refused: ['refused'],
    };
  },
  'an application is deleted': async () => {
    const { application, key, link } = await keyed();
    return {
      open: [link],
      revoke: () => site.chief.caller.get('deleteApplication', { organisation, application }),
      next: connecting(key),
      refused: ['refused'],
    };
  },
};

/** What became of one: ms to the end of each thing that was open, and what the next requests got. */
interface Outcome {
  readonly ends: readonly (number | undefined)[];
  readonly next: readonly (number | string)[];
  readonly refused: readonly (number | string)[];
}
const outcomes = new Map<string, Outcome>();

/** What is open by what nobody revokes: it must live on. */
let kept: Open[];

async function play({ open, revoke, next, refused }: Revocation): Promise<Outcome> {
  await revoke();
  const answered = awakeMilliseconds();
  const got = await next();
  // Longer than promised, so that what comes late is told by how much.
  await until(() => open.every(({ ended }) => ended !== undefined)).catch(() => {});
  for (const one of open) one.close();
  return {
    ends: open.map(({ ended }) => (ended === undefined ? ended : ended - answered)),
    next: got,
    refused,
  };
}

test.before(async () => {
  temporary = await temporaryCloud();
  site = await inhabit(temporary.cloud, temporary.state);
  const bystander = await newcomer('viewer');
  kept = [await stream(bystander.caller), (await keyed()).link];
  const names = Object.keys(revocations);
  const ready = await Promise.all(names.map((name) => revocations[name]?.() as Promise<Revocation>));
  const played = await Promise.all(ready.map(play));
  for (const [at, name] of names.entries()) outcomes.set(name, played[at] as Outcome);
});
test.after(async () => {
  for (const one of kept ?? []) one.close();
  for (const caller of callers) caller.close();
  site?.close();
  await temporary.end();
});

for (const name of Object.keys(revocations)) {
  test(`${name}: within 2 s, and from the next request on`, () => {
    const { ends, next, refused } = outcomes.get(name) as Outcome;
    assert.equal(next, refused);
    for (const milliseconds of ends) {
      assert.ok(milliseconds !== undefined && milliseconds <= promised, `open for ${milliseconds} ms`);
    }
  });
}

test('what nobody revoked is open still', () => {
  assert.equal(
    kept.map(({ ended }) => ended),
    [undefined, undefined],
  );
});

test.run();
