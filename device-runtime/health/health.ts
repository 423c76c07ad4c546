import type { ClockTrust, HealthMessage, PortLedger } from '@loadline/sdk/contract';

/** Frames, and what became of them; `frames = readings + copies + suppressed + other`. */
type FrameLedger = Pick<
  HealthMessage,
  'frames' | 'readings' | 'copies' | 'suppressed' | 'withheld' | 'other' | 'computed'
>;

/** Where the figures of a health message come from. Modules are handed in as they are: only what is named is read. */
export interface HealthSources {
  readonly journal: {
    readonly epoch: string;
    readonly held: number;
    readonly heldBytes: number;
    readonly dropped: number;
    readonly disk: {
      readonly state: HealthMessage['journal']['disk'];
      readonly written: number;
      readonly writtenToday: number;
    };
  };
  readonly ports: readonly PortLedger[];
  /** Of the binder and the sensors. */
  readonly binding: FrameLedger;
  readonly uplink: {
    readonly inFlight: number;
    readonly connections: number;
    /** The newest first. `at`: milliseconds of the monotonic clock. */
    readonly disconnects: readonly { readonly at: number; readonly reason: string }[];
    readonly windowBytes: number;
    readonly roundTripMs: number | null | undefined;
  };
  readonly time: KnownTime;
  /** Whole days until the certificate ends, at most; null while there is none. */
  readonly certificateDaysLeft: number | null;
  readonly process: HealthMessage['process'];
  /** Milliseconds of the monotonic clock: now, and when the runtime started. */
  readonly now: number;
  readonly startedAt: number;
}

/** As `Time` of ../clock has it. */
type KnownTime =
  | {
      readonly kind: 'known';
      readonly by: Exclude<ClockTrust, 'nobody'>;
      readonly wall: number;
      readonly uncertainty: number;
    }
  | { readonly kind: 'at-least'; readonly wall: number };

const disconnectsTold = 5;

/** The gateway's own account as it is now. */
export function composeHealth(sources: HealthSources): HealthMessage {
  const { journal, ports, uplink, time, certificateDaysLeft, now, startedAt } = sources;
  const { frames, readings, copies, suppressed, withheld, other, computed } = sources.binding;
  const { epoch, held, heldBytes, dropped, disk } = journal;
  const known = time.kind === 'known';
  return {
    version: 1,
    epoch,
    uptimeSeconds: Math.max(0, (now - startedAt) / 1000),
    ports: [...ports],
    frames,
    readings,
    copies,
    suppressed,
    withheld,
    other,
    computed,
    journal: {
      held,
      heldBytes,
      dropped,
      inFlight: uplink.inFlight,
      written: disk.written,
      writtenToday: disk.writtenToday,
      disk: disk.state,
    },
    uplink: {
      connections: uplink.connections,
      disconnects: uplink.disconnects.slice(0, disconnectsTold).map(({ at, reason }) => ({
        secondsAgo: Math.max(0, Math.round((now - at) / 1000)),
        reason: reason.slice(0, 200),
      })),
      windowBytes: Math.round(uplink.windowBytes),
      roundTripMs: uplink.roundTripMs ?? null,
    },
    clock: { trust: known ? time.by : 'nobody', uncertaintyMs: known ? Math.max(0, time.uncertainty) : null },
    certificate: { daysLeft: certificateDaysLeft },
    process: sources.process,
  };
}

/** This process's memory and processor time. */
export function processFigures(): HealthMessage['process'] {
  const { user, system } = process.cpuUsage();
  // Not memoryUsage(): that walks the heap for figures nobody asked for.
  return { residentBytes: process.memoryUsage.rss(), cpuSeconds: (user + system) / 1e6 };
}

/** What of a health message is news: what was counted, and not the passing of time. */
export function countersOf(message: HealthMessage): string {
  const { ports, frames, readings, copies, suppressed, withheld, other, computed } = message;
  const { held, heldBytes, dropped, inFlight, disk } = message.journal;
  return JSON.stringify([
    message.epoch,
    ports,
    [frames, readings, copies, suppressed, withheld, other, computed],
    [held, heldBytes, dropped, inFlight, disk],
    message.uplink.connections,
    message.clock.trust,
    message.certificate.daysLeft,
  ]);
}
