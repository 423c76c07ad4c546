import { type Batch, type NumberRange, type Reading, readingAt } from '@loadline/sdk/telemetry';
import { chunkReads } from './chunks/open.ts';
import { storedReadingAt } from './chunks/readings.ts';
import { type Connection, type DatabaseOptions, openConnection, readOneMoment } from './database.ts';
import { deliveryReads } from './deliveries.ts';
import { storeReads } from './reads.ts';
import { eachFresh } from './series-index.ts';
import { type Timeline, wallTime } from './timeline.ts';

/** A delivery as it was committed, decoded. */
export interface ArchivedDelivery {
  /** Ascending in the order of the commits. */
  readonly id: number;
  /** Id of the device it came from. */
  readonly device: string;
  readonly batch: Batch;
  /** The numbers that this delivery was the first to bring: only these count. */
  readonly fresh: readonly NumberRange[];
  /** What its monotonic times mean (`wallTime`); undefined while its boot had no anchor. */
  readonly timeline: Timeline | undefined;
  /** Milliseconds since 1970 when its row was written. */
  readonly writtenMs: number;
}

/** A reading as it is stored, wherever it stands: in a delivery as it came, or in a chunk. */
export interface ArchivedReading {
  /** Id of the device it came from. */
  readonly device: string;
  readonly epoch: string;
  readonly number: number;
  /** Milliseconds since 1970; undefined while its boot had no anchor. */
  readonly time: number | undefined;
  /** Milliseconds since 1970 when the delivery that brought it was written. */
  readonly arrival: number;
  readonly reading: Reading;
}

/**
 * Yields the deliveries that are not merged yet, in the order of the commits, on a connection of its own that never
 * writes: for who looks at what came in just now. What is stored is told by `archivedReadings`.
 */
export function* archivedDeliveries(options: DatabaseOptions): Generator<ArchivedDelivery> {
  yield* within(options, function* (connection, ids) {
    for (const delivery of deliveryReads(connection).after(0)) {
      yield { ...delivery, device: ids.get(delivery.device) as string };
    }
  });
}

/** Chunks looked up at a time. */
const chunksAtOnce = 1000;

/** Yields every reading that is stored, each once, of one moment: what is merged first, then what is not. */
export function* archivedReadings(options: DatabaseOptions): Generator<ArchivedReading> {
  yield* within(options, function* (connection, ids) {
    const chunks = chunkReads(connection);
    for (let id = 0; ; ) {
      const rows = chunks.after.all({ id, most: chunksAtOnce });
      for (const row of rows) {
        const readings = chunks.whole(row.id);
        const device = ids.get(row.device) as string;
        for (let at = 0; at < readings.count; at++) yield { ...storedReadingAt(readings, row, at), device };
      }
      if (rows.length < chunksAtOnce) break;
      id = rows.at(-1)?.id ?? id;
    }
    for (const { device, batch, fresh, timeline, writtenMs } of deliveryReads(connection).after(0)) {
      const found: ArchivedReading[] = [];
      for (const series of batch.series) {
        eachFresh(batch, series, fresh, (row, position) => {
          const reading = readingAt(batch, series, row);
          const time = timeline && wallTime(timeline, reading.monotonic);
          const number = batch.first + position;
          const of = { device: ids.get(device) as string, epoch: batch.epoch };
          found.push({ ...of, number, time, arrival: writtenMs, reading });
        });
      }
      yield* found.sort((a, b) => a.number - b.number);
    }
  });
}

/** On a connection of its own that never writes, at one moment; with the ids of all devices by their row numbers. */
export function* within<T>(
  options: DatabaseOptions,
  read: (connection: Connection, ids: ReadonlyMap<number, string>) => Generator<T>,
): Generator<T> {
  const connection = openConnection(options, 'read');
  try {
    const end = readOneMoment(connection);
    const { devices } = storeReads(connection).directory({});
    yield* read(connection, new Map(devices.map(({ number, id }) => [number, id])));
    end();
  } finally {
    connection.close();
  }
}
