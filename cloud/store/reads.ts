import { healthMessage, type ReportedMessage, reportedMessage } from '@loadline/sdk/contract';
import type { Aspect } from '@loadline/sdk/telemetry';
import { accountingReads } from './accounting-reads.ts';
import { alarmReads } from './alarm-reads.ts';
import { auditReads } from './audit-reads.ts';
import { type CertificateRow, certificateReads } from './certificate-reads.ts';
import { channelReads } from './channel-reads.ts';
import { aggregateReads } from './chunks/aggregate.ts';
import { chunkReads } from './chunks/open.ts';
import { pageReads } from './chunks/pages.ts';
import { plotReads } from './chunks/plot.ts';
import { mergeReads } from './chunks/slice.ts';
import { credentialReads } from './credential-reads.ts';
import { type Connection, prepare } from './database.ts';
import { deliveryReads } from './deliveries.ts';
import { downlinkReads } from './downlink-reads.ts';
import { eventReads } from './event-reads.ts';
import { fleetReads } from './fleet-reads.ts';
import { type EpochRow, epochRows, ledgerReads } from './ledger-reads.ts';
import { memberReads } from './member-reads.ts';
import { nameReads } from './name-reads.ts';
import { operatorReads } from './operator-reads.ts';
import { organisationReads } from './organisation-reads.ts';
import { partReads } from './part-reads.ts';
import { personReads } from './person-reads.ts';
import { rejectionReads } from './rejection-reads.ts';
import { retentionReads } from './retention-reads.ts';
import { RunCounter } from './run-summary.ts';
import { sealedReads } from './sealed-reads.ts';
import { type PlacedReading, SeriesIndex, type SeriesState } from './series-index.ts';
import { parseStored } from './stored-message.ts';
import { tokenReads } from './token-reads.ts';
import { unitReads } from './unit-reads.ts';
import { updateReads } from './update-reads.ts';

/** A device as the store knows it. */
export interface DeviceRow {
  readonly number: number;
  readonly id: string;
  readonly organisation: string;
  readonly kind: 'gateway' | 'software';
  readonly enabled: boolean;
  /** When it was retired for good, ms since 1970. */
  readonly retired: number | null;
  readonly name: string | null;
  readonly department: string | null;
  readonly customer: string | null;
  readonly reported: ReportedMessage | undefined;
}

/** Everything the process asks of the store, by name. Run on the reader thread, each on one consistent state. */
export type Reads = ReturnType<typeof storeReads>;

export function storeReads(connection: Connection) {
  const deliveries = deliveryReads(connection);
  const chunks = chunkReads(connection);
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
        'retired',
        'name',
        'department',
        'customer',
        'reported',
      ]),
  );
  const { certificates, ...certificatesOfGateways } = certificateReads(connection);
  const allSeries = prepare<
    Record<never, never>,
    { device: number; tag: number; aspect: Aspect; count: number; latest: string | null }
  >(connection, (db) => db.selectFrom('series').selectAll());
  const checkpoint = prepare<Record<never, never>, { through: number }>(connection, (db) =>
    db.selectFrom('checkpoint').select('through'),
  );
  const epochNamed = prepare<{ device: number; epoch: string }, EpochRow>(connection, (db, p) =>
    epochRows(db).where('epoch.device', '=', p.device).where('epoch.epoch', '=', p.epoch),
  );
  const epochsOfBoot = prepare<{ device: number; boot: string }, { number: number }>(connection, (db, p) =>
    db.selectFrom('epoch').select('number').where('device', '=', p.device).where('boot', '=', p.boot),
  );
  const resolvedBoots = prepare<Record<never, never>, { device: number; boot: string }>(connection, (db) =>
    db.selectFrom('resolved_boot').selectAll(),
  );
  const rejections = prepare<{ device: number; since: number }, { rejected: number }>(connection, (db, p) =>
    db
      .selectFrom('rejection')
      .select((eb) => eb.fn.countAll<number>().as('rejected'))
      .where('device', '=', p.device)
      .where('channel', '=', 'telemetry')
      .where('at', '>=', p.since),
  );

  function latestOfBoot({ device, boot }: { device: number; boot: string }): SeriesState[] {
    // Nothing of its device is merged before the live index knows it: all of it is in deliveries still.
    const index = new SeriesIndex();
    for (const epoch of epochsOfBoot.all({ device, boot })) {
      for (const { batch, fresh, timeline, writtenMs } of deliveries.ofEpoch(epoch.number)) {
        index.add(device, batch, fresh, timeline, writtenMs);
      }
    }
    return index.all();
  }

  return {
    ...alarmReads(connection),
    ...certificatesOfGateways,
    ...channelReads(connection),
    ...credentialReads(connection),
    ...downlinkReads(connection),
    ...eventReads(connection),
    ...fleetReads(connection),
    ...ledgerReads(connection),
    ...nameReads(connection),
    ...rejectionReads(connection),
    ...retentionReads(connection),
    ...sealedReads(connection),
    ...auditReads(connection),
    ...accountingReads(connection),
    ...personReads(connection),
    ...organisationReads(connection),
    ...memberReads(connection),
    ...partReads(connection),
    ...operatorReads(connection),
    ...tokenReads(connection),
    ...unitReads(connection),
    ...updateReads(connection),
    ...pageReads(connection),
    ...aggregateReads(connection),
    ...plotReads(connection),
    ...mergeReads(connection),

    /** Every device and every certificate: what a door must know of its callers. */
    directory(_: Record<never, never>): { devices: DeviceRow[]; certificates: CertificateRow[] } {
      const devices = allDevices.all({}).map(({ reported, enabled, ...row }) => ({
        ...row,
        enabled: enabled !== 0,
        reported: parseStored(reported, reportedMessage),
      }));
      return { devices, certificates: certificates({}) };
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
      for (const boot of resolvedBoots.all({})) index.mergeLatest(latestOfBoot(boot));
      return { series: index.all(), through, written };
    },

    /** The newest readings of the series of one boot: for the live index, once the boot has its times. */
    latestOfBoot,

    /** What one run of a device (an epoch) brought, counted from the stored readings themselves. */
    run({ device, epoch: name }: { device: number; epoch: string }) {
      const epoch = epochNamed.first({ device, epoch: name });
      if (epoch === undefined) return undefined;
      const counter = new RunCounter();
      for (const chunk of chunks.ofEpoch.all({ epoch: epoch.number })) {
        counter.addChunk(chunk, chunks.whole(chunk.id), name);
      }
      for (const delivery of deliveries.ofEpoch(epoch.number)) counter.addDelivery(delivery);
      return {
        ...counter.result(),
        duplicate: epoch.readings_duplicate,
        rejected: rejections.first({ device, since: epoch.opened })?.rejected ?? 0,
        health: parseStored(epoch.health, healthMessage),
      };
    },
  };
}

function parsePlaced(json: string): PlacedReading {
  const placed = JSON.parse(json) as PlacedReading;
  // One written before there were calibrations does not say that it has none.
  return { ...placed, calibration: placed.calibration ?? null };
}
