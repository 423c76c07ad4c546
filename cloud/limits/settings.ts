import type { DeviceLimits, OrganisationLimits } from '@loadline/sdk/api';
import type { GaugeLimits } from './gauge.ts';

/** Rates and quotas of what is delivered, and of being connected. */
type Delivered = Exclude<keyof GaugeLimits, 'requestsPerSecond' | 'connections' | 'connectionsPerMinute'>;

/** What limits are where nothing else is set: of the fleet, by its operator's file (`config.ts`). */
export interface FleetLimits {
  /** How many seconds' worth of a rate may come at once. */
  readonly burstSeconds: number;
  readonly device: DeviceLimits;
  readonly organisation: OrganisationLimits;
  /** Of each API token, session of a person, and credential of a device. */
  readonly credential: Pick<GaugeLimits, Delivered | 'requestsPerSecond' | 'connectionsPerMinute'>;
  /** Of one IPv4 address, or one /64 of IPv6. */
  readonly address: Pick<GaugeLimits, Delivered | 'connections' | 'connectionsPerMinute'> & {
    /** Addresses that have no such limits, in CIDR notation: what stands before the cloud, or tests it. */
    readonly exempt: readonly string[];
  };
  /** Of all doors together. */
  readonly cloud: { readonly connections: number; readonly connectionsPerSecond: number };
}

/** Generous: they stop who has run wild, and nobody who measures. Quotas are for the operator to set. */
export const usualLimits: FleetLimits = {
  burstSeconds: 10,
  device: { messagesPerSecond: 20_000, readingsPerSecond: 2_000_000, connectionsPerMinute: 600 },
  organisation: { messagesPerSecond: 200_000, readingsPerSecond: 20_000_000, requestsPerSecond: 1000 },
  credential: { messagesPerSecond: 20_000, requestsPerSecond: 200 },
  address: {
    messagesPerSecond: 50_000,
    connections: 2000,
    connectionsPerMinute: 1200,
    exempt: ['127.0.0.0/8', '::1/128'],
  },
  cloud: { connections: 30_000, connectionsPerSecond: 1000 },
};

/** What holds where somebody has set something of it: what he has not is as usual. */
export function settled<T extends object>(
  usual: T,
  set: { readonly [K in keyof T]?: T[K] | undefined } | undefined,
): T {
  if (set === undefined) return usual;
  const said = Object.entries(set).filter(([, value]) => value !== undefined);
  return { ...usual, ...Object.fromEntries(said) };
}

/** Names of limits by which `wanted` would let more through than `most` does. */
export function beyond(wanted: GaugeLimits, most: GaugeLimits): string[] {
  return (Object.keys(wanted) as (keyof GaugeLimits)[]).filter((name) => {
    const [own, whole] = [wanted[name], most[name]];
    if (own === undefined || whole === undefined || whole === null) return false;
    return own === null || own > whole;
  });
}
