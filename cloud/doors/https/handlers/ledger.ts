import { type HealthMessage, limits } from '@loadline/sdk/contract';
import { tagName } from '@loadline/sdk/t24';
import { reachesDevice } from '../../../access/index.ts';
import type { Directory } from '../../../router/index.ts';
import type { LedgerSums, RejectionRow, Store } from '../../../store/index.ts';
import type { Handlers } from '../call.ts';
import { cursorAt, idPlace, placeIn } from '../places.ts';
import { Problem } from '../problem.ts';
import { isoTime } from './editing.ts';

/** What has become of everything that was delivered. */
export function ledgerHandlers({
  store,
  directory,
}: {
  store: Store;
  directory: Directory;
}): Pick<Handlers, 'getLedger' | 'getRun' | 'getOrganisationLedger' | 'listRejections' | 'getRejection'> {
  return {
    async getLedger({ input, device }) {
      const ledger = await store.read('ledger', { device: device.number, limit: input.query.epochs });
      if (ledger === undefined) throw new Problem(404, 'not-found', 'there is no such thing');
      const epochs = ledger.epochs.map((epoch) => ({
        ...epoch,
        received: [...epoch.received],
        gaps: [...epoch.gaps],
        health: epoch.health ?? null,
      }));
      return { ...ledger, epochs };
    },

    async getRun({ input, device }) {
      const run = await store.read('run', { device: device.number, epoch: input.epoch });
      if (run === undefined) throw new Problem(404, 'not-found', 'nothing of this epoch has been stored');
      const { health, series, ...counts } = run;
      return {
        ...counts,
        ...framesOf(health),
        series: series.map((one) => ({ ...one, tag: tagName(one.tag) })),
        health: health ?? null,
      };
    },

    async getOrganisationLedger({ standing }) {
      const { organisation, reach } = standing;
      const reached = new Map(
        directory
          .devicesOf(organisation)
          .filter((one) => reachesDevice(reach, one))
          .map(({ number, id }) => [number, id]),
      );
      const ledgers = (await store.read('ledgersOf', { organisation: organisation.id })).filter(
        ({ device }) => reached.has(device),
      );
      const unbalanced = ledgers
        .filter((one) => !balances(one))
        .map(({ device }) => reached.get(device) ?? '')
        .sort();
      return { ...sumOf(ledgers), devices: ledgers.length, unbalanced };
    },

    async listRejections({ input: { query }, device }) {
      const { id: before } = placeIn(query.after, idPlace) ?? { id: Number.MAX_SAFE_INTEGER };
      const limit = query.limit + 1;
      const rows = await store.read('rejections', { device: device.number, before, limit });
      const shown = rows.slice(0, query.limit);
      const last = shown.at(-1);
      return {
        items: shown.map(describeRejection),
        next: rows.length > shown.length && last !== undefined ? cursorAt(last.id) : null,
      };
    },

    async getRejection({ input, device }) {
      const row = await store.read('rejection', { device: device.number, id: Number(input.rejection) });
      if (row === undefined) {
        throw new Problem(404, 'not-found', 'there is no such rejected delivery, or it is kept no more');
      }
      return { ...describeRejection(row), payload: Buffer.from(row.payload).toString('base64') };
    },
  };
}

function balances({ deliveries, readings }: LedgerSums): boolean {
  return [deliveries, readings].every(
    ({ received, stored, duplicate, rejected }) => received === stored + duplicate + rejected,
  );
}

function sumOf(ledgers: readonly LedgerSums[]): LedgerSums {
  const zero = { received: 0, stored: 0, duplicate: 0, rejected: 0 };
  const sums = { deliveries: { ...zero }, readings: { ...zero, expired: 0, deleted: 0 } };
  for (const { deliveries, readings } of ledgers) {
    addTo(sums.deliveries, deliveries);
    addTo(sums.readings, readings);
  }
  return sums;
}

function addTo<K extends string>(sums: Record<K, number>, counts: Readonly<Record<K, number>>): void {
  for (const name of Object.keys(sums) as K[]) sums[name] += counts[name];
}

function describeRejection({ id, at, channel, code, detail, bytes }: RejectionRow) {
  const keptUntil = isoTime(at + limits.rejectionMilliseconds);
  return { id: String(id), at: isoTime(at), channel, code, detail, bytes, keptUntil };
}

function framesOf(health: HealthMessage | undefined) {
  return {
    frames: health?.frames ?? 0,
    discardedBytes: health?.ports.reduce((sum, port) => sum + port.discardedBytes, 0) ?? 0,
    readings: health?.readings ?? 0,
  };
}
