/**
 * Everything that can be done, by name: `<resource>.<action>`, the plural for collections (`devices.get` lists,
 * `device.get` reads one). Every operation and topic asks for one of these, and nothing else decides.
 *
 * `of` says at what it is done: an organisation and what is in it, the fleet of organisations, or a gateway's own link.
 */
interface Meaning {
  readonly of: 'organisation' | 'fleet' | 'gateway';
  /** Only reads: `all.read` has it. */
  readonly reads: boolean;
  readonly does: string;
}

const read = (does: string) => ({ of: 'organisation', reads: true, does }) as const;
const write = (does: string) => ({ of: 'organisation', reads: false, does }) as const;
const fleetRead = (does: string) => ({ of: 'fleet', reads: true, does }) as const;
const fleetWrite = (does: string) => ({ of: 'fleet', reads: false, does }) as const;
const own = (does: string) => ({ of: 'gateway', reads: false, does }) as const;

export const scopes = {
  'organisation.get': read("read an organisation's name and policies"),
  'organisation.patch': write("change an organisation's name and policies"),
  'organisation.cut-off': write('end every session and token of an organisation that is older than now'),
  'users.get': read('list the people of an organisation, and what they are in it'),
  'users.create': write('take a person into an organisation'),
  'user.get': read('read what a person is in an organisation'),
  'user.patch': write("change a person's role, reach, departments or customer"),
  'user.cut-off': write("end a person's sessions and API tokens in an organisation that are older than now"),
  'user.delete': write("end a person's membership"),
  'user.invite': write('send a new set-password link to a person who has no password yet'),
  'user.reset-second-factor': write("vote to reset a person's lost second factor"),
  'roles.get': read('list roles and their scopes'),
  'roles.create': write('make a role'),
  'role.get': read('read a role'),
  'role.patch': write('change the name and scopes of an own role'),
  'role.delete': write('delete an own role that nobody has'),
  'departments.get': read('list departments'),
  'departments.create': write('make a department'),
  'department.get': read('read a department'),
  'department.patch': write('rename a department'),
  'department.delete': write('delete a department: its devices are unassigned then'),
  'customers.get': read('list customers'),
  'customers.create': write('make a customer'),
  'customer.get': read('read a customer'),
  'customer.patch': write('rename a customer'),
  'customer.delete': write('delete a customer without logins: its devices are the organisation’s own then'),
  'grants.get': read('list what the fleet operator has been granted'),
  'grants.create': write('grant a fleet operator a look at the organisation, for a time'),
  'grant.delete': write('end a grant'),
  'devices.get': read('list devices'),
  'devices.create': write('take a device into the organisation, with a one-time enrolment secret'),
  'device.get': read('read a device'),
  'device.patch': write('change the name, department or customer of a device, and switch it off and on'),
  'device.enrol': write('make a new one-time enrolment secret for a device'),
  'device.retire': write('retire a device for good'),
  'device-credentials.get': read('list what a device proves itself by, without its secrets'),
  'device-credentials.create': write('make a token or a key of a device'),
  'device-credential.get': read('read what a device proves itself by, without its secret'),
  'device-credential.patch': write('activate, deactivate or rename a token or a key of a device'),
  'device-credential.delete': write('revoke a token or a key of a device'),
  'certificates.get': read('list the certificates of a gateway'),
  'certificates.create': write('have a certificate issued for a gateway, as who provisions it'),
  'certificate.revoke': write('revoke a certificate of a gateway'),
  'certificate.readmit': write(
    'have a certificate of a gateway open again that is held back after a restore',
  ),
  'vouchers.create': write('make a voucher, by which a gateway takes the organisation for its owner'),
  'provisionings.get': read('read how a gateway was provisioned'),
  'provisionings.create': write('keep the record of a provisioning'),
  'units.get': read('list the boards that are the organisation’s'),
  'unit.release': write('release a board, so that another organisation can own it'),
  'updates.get': read('list which releases gateways run'),
  'update.get': read('read which release a gateway runs, is to run, and was offered'),
  'update.set': write('mark a gateway as a canary, or pin it to a release'),
  'update.retry': write('offer a gateway once more what it went back from or refused'),
  'ledger.get': read("read a device's account: received = stored + duplicate + rejected"),
  'rejections.get': read('list the deliveries of a device that were refused for good'),
  'rejection.get': read('read a delivery that was refused for good, as it came'),
  'series.get': read('list series with their latest readings'),
  'retention.patch': write('say how long the readings of a series are kept'),
  'readings.get': read('read the readings of a series'),
  'events.get': read('read what happened to a device and its sensors'),
  'alarms.get': read('read what the organisation is to look at: gateways whose identity is there twice'),
  'alarm.patch': write('say that an alarm is seen to'),
  'live.get': read('follow readings as they are committed'),
  'desired.get': read('read what a gateway is to be configured as, and what it made of that'),
  'desired.set': write('say what a gateway is to be configured as'),
  'commands.get': read('list the commands of a gateway and what became of them'),
  'commands.create': write('give a gateway a command'),
  'command.get': read('read a command of a gateway and what became of it'),
  'tokens.get': read('list API tokens, without their values'),
  'tokens.create': write('make an API token'),
  'token.get': read('read what an API token may do'),
  'token.patch': write('activate, deactivate or rename an API token'),
  'token.delete': write('revoke an API token'),
  'applications.get': read('list applications'),
  'applications.create': write('make an application'),
  'application.get': read('read an application'),
  'application.patch': write('change the name and devices of an application'),
  'application.delete': write('delete an application and its keys'),
  'application-keys.get': read('list the keys of an application, without their secrets'),
  'application-keys.create': write('make a key and secret of an application'),
  'application-key.get': read('read what a key may do'),
  'application-key.patch': write('activate, deactivate or rename a key'),
  'application-key.delete': write('revoke a key'),
  'usage.get': read('read what was used, and the records of sessions'),
  'limits.get': read('read what may be used, and how much of it is'),
  'limits.set': write('say what a device may use'),
  'audit.get': read('read, export and verify the audit log'),
  'blocks.get': read('list what is being guessed at, from where and how often'),
  'block.delete': write('end a block'),

  'organisations.get': fleetRead('list the organisations of the fleet, by name'),
  'organisations.create': fleetWrite('make an organisation and invite its first administrator'),
  'operators.get': fleetRead('list fleet operators'),
  'operators.create': fleetWrite('invite a fleet operator'),
  'operator.delete': fleetWrite('end a fleet operator'),
  'releases.get': fleetRead('list the releases that gateways can be updated to'),
  'releases.create': fleetWrite('add releases to the repository'),
  'release-file.set': fleetWrite('send a file of a release'),
  'repository.get': fleetRead('read how it stands with the repository of releases'),
  'rollouts.get': fleetRead('list rollouts of releases and how they go'),
  'rollouts.create': fleetWrite('begin to roll a release out'),
  'rollout.get': fleetRead('read a rollout and how it goes'),
  'rollout.patch': fleetWrite('widen a rollout, or pause, resume, finish or halt it'),
  'rollout.retry': fleetWrite('offer a release once more to gateways that went back from it'),
  'fleet-unit.release': fleetWrite('release a board for the organisation that owns it'),
  'fleet-usage.get': fleetRead('read what each organisation used'),
  'fleet-limits.get': fleetRead('read what an organisation may use'),
  'fleet-limits.set': fleetWrite('say what an organisation may use'),
  'fleet-audit.get': fleetRead('read, export and verify the audit log of the fleet'),
  'fleet-blocks.get': fleetRead('list what is being guessed at all over the fleet'),
  'fleet-block.delete': fleetWrite('end a block anywhere in the fleet'),

  'telemetry.deliver': own('deliver batches of readings'),
  'readings.deliver': own('deliver readings by name'),
  'health.deliver': own("report a gateway's health and its own ledger"),
  'reported.deliver': own('report what a gateway is configured to be'),
  'result.deliver': own('say what became of a command'),
  'updating.deliver': own('say what it runs, and how far it is with an update'),
  'clock.ask': own('ask for the time'),
  'notice.receive': own('be told why a link is about to be closed'),
  'desired.receive': own('be told what it is to be configured as'),
  'command.receive': own('be given commands'),
  'time.receive': own('be told the time'),
  'update.receive': own('be told which release it is to run'),
} as const satisfies Record<string, Meaning>;

export type Scope = keyof typeof scopes;

type Level<L extends Meaning['of']> = { [S in Scope]: (typeof scopes)[S]['of'] extends L ? S : never }[Scope];
/** What can be given to a role, a token or an application key. */
export type OrganisationScope = Level<'organisation'>;
export type FleetScope = Level<'fleet'>;
export type GatewayScope = Level<'gateway'>;

type ResourceOf<S extends string> = S extends `${infer Resource}.${string}` ? Resource : never;
/** A scope, all of a resource, everything, or everything that only reads. */
export type ScopePattern = OrganisationScope | `${ResourceOf<OrganisationScope>}.*` | 'all.*' | 'all.read';

const names = Object.keys(scopes) as Scope[];
/** Every scope that can be given in an organisation, in the order of the table. */
export const organisationScopes = names.filter(
  (one) => scopes[one].of === 'organisation',
) as OrganisationScope[];
export const fleetScopes = names.filter((one) => scopes[one].of === 'fleet') as FleetScope[];
/** What a device may do that is proven by a token, a key, or what a socket takes: it delivers. */
export const deviceScopes: readonly GatewayScope[] = [
  'telemetry.deliver',
  'readings.deliver',
  'notice.receive',
];
export const gatewayScopes = names.filter((one) => scopes[one].of === 'gateway') as GatewayScope[];

/** Every pattern there is. */
export const scopePatterns: readonly ScopePattern[] = [
  'all.*',
  'all.read',
  ...new Set(organisationScopes.map((one) => `${resourceOf(one)}.*` as ScopePattern)),
  ...organisationScopes,
];

/** The scopes that patterns stand for; a pattern that is none stands for nothing. */
export function expandScopes(patterns: readonly string[]): ReadonlySet<OrganisationScope> {
  return new Set(organisationScopes.filter((scope) => patterns.some((pattern) => standsFor(pattern, scope))));
}

function standsFor(pattern: string, scope: OrganisationScope): boolean {
  if (pattern === 'all.*' || pattern === scope) return true;
  if (pattern === 'all.read') return scopes[scope].reads;
  return pattern === `${resourceOf(scope)}.*`;
}

function resourceOf(scope: string): string {
  return scope.slice(0, scope.lastIndexOf('.'));
}

const seesReadings = ['series.get', 'readings.get', 'live.get'] as const;
const seesDevices = [
  ...seesReadings,
  'devices.get',
  'device.get',
  'events.get',
  'alarms.get',
  'ledger.get',
  'rejections.get',
  'rejection.get',
  'desired.get',
  'commands.get',
  'command.get',
  'updates.get',
  'update.get',
] as const;

/**
 * What whoever provisions gateways on site must have, and no more: an API token with these does all that
 * `loadline provision` does, `provision prepare` too.
 */
export const provisioningScopes = [
  'device.get',
  'devices.create',
  'device.enrol',
  'vouchers.create',
  'certificates.create',
  'provisionings.create',
  'ledger.get',
] as const satisfies readonly OrganisationScope[];

const worksOnDevices = [
  ...seesDevices,
  'organisation.get',
  'devices.create',
  'device.enrol',
  'vouchers.create',
  'certificates.create',
  'provisionings.create',
  'desired.set',
  'commands.create',
  'alarm.patch',
  'device-credentials.*',
  'device-credential.*',
  'certificates.get',
  'certificate.revoke',
  'provisionings.get',
  'units.get',
] as const;

/** The roles every organisation has: named sets of scopes. Others it makes itself. */
export const roles = {
  administrator: { of: 'organisation', scopes: ['all.*'] },
  'department-administrator': {
    of: 'organisation',
    scopes: [
      ...worksOnDevices,
      'device.patch',
      'device.retire',
      'update.set',
      'update.retry',
      'certificate.readmit',
      'unit.release',
      'retention.patch',
      'departments.get',
      'department.get',
      'customers.get',
      'customer.get',
      'roles.get',
      'role.get',
      'users.*',
      'user.*',
    ],
  },
  editor: {
    of: 'organisation',
    scopes: [
      ...worksOnDevices,
      'device.patch',
      'retention.patch',
      'departments.get',
      'department.get',
      'customers.get',
      'customer.get',
    ],
  },
  technician: { of: 'organisation', scopes: worksOnDevices },
  viewer: { of: 'organisation', scopes: [...seesDevices, 'organisation.get'] },
  'dashboards-only': { of: 'organisation', scopes: seesReadings },
  'customer-member': { of: 'customer', scopes: [...seesReadings, 'devices.get', 'device.get', 'events.get'] },
  'customer-moderator': { of: 'customer', scopes: [...seesDevices, 'device.patch'] },
  'customer-administrator': {
    of: 'customer',
    scopes: [...seesDevices, 'device.patch', 'users.*', 'user.*', 'roles.get'],
  },
} as const satisfies Record<string, { of: 'organisation' | 'customer'; scopes: readonly ScopePattern[] }>;

export type RoleName = keyof typeof roles;
