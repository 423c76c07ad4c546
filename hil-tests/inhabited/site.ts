import { randomBytes } from 'node:crypto';
import { until } from '../rig/index.ts';
import { batchMaker } from '../scenarios/batches.ts';
import type { CloudProcess } from '../system/index.ts';
import { connectGateway, enrolIdentity } from '../system/mqtt-gateway.ts';
import { Caller } from './caller.ts';
import { furnish, type Home, Maker, type Part } from './home.ts';
import { Loot } from './loot.ts';
import { Mails } from './mails.ts';
import { arrive, elsewhere, enableFactor, enter, type Person, type Town } from './person.ts';

/** Who calls, in the order of the columns of the matrix. */
export const roles = [
  'administrator',
  'department-administrator',
  'editor',
  'technician',
  'viewer',
  'dashboards-only',
  'customer-member',
  'customer-moderator',
  'customer-administrator',
  // Own roles: everything, in one department; and two scopes, in the whole organisation.
  'own-everything',
  'own-narrow',
  'operator',
  'operator-granted',
  'token-all',
  'token-read-only',
  'token-custom',
  'token-devices',
  'token-tags',
  // A session that lacks its second factor; a member of an organisation that asks everyone for one, who has none.
  'pending',
  'without-factor',
] as const;
export type Role = (typeof roles)[number];

/** The tag of the readings that the devices of the first organisation have sent. */
export const tag = '1000';

/** A cloud that people live in: two organisations with something of everything, and somebody of every role. */
export interface Site extends Town {
  /** The first operator, who administrates the first organisation. */
  readonly chief: Person;
  readonly first: Home;
  readonly other: Home;
  /** Asks everyone for a second factor. */
  readonly careful: Home;
  readonly makers: Readonly<Record<'first' | 'other' | 'careful', Maker>>;
  /** People by their roles; of tokens, who made them. */
  readonly people: Readonly<Record<Role, Person>>;
  readonly callers: Readonly<Record<Role, Caller>>;
  /** Who a role is in the audit log: a person, or a token. */
  readonly actors: Readonly<Record<Role, string>>;
  /** The second factor of `pending`. */
  readonly factor: { readonly secret: string; readonly recoveryCodes: readonly string[] };
  /** What each device of the first organisation has delivered. */
  readonly delivered: Readonly<Record<Part, Delivered>>;
  close(): void;
}

const staff = {
  administrator: 'organisation',
  'department-administrator': 'departments',
  editor: 'departments',
  technician: 'departments',
  viewer: 'organisation',
  'dashboards-only': 'departments',
  'customer-member': 'customer',
  'customer-moderator': 'customer',
  'customer-administrator': 'customer',
  'own-everything': 'departments',
  'own-narrow': 'organisation',
} as const;

const ownRoles: Partial<Record<Role, string[]>> = {
  'own-everything': ['all.*'],
  'own-narrow': ['devices.get', 'device.enrol'],
};

const tokens = {
  'token-all': { scopes: ['all.*'] },
  'token-read-only': { scopes: ['all.read'] },
  'token-custom': { scopes: ['devices.get', 'device.get', 'commands.*', 'tokens.create'] },
  'token-devices': {
    scopes: ['all.*'],
    devices: ['first-own', 'first-spare', 'first-to-retire', 'first-to-release'],
  },
  'token-tags': { scopes: ['all.*'], tags: [tag] },
} as const;

/** Takes everybody in. The cloud has been set up, and nothing else; `state` is its folder. */
export async function inhabit(cloud: CloudProcess, state: string): Promise<Site> {
  // Its log is to hold none of them, whatever the test is about: `stop` fails where it does.
  const loot = new Loot(({ kind, value }) => cloud.service.watchFor(value, `a secret: ${kind}`));
  loot.add('password', cloud.login.password);
  const town: Town = { cloud, loot, mails: new Mails(state) };
  const chief = await enter(new Caller({ cloud, loot }), cloud.login);
  const mailOf = (name: string) => `${name}@people.example`;
  for (const id of ['other', 'careful']) {
    const administrator = { email: mailOf(`${id}-administrator`), name: `${id} administrator` };
    await chief.caller.get('createOrganisation', { body: { id, name: `${id} organisation`, administrator } });
  }
  for (const name of ['operator', 'operator-granted']) {
    await chief.caller.get('createOperator', { body: { email: mailOf(name), name } });
  }
  const [otherAdministrator, carefulAdministrator, ...operators] = await Promise.all(
    ['other-administrator', 'careful-administrator', 'operator', 'operator-granted'].map((name) =>
      arrive(town, mailOf(name)),
    ),
  );
  const [operator, granted] = operators as [Person, Person];
  const first = await furnish(town, { id: 'first', administrator: chief, chief });
  const other = await furnish(town, { id: 'other', administrator: otherAdministrator as Person, chief });
  const careful = await furnish(town, {
    id: 'careful',
    administrator: carefulAdministrator as Person,
    chief,
  });

  const organisation = first.id;
  for (const [id, scopes] of Object.entries(ownRoles)) {
    await chief.caller.get('createRole', { organisation, body: { id, name: `first ${id}`, scopes } });
  }
  const takeIn = async (name: string, role: string, reach: 'organisation' | 'departments' | 'customer') => {
    await chief.caller.get('createUser', {
      organisation,
      body: {
        ...{ email: mailOf(name), name: `first ${name}`, role, reach },
        departments: reach === 'departments' ? [first.departments.own] : [],
        customer: reach === 'customer' ? first.customers.own : null,
      },
    });
  };
  for (const [role, reach] of Object.entries(staff)) await takeIn(role, role, reach);
  await takeIn('pending', 'administrator', 'organisation');
  const arrived = await Promise.all(
    [...Object.keys(staff), 'pending'].map(async (name) => [name, await arrive(town, mailOf(name))] as const),
  );
  const people = Object.fromEntries(arrived) as Record<Role, Person>;

  const factor = await enableFactor(people.pending);
  const pending = { ...people.pending, caller: await elsewhere(town, people.pending) };
  await chief.caller.get('createGrant', {
    organisation,
    body: { operator: granted.email, role: 'administrator', reason: 'first is to be looked at', hours: 1 },
  });
  await careful.administrator.caller.get('patchOrganisation', {
    organisation: careful.id,
    body: { secondFactor: 'everyone' },
  });

  const { administrator } = people;
  const values: Partial<Record<Role, { id: string; caller: Caller }>> = {};
  for (const [name, limits] of Object.entries(tokens)) {
    const body = { name: `first ${name}`, days: 1, ...limits, scopes: [...limits.scopes] };
    const { id, value } = await administrator.caller.get('createToken', {
      organisation,
      body: body as never,
    });
    values[name as Role] = { id, caller: new Caller({ cloud, loot, token: value }) };
  }
  const all = {
    ...people,
    operator,
    'operator-granted': granted,
    pending,
    'without-factor': careful.administrator,
  };
  const of = <T>(value: (role: Role) => T) =>
    Object.fromEntries(roles.map((role) => [role, value(role)])) as Record<Role, T>;
  const site: Site = {
    ...{ ...town, chief, first, other, careful, factor },
    makers: {
      first: new Maker(town, { ...first, chief }),
      other: new Maker(town, { ...other, chief }),
      careful: new Maker(town, { ...careful, chief }),
    },
    people: of((role) => all[role] ?? administrator),
    callers: of((role) => values[role]?.caller ?? all[role].caller),
    actors: of((role) => values[role]?.id ?? all[role].id),
    delivered: await deliver(cloud, first),
    close: () => {
      for (const { caller } of [chief, ...Object.values(all)]) caller.close();
      for (const { caller } of Object.values(values)) caller.close();
    },
  };
  return site;
}

/** Deliveries of one device: the epoch of one that is stored, the id of one that was refused, and of the alarm of two. */
interface Delivered {
  readonly epoch: string;
  readonly alarm: string;
  readonly rejection: string;
}

/** Has the devices of an organisation send readings, something that is refused, and what two with one card would send. */
async function deliver(
  cloud: CloudProcess,
  { devices, administrator, id: organisation }: Home,
): Promise<Record<Part, Delivered>> {
  const delivered = await Promise.all(
    Object.entries(devices).map(async ([part, device]) => {
      const gateway = await connectGateway(cloud.mqttPort, await enrolIdentity(cloud, device));
      await gateway.publishAsync(`v1/gw/${device}/telemetry`, Buffer.from(batchMaker()()), { qos: 1 });
      await gateway.publishAsync(`v1/gw/${device}/telemetry`, Buffer.from('no batch'), { qos: 1 });
      const parent = randomBytes(16).toString('hex');
      for (const maker of [batchMaker({ parent }), batchMaker({ parent })]) {
        await gateway.publishAsync(`v1/gw/${device}/telemetry`, Buffer.from(maker()), { qos: 1 });
      }
      await gateway.endAsync();
      const ledger = await administrator.caller.get('getLedger', { organisation, device });
      const { items } = await administrator.caller.get('listRejections', { organisation, device });
      const alarm = await until(
        async () =>
          (await administrator.caller.get('listAlarms', { organisation, query: { device } })).items[0],
        { what: `the alarm of ${device}` },
      );
      const { epoch = '' } = ledger.epochs[0] ?? {};
      return [part, { epoch, alarm: alarm.id, rejection: items[0]?.id ?? '' }];
    }),
  );
  return Object.fromEntries(delivered) as Record<Part, Delivered>;
}
