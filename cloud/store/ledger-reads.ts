import { type HealthMessage, healthMessage } from '@loadline/sdk/contract';
import type { NumberRange } from '@loadline/sdk/telemetry';
import type { Kysely } from 'kysely';
import { type AfterRestore, afterRestore } from './after-restore.ts';
import { type Connection, prepare } from './database.ts';
import { fleetReads } from './fleet-reads.ts';
import { type Gap, gapsIn, rangesFromJson } from './number-set.ts';
import type { Schema } from './schema.ts';
import { parseStored } from './stored-message.ts';

/** `received = stored + duplicate + rejected`, of deliveries and of readings. */
export interface LedgerCounts {
  readonly received: number;
  readonly stored: number;
  readonly duplicate: number;
  readonly rejected: number;
}

/** The same of readings, and how many of those stored are there no more: by retention, and because somebody had it so. */
export interface ReadingCounts extends LedgerCounts {
  readonly expired: number;
  readonly deleted: number;
}

/** What has been counted of one device, or of several together. */
export interface LedgerSums {
  readonly deliveries: LedgerCounts;
  readonly readings: ReadingCounts;
}

/** What is known of one epoch of a device. */
export interface EpochLedger {
  readonly epoch: string;
  /** Null where the cloud knows of the epoch only by the one after it. */
  readonly boot: string | null;
  readonly received: readonly NumberRange[];
  readonly gaps: readonly Gap[];
  /** Whether what came after its last number, and which epochs came before the next one here, is lost in unknown number. */
  readonly endUnknown: boolean;
  readonly health: HealthMessage | undefined;
}

/** A device's account, from its frames to what is stored. */
export interface Ledger extends LedgerSums {
  readonly epochs: readonly EpochLedger[];
}

/** An epoch, with the last health message of its run. */
export interface EpochRow {
  number: number;
  epoch: string;
  parent: string | null;
  parent_last: number | null;
  boot: string;
  oldest: number;
  dropped: string;
  opened: number;
  readings_duplicate: number;
  health: string | null;
}

/** Epochs with the last health message of their runs. */
export function epochRows(db: Kysely<Schema>) {
  return db
    .selectFrom('epoch')
    .leftJoin('health', (join) =>
      join.onRef('health.device', '=', 'epoch.device').onRef('health.epoch', '=', 'epoch.epoch'),
    )
    .select([
      'epoch.number',
      'epoch.epoch',
      'epoch.parent',
      'epoch.parent_last',
      'epoch.boot',
      'epoch.oldest',
      'epoch.dropped',
      'epoch.opened',
      'epoch.readings_duplicate',
      'health.message as health',
    ]);
}

type Counter = `deliveries_${keyof LedgerCounts}` | `readings_${keyof ReadingCounts}`;

const counterColumns = [
  'deliveries_received',
  'deliveries_stored',
  'deliveries_duplicate',
  'deliveries_rejected',
  'readings_received',
  'readings_stored',
  'readings_duplicate',
  'readings_rejected',
  'readings_expired',
  'readings_deleted',
] as const satisfies readonly Counter[];

/** The accounts of devices. */
export function ledgerReads(connection: Connection) {
  const counters = prepare<{ device: number }, Record<Counter, number>>(connection, (db, p) =>
    db.selectFrom('device').select(counterColumns).where('number', '=', p.device),
  );
  const countersOf = prepare<{ organisation: string }, Record<Counter, number> & { device: number }>(
    connection,
    (db, p) =>
      db
        .selectFrom('device')
        .select(['number as device', ...counterColumns])
        .where('organisation', '=', p.organisation),
  );
  const epochs = prepare<{ device: number; limit: number }, EpochRow>(connection, (db, p) =>
    epochRows(db).where('epoch.device', '=', p.device).orderBy('number', 'desc').limit(p.limit),
  );
  const ranges = prepare<{ epoch: number }, NumberRange>(connection, (db, p) =>
    db.selectFrom('received_range').select(['first', 'last']).where('epoch', '=', p.epoch).orderBy('first'),
  );

  const named = prepare<{ device: number; epoch: string }, { number: number }>(connection, (db, p) =>
    db.selectFrom('epoch').select('number').where('device', '=', p.device).where('epoch', '=', p.epoch),
  );
  const { fleet } = fleetReads(connection);
  const restored = (rows: readonly EpochRow[], isKnown: (epoch: string) => boolean): AfterRestore => {
    const { counter, since } = fleet({});
    return afterRestore(counter > 1 ? rows : [], since, isKnown);
  };

  return {
    /** A device's account; its newest epochs, at most `limit`. */
    ledger({ device, limit }: { device: number; limit: number }): Ledger | undefined {
      const row = counters.first({ device });
      if (row === undefined) return undefined;
      const rows = epochs.all({ device, limit });
      const after = restored(rows, (epoch) => named.first({ device, epoch }) !== undefined);
      const ofEpochs = rows.flatMap((epoch, index, newer): EpochLedger[] => {
        const received = ranges.all({ epoch: epoch.number });
        // A journal that began anew holds nothing of what was before it.
        const severed = newer.slice(0, index).some(({ parent }) => parent === null);
        const gone = severed || (after.onlyFrom !== undefined && after.onlyFrom !== epoch.epoch);
        const oldest = gone ? Number.POSITIVE_INFINITY : epoch.oldest;
        const known = {
          epoch: epoch.epoch,
          boot: epoch.boot,
          received,
          gaps: gapsIn(received, rangesFromJson(epoch.dropped), oldest, after.ends.get(epoch.epoch)),
          endUnknown: epoch.epoch === after.severed,
          health: parseStored(epoch.health, healthMessage),
        };
        const parent = after.unknown.get(epoch.epoch);
        return parent === undefined ? [known] : [known, parent];
      });
      return { ...sumsOf(row), epochs: ofEpochs };
    },

    /** What has been counted of each device of an organisation, by its row number. */
    ledgersOf({ organisation }: { organisation: string }): (LedgerSums & { readonly device: number })[] {
      return countersOf.all({ organisation }).map((row) => ({ device: row.device, ...sumsOf(row) }));
    },
  };
}

function sumsOf(row: Record<Counter, number>): LedgerSums {
  const counts = (of: 'deliveries' | 'readings'): LedgerCounts => ({
    received: row[`${of}_received`],
    stored: row[`${of}_stored`],
    duplicate: row[`${of}_duplicate`],
    rejected: row[`${of}_rejected`],
  });
  const gone = { expired: row.readings_expired, deleted: row.readings_deleted };
  return { deliveries: counts('deliveries'), readings: { ...counts('readings'), ...gone } };
}
