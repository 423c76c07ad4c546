import type { Batch } from '@loadline/sdk/telemetry';
import type { DeliveryWrite } from '../store/index.ts';
import type { Device } from './directory.ts';

/** A batch of a device, taken apart as far as its commit needs it; `body`: the batch as it came. */
export function deliveryWrite(device: Device, batch: Batch, body: Uint8Array): DeliveryWrite {
  const { epoch, parent, boot, oldest, first, count, dropped, times } = batch;
  let fromMonotonic = times[0] ?? 0;
  let toMonotonic = fromMonotonic;
  for (const time of times) {
    if (time < fromMonotonic) fromMonotonic = time;
    if (time > toMonotonic) toMonotonic = time;
  }
  return {
    kind: 'delivery',
    device: device.number,
    epoch,
    parent,
    boot,
    oldest,
    first,
    count,
    dropped,
    readings: batch.columns.positions.length,
    anchors: batch.anchors.map(({ position, anchor: { monotonic, wall, uncertainty } }) => ({
      position,
      monotonic,
      wall,
      uncertainty,
    })),
    events: batch.events.map(({ position, event: { monotonic, code, subject, detail } }) => ({
      position,
      monotonic,
      code,
      subject,
      detail,
    })),
    fromMonotonic,
    toMonotonic,
    body,
  };
}
