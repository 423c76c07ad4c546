import { stat } from 'node:fs/promises';
import type { DoorName, Measured } from './metrics.ts';
import type { Readiness } from './readiness.ts';

/** What the gauges ask: each part only for what is shown of it. */
export interface GaugeParts {
  readonly store: {
    readonly writing: { readonly waiting: number };
    readonly merging: { readonly backlog: number | undefined; readonly failures: number };
    read(name: 'fleetUpdates', query: Record<never, never>): Promise<readonly { readonly state: string }[]>;
  };
  readonly accounting: { readonly open: number; readonly waiting: number };
  /** The database's file. */
  readonly database: string;
  readonly live: { readonly followers: number };
  readonly mqtt: { connections(): readonly { kind: string; count: number }[] };
  readonly https: { connections(): Promise<number> };
  readonly socket: { connections(): readonly { kind: string; count: number }[] };
  /** Mails that no mail server has yet. */
  readonly mailer: { readonly waiting: number };
  readonly authentications: { readonly waiting: number };
  readonly auditKeeper: { readonly keptAt: number };
  readonly updating: {
    readonly rollouts: { readonly all: readonly { readonly state: string }[] };
    readonly releases: { readonly fault: string | undefined; readonly ends: number | undefined };
  };
  readonly readiness: Readiness;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Where each gauge is asked. */
export function gauges(parts: GaugeParts): Measured {
  const { store, database, live, mqtt, https, socket, mailer, authentications } = parts;
  const { accounting, auditKeeper, readiness, now, updating } = parts;
  return {
    connections: async () => {
      const byMqtt = mqtt.connections().map((one) => ({ door: 'mqtt' as DoorName, ...one }));
      const bySocket = socket.connections().map((one) => ({ door: 'socket' as DoorName, ...one }));
      return [...byMqtt, ...bySocket, { door: 'https', kind: 'port', count: await https.connections() }];
    },
    liveFollowers: () => live.followers,
    writerWaiting: () => store.writing.waiting,
    databaseBytes: () => sizeOf(database),
    logBytes: () => sizeOf(`${database}-wal`),
    diskFreeBytes: () => readiness.diskFree(),
    mergerBacklog: () => store.merging.backlog,
    mergerFailures: () => store.merging.failures,
    accountingOpen: () => accounting.open,
    accountingWaiting: () => accounting.waiting,
    mailsWaiting: () => mailer.waiting,
    auditsWaiting: () => authentications.waiting,
    auditKeptSeconds: () => Math.max(0, now() - auditKeeper.keptAt) / 1000,
    updates: async () => counted(await store.read('fleetUpdates', {})),
    rollouts: () => counted(updating.rollouts.all),
    releasesSigned: () => updating.releases.fault === undefined,
    releasesHoldSeconds: () => {
      const { ends } = updating.releases;
      return ends === undefined ? undefined : (ends - now()) / 1000;
    },
    isReady: async () => (await readiness.reasons()).length === 0,
  };
}

/** How many there are of each state. */
function counted(all: readonly { readonly state: string }[]): { state: string; count: number }[] {
  return [...Map.groupBy(all, ({ state }) => state)].map(([state, some]) => ({ state, count: some.length }));
}

async function sizeOf(file: string): Promise<number | undefined> {
  try {
    return (await stat(file)).size;
  } catch {
    return undefined;
  }
}
