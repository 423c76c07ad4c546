import {
  type HealthMessage,
  healthMessage,
  type ReportedMessage,
  reportedMessage,
} from '@loadline/sdk/contract';
import { type Aspect, type NumberRange, numberAt } from '@loadline/sdk/telemetry';
import type { Kysely } from 'kysely';
import { accountingReads } from './accounting-reads.ts';
import { auditReads } from './audit-reads.ts';
import { channelReads } from './channel-reads.ts';
import { pageReads } from './chunks/pages.ts';
import { credentialReads } from './credential-reads.ts';
import { type Connection, prepare } from './database.ts';
import { deliveryReads } from './deliveries.ts';
import { downlinkReads } from './downlink-reads.ts';
import { Downsampler } from './downsample.ts';
import { fleetReads } from './fleet-reads.ts';
import { eventReads } from './event-reads.ts';
import { memberReads } from './member-reads.ts';
import { nameReads } from './name-reads.ts';
import { type Gap, gapsIn, rangesFromJson } from './number-set.ts';
import { operatorReads } from './operator-reads.ts';
import { organisationReads } from './organisation-reads.ts';
import { partReads } from './part-reads.ts';
import { personReads } from './person-reads.ts';
import { summarise } from './run-summary.ts';
import type { Schema } from './schema.ts';
import { sealedReads } from './sealed-reads.ts';
import { eachFresh, type PlacedReading, SeriesIndex, type SeriesState } from './series-index.ts';
import { wallTime } from './timeline.ts';
import { tokenReads } from './token-reads.ts';

/** A device as the store knows it. */
export interface DeviceRow {
  readonly number: number;
  readonly id: string;
  readonly organisation: string;
  readonly kind: 'gateway' | 'software';
  readonly enabled: boolean;
  readonly name: string | null;
  readonly department: string | null;
  readonly customer: string | null;
  readonly reported: ReportedMessage | undefined;
}

export interface CertificateRow {
  readonly fingerprint: string;
  readonly subject: string;
  readonly revoked: number | null;
}

/** `received = stored + duplicate + rejected`, of deliveries and of readings. */
export interface LedgerCounts {
  readonly received: number;
  readonly stored: number;
  readonly duplicate: number;
  readonly rejected: number;
}

/** What is known of one epoch of a device. */
export interface EpochLedger {
  readonly epoch: string;
  readonly boot: string;
  readonly received: readonly NumberRange[];
  readonly gaps: readonly Gap[];
  readonly health: HealthMessage | undefined;
}

/** A device's account, from its frames to what is stored. */
export interface Ledger {
  readonly deliveries: LedgerCounts;
  readonly readings: LedgerCounts;
  readonly epochs: readonly EpochLedger[];
}

/** A down-sampled range of a series: [ms since 1970, physical value], null where a reading was not a number. */
export interface SeriesRange {
  readonly points: readonly (readonly [time: number, value: number | null])[];
  /** Readings in the range before down-sampling. */
  readonly count: number;
}

/** Everything the process asks of the store, by name. Run on the reader thread, each on one consistent state. */
export type Reads = ReturnType<typeof storeReads>;

interface EpochRow {
  number: number;
  epoch: string;
  parent: string | null;
  boot: string;
  oldest: number;
  dropped: string;
  opened: number;
  readings_duplicate: number;
  health: string | null;
}

/** Epochs with the last health message of their runs. */
function epochRows(db: Kysely<Schema>) {
  return db
    .selectFrom('epoch')
    .leftJoin('health', (join) =>
      join.onRef('health.device', '=', 'epoch.device').onRef('health.epoch', '=', 'epoch.epoch'),
    )
    .select([
      'epoch.number',
      'epoch.epoch',
      'epoch.parent',
      'epoch.boot',
      'epoch.oldest',
      'epoch.dropped',
      'epoch.opened',
      'epoch.readings_duplicate',
      'health.message as health',
    ]);
}

export function storeReads(connection: Connection) {
  const deliveries = deliveryReads(connection);
  const allDevices = prepare<
    Record<never, never>,
    Omit<DeviceRow, 'reported' | 'enabled'> & { reported: string | null; enabled: number }
  >(connection, (db) =>
    db
      .selectFrom('device')
      .select([
        'number',
        'id',
        'organisation',
        'kind',
        'enabled',
        'name',
        'department',
        'customer',
        'reported',
      ]),
  );
  const allCertificates = prepare<Record<never, never>, CertificateRow>(connection, (db) =>
    db.selectFrom('certificate').select(['fingerprint', 'subject', 'revoked']),
  );
  const allSeries = prepare<
    Record<never, never>,
    { device: number; tag: number; aspect: Aspect; count: number; latest: string | null }
  >(connection, (db) => db.selectFrom('series').selectAll());
  const checkpoint = prepare<Record<never, never>, { through: number }>(connection, (db) =>
    db.selectFrom('checkpoint').select('through'),
  );
  const counters = prepare<
    { device: number },
    Record<`${'deliveries' | 'readings'}_${'received' | 'stored' | 'duplicate' | 'rejected'}`, number>
  >(connection, (db, p) => db.selectFrom('device').selectAll().where('number', '=', p.device));
  const epochs = prepare<{ device: number; limit: number }, EpochRow>(connection, (db, p) =>
    epochRows(db).where('epoch.device', '=', p.device).orderBy('number', 'desc').limit(p.limit),
  );
  const epochNamed = prepare<{ device: number; epoch: string }, EpochRow>(connection, (db, p) =>
    epochRows(db).where('epoch.device', '=', p.device).where('epoch.epoch', '=', p.epoch),
  );
  const epochsOfBoot = prepare<{ device: number; boot: string }, { number: number }>(connection, (db, p) =>
    db.selectFrom('epoch').select('number').where('device', '=', p.device).where('boot', '=', p.boot),
  );
  const ranges = prepare<{ epoch: number }, NumberRange>(connection, (db, p) =>
    db.selectFrom('received_range').select(['first', 'last']).where('epoch', '=', p.epoch).orderBy('first'),
  );
  const rejections = prepare<{ device: number; since: number }, { rejected: number }>(connection, (db, p) =>
    db
      .selectFrom('rejection')
      .select((eb) => eb.fn.countAll<number>().as('rejected'))
      .where('device', '=', p.device)
      .where('channel', '=', 'telemetry')
      .where('at', '>=', p.since),
  );

  return {
    ...channelReads(connection),
    ...credentialReads(connection),
    ...downlinkReads(connection),
    ...eventReads(connection),
    ...fleetReads(connection),
    ...nameReads(connection),
    ...sealedReads(connection),
    ...auditReads(connection),
    ...accountingReads(connection),
    ...personReads(connection),
    ...organisationReads(connection),
    ...memberReads(connection),
    ...partReads(connection),
    ...operatorReads(connection),
    ...tokenReads(connection),
    ...pageReads(connection),

    /** Every device and every certificate: what a door must know of its callers. */
    directory(_: Record<never, never>): { devices: DeviceRow[]; certificates: CertificateRow[] } {
      const devices = allDevices.all({}).map(({ reported, enabled, ...row }) => ({
        ...row,
        enabled: enabled !== 0,
        reported: parseStored(reported, reportedMessage),
      }));
      return { devices, certificates: allCertificates.all({}) };
    },

    /** The live index as of the last commit, the id of the last delivery in it, and of the last checkpoint's. */
    seriesIndex(_: Record<never, never>): { series: SeriesState[]; through: number; written: number } {
      const rows = allSeries.all({}).map(({ latest, ...row }) => ({
        ...row,
        latest: latest === null ? undefined : parsePlaced(latest),
      }));
      const index = new SeriesIndex(rows);
      const written = checkpoint.first({})?.through ?? 0;
      let through = written;
      for (const { id, device, batch, fresh, timeline, writtenMs } of deliveries.after(through)) {
        index.add(device, batch, fresh, timeline, writtenMs);
        through = id;
      }
      return { series: index.all(), through, written };
    },

    /** The newest readings of the series of one boot: for the live index, once the boot has its times. */
    latestOfBoot({ device, boot }: { device: number; boot: string }): SeriesState[] {
      const index = new SeriesIndex();
      for (const epoch of epochsOfBoot.all({ device, boot })) {
        for (const { batch, fresh, timeline, writtenMs } of deliveries.ofEpoch(epoch.number)) {
          index.add(device, batch, fresh, timeline, writtenMs);
        }
      }
      return index.all();
    },

    /** Readings of one series between two times, thinned to about `points`. */
    range(query: {
      device: number;
      tag: number;
      aspect: Aspect;
      from: number;
      to: number;
      points: number;
    }): SeriesRange {
      const { device, tag, aspect, from, to, points } = query;
      const sampler = new Downsampler(from, to, points);
      for (const { batch, fresh, timeline } of deliveries.between(device, from, to)) {
        if (timeline === undefined) continue;
        for (const series of batch.series) {
          if (series.tag !== tag || series.aspect !== aspect) continue;
          eachFresh(batch, series, fresh, (row, position) => {
            const time = wallTime(timeline, batch.times[position] as number);
            if (time < from || time > to) return;
            const number = batch.first + position;
            sampler.add({ time, epoch: batch.epoch, number, value: numberAt(batch, series, row) });
          });
        }
      }
      return { points: sampler.result().map(({ time, value }) => [time, value]), count: sampler.count };
    },

    /** A device's account; its newest epochs, at most `limit`. */
    ledger({ device, limit }: { device: number; limit: number }): Ledger | undefined {
      const row = counters.first({ device });
      if (row === undefined) return undefined;
      const counts = (of: 'deliveries' | 'readings'): LedgerCounts => ({
        received: row[`${of}_received`],
        stored: row[`${of}_stored`],
        duplicate: row[`${of}_duplicate`],
        rejected: row[`${of}_rejected`],
      });
      const ofEpochs = epochs.all({ device, limit }).map((epoch, index, newer): EpochLedger => {
        const received = ranges.all({ epoch: epoch.number });
        // A journal that began anew holds nothing of what was before it.
        const severed = newer.slice(0, index).some(({ parent }) => parent === null);
        const oldest = severed ? Number.POSITIVE_INFINITY : epoch.oldest;
        return {
          epoch: epoch.epoch,
          boot: epoch.boot,
          received,
          gaps: gapsIn(received, rangesFromJson(epoch.dropped), oldest),
          health: parseStored(epoch.health, healthMessage),
        };
      });
      return { deliveries: counts('deliveries'), readings: counts('readings'), epochs: ofEpochs };
    },

    /** What one run of a device (an epoch) brought, counted from the stored deliveries themselves. */
    run({ device, epoch: name }: { device: number; epoch: string }) {
      const epoch = epochNamed.first({ device, epoch: name });
      if (epoch === undefined) return undefined;
      return {
        ...summarise(deliveries.ofEpoch(epoch.number)),
        duplicate: epoch.readings_duplicate,
        rejected: rejections.first({ device, since: epoch.opened })?.rejected ?? 0,
        health: parseStored(epoch.health, healthMessage),
      };
    },
  };
}

/** A message as it was stored; undefined where there is none, or one of an older version that no longer says enough. */
function parseStored<T>(
  json: string | null,
  schema: { safeParse(value: unknown): { data?: T | undefined } },
): T | undefined {
  return json === null ? undefined : schema.safeParse(JSON.parse(json)).data;
}

function parsePlaced(json: string): PlacedReading {
  const placed = JSON.parse(json) as PlacedReading;
  // One written before there were calibrations does not say that it has none.
  return { ...placed, calibration: placed.calibration ?? null };
}
