/**
 * Everything that can be done, by name: `<resource>.<action>`, the plural for collections. Every route, topic
 * and token asks for one of these, and nothing else decides.
 */
export const scopes = {
  'telemetry.deliver': 'deliver batches of readings',
  'health.deliver': "report a gateway's health and its own ledger",
  'reported.deliver': 'report what a gateway is configured to be',
  'result.deliver': 'say what became of a command',
  'clock.ask': 'ask for the time',
  'notice.receive': 'be told why a link is about to be closed',
  'desired.receive': 'be told what it is to be configured as',
  'command.receive': 'be given commands',
  'time.receive': 'be told the time',
  'session.get': 'see who one is',
  'gateways.get': 'list gateways',
  'gateways.create': 'take a gateway into the organisation, with a one-time enrolment secret',
  'ledger.get': "read a gateway's account: received = stored + duplicate + rejected",
  'series.get': 'list series with their latest readings',
  'readings.get': 'read the readings of a series',
  'events.get': 'read what happened to a gateway and its sensors',
  'live.get': 'follow readings as they are committed',
  'desired.get': 'read what a gateway is to be configured as, and what it made of that',
  'desired.set': 'say what a gateway is to be configured as',
  'commands.get': 'read the commands of a gateway and what became of them',
  'commands.create': 'give a gateway a command',
} as const;

export type Scope = keyof typeof scopes;

/** A named set of scopes. */
export const roles = {
  administrator: [
    'session.get',
    'gateways.get',
    'gateways.create',
    'ledger.get',
    'series.get',
    'readings.get',
    'events.get',
    'live.get',
    'desired.get',
    'desired.set',
    'commands.get',
    'commands.create',
  ],
  gateway: [
    'telemetry.deliver',
    'health.deliver',
    'reported.deliver',
    'result.deliver',
    'clock.ask',
    'notice.receive',
    'desired.receive',
    'command.receive',
    'time.receive',
  ],
} as const satisfies Record<string, readonly Scope[]>;

export type Role = keyof typeof roles;
