/**
 * MQTT topics, once for both ends (wire contract, version 1).
 *
 *     v1/gw/<gateway id>/telemetry | health | reported | result | clock | updating   gateway -> cloud
 *     v1/gw/<gateway id>/notice | desired | command | time | update                 cloud -> gateway
 *
 *     v1/dev/<device id>/telemetry | json | senml | senml-cbor               device with a key -> cloud
 *     v1/dev/<device id>/notice                                              cloud -> device with a key
 *
 *     v1/org/<organisation>/devices/<device id>/readings | events | alarms   cloud -> application
 *     v1/org/<organisation>/notice                                           cloud -> application
 *
 * `clock` asks for the time, `time` answers: on one topic, whoever asks would hear himself. Events have no topic of their
 * own: they are numbered and travel in `telemetry`.
 */

/** What a gateway may publish. */
export const upChannels = ['telemetry', 'health', 'reported', 'result', 'clock', 'updating'] as const;
/** What a gateway may subscribe to. */
export const downChannels = ['notice', 'desired', 'command', 'time', 'update'] as const;

/** What a device with a key may publish: a batch, or readings by name in the form that the channel is called by. */
export const deviceUpChannels = ['telemetry', 'json', 'senml', 'senml-cbor'] as const;
/** What it may subscribe to. */
export const deviceDownChannels = ['notice'] as const;

/** What an application may follow of a device. */
export const applicationChannels = ['readings', 'events', 'alarms'] as const;

/** The user name by which a gateway states the epoch of its journal at CONNECT; it has no password, and proves nothing. */
export function epochUser(epoch: string): string {
  return `epoch:${epoch}`;
}

/** The epoch that a user name states; undefined where it states none. */
export function statedEpoch(user: string | undefined): string | undefined {
  return /^epoch:([0-9a-f]{32})$/.exec(user ?? '')?.[1];
}

export type ApplicationChannel = (typeof applicationChannels)[number];
export type UpChannel = (typeof upChannels)[number];
export type DownChannel = (typeof downChannels)[number];
export type DeviceUpChannel = (typeof deviceUpChannels)[number];
export type DeviceChannel = DeviceUpChannel | (typeof deviceDownChannels)[number];
export type GatewayChannel = UpChannel | DownChannel;

/** A topic of the contract, taken apart. */
export interface GatewayTopic {
  readonly gateway: string;
  readonly channel: GatewayChannel;
}

/** What an id must be that can name a gateway. */
export const gatewayIdPattern = /^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$/;
const channels: readonly string[] = [...upChannels, ...downChannels];
const deviceChannels: readonly string[] = [...deviceUpChannels, ...deviceDownChannels];

/**
 * Whether `id` can name a gateway: 1..64 of a-z, 0-9 and inner hyphens. Such an id is safe as a topic level,
 * as a certificate's common name and as a file name.
 */
export function isGatewayId(id: string): boolean {
  return gatewayIdPattern.test(id);
}

/** The topic of one gateway's channel. */
export function gatewayTopic(gateway: string, channel: GatewayChannel): string {
  return `v1/gw/${gateway}/${channel}`;
}

/** Takes a topic apart; undefined for everything that is not exactly a topic of a gateway (wildcards too). */
export function parseTopic(topic: string): GatewayTopic | undefined {
  const [gateway, channel] = levelsBelow('v1/gw', topic, channels) ?? [];
  return gateway === undefined ? undefined : { gateway, channel: channel as GatewayChannel };
}

/** The topic of one channel of a device with a key. */
export function deviceTopic(device: string, channel: DeviceChannel): string {
  return `v1/dev/${device}/${channel}`;
}

/** Takes a topic apart; undefined for everything that is not exactly a topic of a device with a key (wildcards too). */
export function parseDeviceTopic(
  topic: string,
): { readonly device: string; readonly channel: DeviceChannel } | undefined {
  const [device, channel] = levelsBelow('v1/dev', topic, deviceChannels) ?? [];
  return device === undefined ? undefined : { device, channel: channel as DeviceChannel };
}

function levelsBelow(
  prefix: string,
  topic: string,
  known: readonly string[],
): [id: string, channel: string] | undefined {
  const [version, kind, id, channel, ...rest] = topic.split('/');
  if (`${version}/${kind}` !== prefix || rest.length > 0) return undefined;
  if (id === undefined || channel === undefined) return undefined;
  return isGatewayId(id) && known.includes(channel) ? [id, channel] : undefined;
}

/** What every topic of an organisation's applications begins with. */
export function applicationPrefix(organisation: string): string {
  return `v1/org/${organisation}/`;
}

/** The topic on which applications hear of a device. */
export function applicationTopic(organisation: string, device: string, channel: ApplicationChannel): string {
  return `${applicationPrefix(organisation)}devices/${device}/${channel}`;
}

/** The topic on which an application is told why its link ends, or what it has missed. */
export function applicationNoticeTopic(organisation: string): string {
  return `${applicationPrefix(organisation)}notice`;
}
