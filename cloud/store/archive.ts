import type { Batch, NumberRange } from '@loadline/sdk/telemetry';
import { type DatabaseOptions, openConnection } from './database.ts';
import { deliveryReads } from './deliveries.ts';
import { storeReads } from './reads.ts';
import type { Timeline } from './timeline.ts';

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

/** Yields every delivery in the order of the commits, on a connection of its own that never writes. */
export function* archivedDeliveries(options: DatabaseOptions): Generator<ArchivedDelivery> {
  const connection = openConnection(options, 'read');
  try {
    const { devices } = storeReads(connection).directory({});
    const ids = new Map(devices.map(({ number, id }) => [number, id]));
    for (const delivery of deliveryReads(connection).after(0)) {
      const device = ids.get(delivery.device);
      // One that was taken in after the list was read: its deliveries are younger than this reading of them.
      if (device !== undefined) yield { ...delivery, device };
    }
  } finally {
    connection.close();
  }
}
