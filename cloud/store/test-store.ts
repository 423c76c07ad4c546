import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HealthMessage } from '@loadline/sdk/contract';
import { type Batch, decodeBatch, type Entry, encodeBatch } from '@loadline/sdk/telemetry';
import { type Step, step } from './change.ts';
import { Committer } from './commit.ts';
import { type Connection, migrate, openConnection } from './database.ts';
import { migrations } from './migrations.ts';
import type { DeliveryWrite } from './writes.ts';

/** Parts for the store's own tests: a database in a folder of its own, and deliveries to commit to it. */

export const epoch = 'e0'.repeat(16);
export const boot = 'b0'.repeat(16);
/** What the devices of these tests are, by their row number. */
export const device = 1;

/** What a device says of itself in these tests. */
export const health: HealthMessage = {
  version: 1,
  epoch,
  uptimeSeconds: 1,
  ports: [],
  frames: 0,
  readings: 0,
  copies: 0,
  suppressed: 0,
  withheld: 0,
  other: 0,
  computed: 0,
  journal: { held: 0, heldBytes: 0, dropped: 0, inFlight: 0, written: 0, writtenToday: 0, disk: 'good' },
  uplink: { connections: 1, disconnects: [], windowBytes: 1, roundTripMs: null },
  clock: { trust: 'nobody', uncertaintyMs: null },
  certificate: { daysLeft: null },
  process: { residentBytes: 1, cpuSeconds: 0 },
};

/** The steps that make that device and its organisation. */
export const firstGateway: readonly Step[] = [
  step('createOrganisation', { id: 'first', name: 'First', created: 0 }),
  step('addDevice', { id: 'mast', organisation: 'first', kind: 'gateway' }),
];

/** An encrypted database on disk with one device, for as long as `use` runs. */
export async function withDatabase(
  use: (connection: Connection, file: string) => Promise<void> | void,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'loadline-store-'));
  const file = join(folder, 'loadline.db');
  // Not synced: these tests cut no power.
  const connection = openConnection({ file, key: 'a5'.repeat(32), durability: 'off' }, 'write');
  try {
    migrate(connection, migrations);
    new Committer(connection, () => 0).commit([{ kind: 'change', steps: firstGateway, audit: [] }]);
    await use(connection, file);
  } finally {
    connection.close();
    rmSync(folder, { recursive: true });
  }
}

/** Entries of an epoch from number `first`: readings of tag 1 whose value is their number, 10 ms apart. */
export function numbered(first: number, last: number): Entry[] {
  return Array.from({ length: last - first + 1 }, (_, index) => ({
    kind: 'reading',
    port: 'radio',
    base: 1,
    tag: 1,
    aspect: 'heard',
    calibration: undefined,
    monotonic: (first + index) * 10,
    value: { type: 'int32', value: first + index },
    flags: 0,
    status: 0,
    quality: { kind: 'none' },
  }));
}

/** The write of a delivery of these entries, the first being number `first`. */
export function delivery(first: number, entries: readonly Entry[], over: Partial<Batch> = {}): DeliveryWrite {
  const header = { epoch, parent: undefined, boot, oldest: 0, first, dropped: [], ...over };
  const body = encodeBatch(header, entries);
  const batch = decodeBatch(body);
  return {
    kind: 'delivery',
    device,
    ...header,
    count: batch.count,
    readings: entries.filter(({ kind }) => kind === 'reading').length,
    anchors: batch.anchors.map(({ position, anchor }) => ({ ...anchor, position })),
    events: batch.events.map(({ position, event }) => ({ ...event, position })),
    fromMonotonic: Math.min(...batch.times),
    toMonotonic: Math.max(...batch.times),
    body,
  };
}
