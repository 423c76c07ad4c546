import { within } from './archive.ts';
import { chunkReads } from './chunks/open.ts';
import { type Connection, type DatabaseOptions, prepare } from './database.ts';
import { deliveryReads } from './deliveries.ts';
import { type LedgerSums, ledgerReads } from './ledger-reads.ts';
import { eachFresh } from './series-index.ts';

/** What a device's account says, and what is in the store. */
export interface LedgerVerdict extends LedgerSums {
  readonly device: string;
  readonly organisation: string;
  /** Readings found: counted one by one where they stand. */
  readonly found: number;
  /** What does not agree, in words; none where the account is right. */
  readonly faults: readonly string[];
}

/** How far a check has come. */
export interface CheckProgress {
  readonly done: number;
  readonly of: number;
}

/** Chunks and deliveries between two words of progress. */
const progressEvery = 1000;

/**
 * Works out every device's account again from the readings themselves, opening each chunk and each delivery, and
 * compares it with what was counted as they came. Of one moment; nothing is written, and a cloud may be at work on it.
 */
export function* checkLedgers(
  options: DatabaseOptions,
  told: (progress: CheckProgress) => void,
): Generator<LedgerVerdict> {
  yield* within(options, function* (connection, ids) {
    const found = new Map<number, number>();
    const faults = new Map<number, string[]>();
    const fault = (device: number, what: string) => {
      const others = faults.get(device);
      if (others === undefined) faults.set(device, [what]);
      else others.push(what);
    };
    for (const { device, readings, wrong } of everyReading(connection, told)) {
      found.set(device, (found.get(device) ?? 0) + readings);
      if (wrong !== undefined) fault(device, wrong);
    }
    const ledgers = ledgerReads(connection);
    const sums = accountSums(connection);
    for (const { organisation } of sums.organisations.all({})) {
      for (const ledger of ledgers.ledgersOf({ organisation })) {
        const { device: number } = ledger;
        const counted = found.get(number) ?? 0;
        const wrong = disagreements(ledger, {
          found: counted,
          ofEpochs: sums.ofEpochs.first({ device: number })?.readings ?? 0,
          kept: sums.kept.first({ device: number })?.rejections ?? 0,
        });
        const { deliveries, readings } = ledger;
        const all = [...wrong, ...(faults.get(number) ?? [])];
        yield {
          device: ids.get(number) as string,
          organisation,
          deliveries,
          readings,
          found: counted,
          faults: all,
        };
      }
    }
  });
}

/** Readings of each chunk and each delivery, as many as there are when it is opened. */
function* everyReading(
  connection: Connection,
  told: (progress: CheckProgress) => void,
): Generator<{ device: number; readings: number; wrong: string | undefined }> {
  const sums = accountSums(connection);
  const of = (sums.chunks.first({})?.rows ?? 0) + (sums.deliveries.first({})?.rows ?? 0);
  let done = 0;
  const step = () => {
    done += 1;
    if (done % progressEvery === 0 || done === of) told({ done, of });
  };
  const chunks = chunkReads(connection);
  for (let id = 0; ; ) {
    const rows = chunks.after.all({ id, most: progressEvery });
    for (const row of rows) {
      const { count } = chunks.whole(row.id);
      const said = sums.ofChunk.first({ chunk: row.id });
      const agrees = said?.count === count && sums.epochsOfChunk.first({ chunk: row.id })?.count === count;
      const wrong = agrees
        ? undefined
        : `chunk ${row.id} holds ${count} readings, and its row says ${said?.count}`;
      yield { device: row.device, readings: count, wrong };
      step();
    }
    if (rows.length < progressEvery) break;
    id = rows.at(-1)?.id ?? id;
  }
  for (const { device, batch, fresh } of deliveryReads(connection).after(0)) {
    let readings = 0;
    for (const series of batch.series) {
      eachFresh(batch, series, fresh, () => {
        readings += 1;
      });
    }
    yield { device, readings, wrong: undefined };
    step();
  }
}

function disagreements(
  { deliveries, readings }: LedgerSums,
  { found, ofEpochs, kept }: { found: number; ofEpochs: number; kept: number },
): string[] {
  const faults: string[] = [];
  for (const [what, counts] of Object.entries({ deliveries, readings })) {
    const { received, stored, duplicate, rejected } = counts;
    if (received !== stored + duplicate + rejected) {
      faults.push(`${received} ${what} received, and ${stored} + ${duplicate} + ${rejected} accounted for`);
    }
  }
  const { stored, expired, deleted } = readings;
  if (found + expired + deleted !== stored) {
    faults.push(`${stored} readings stored, and ${found} found + ${expired} expired + ${deleted} deleted`);
  }
  if (ofEpochs !== stored) faults.push(`${stored} readings stored, and ${ofEpochs} by its epochs`);
  if (kept > deliveries.rejected) {
    faults.push(`${deliveries.rejected} deliveries rejected, and ${kept} of them kept`);
  }
  return faults;
}

function accountSums(connection: Connection) {
  return {
    organisations: prepare<Record<never, never>, { organisation: string }>(connection, (db) =>
      db.selectFrom('organisation').select('id as organisation').orderBy('id'),
    ),
    chunks: prepare<Record<never, never>, { rows: number }>(connection, (db) =>
      db.selectFrom('chunk').select((eb) => eb.fn.countAll<number>().as('rows')),
    ),
    deliveries: prepare<Record<never, never>, { rows: number }>(connection, (db) =>
      db.selectFrom('delivery').select((eb) => eb.fn.countAll<number>().as('rows')),
    ),
    ofChunk: prepare<{ chunk: number }, { count: number }>(connection, (db, p) =>
      db.selectFrom('chunk').select('count').where('id', '=', p.chunk),
    ),
    epochsOfChunk: prepare<{ chunk: number }, { count: number }>(connection, (db, p) =>
      db
        .selectFrom('chunk_epoch')
        .select((eb) => eb.fn.sum<number>('count').as('count'))
        .where('chunk', '=', p.chunk),
    ),
    ofEpochs: prepare<{ device: number }, { readings: number | null }>(connection, (db, p) =>
      db
        .selectFrom('epoch')
        .select((eb) => eb.fn.sum<number>('readings_stored').as('readings'))
        .where('device', '=', p.device),
    ),
    kept: prepare<{ device: number }, { rejections: number }>(connection, (db, p) =>
      db
        .selectFrom('rejection')
        .select((eb) => eb.fn.countAll<number>().as('rejections'))
        .where('device', '=', p.device),
    ),
  };
}
