import type { HealthMessage, PortLedger } from '@loadline/sdk/contract';
import type { BindingLedger } from '../bind/index.ts';
import type { Journal } from '../journal/index.ts';

/** Where the counters of a health message come from. */
export interface HealthSources {
  readonly journal: Pick<Journal, 'epoch' | 'held' | 'heldBytes' | 'dropped'>;
  readonly ports: readonly PortLedger[];
  readonly binding: BindingLedger;
  readonly uplink: {
    readonly inFlight: number;
    readonly connections: number;
    readonly lastDisconnect: string | undefined;
  };
  /** Seconds since the runtime started. */
  readonly uptimeSeconds: number;
}

/** The gateway's ledger as it is now. */
export function composeHealth({
  journal,
  ports,
  binding,
  uplink,
  uptimeSeconds,
}: HealthSources): HealthMessage {
  const { epoch, held, heldBytes, dropped } = journal;
  return {
    version: 1,
    epoch,
    uptimeSeconds,
    ports: [...ports],
    ...binding,
    journal: { held, heldBytes, dropped, inFlight: uplink.inFlight },
    connections: uplink.connections,
    ...(uplink.lastDisconnect !== undefined && { lastDisconnect: uplink.lastDisconnect }),
  };
}

/** What of a health message is news: everything but the passing of time. */
export function countersOf(message: HealthMessage): string {
  return JSON.stringify({ ...message, uptimeSeconds: 0 });
}
