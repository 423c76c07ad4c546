import { randomBytes } from 'node:crypto';
import { type Entry, encodeBatch } from '@loadline/sdk/telemetry';

/**
 * Batches of one epoch, each going on where the last one ended; every batch of `readings` readings of `series` tags.
 * `parent`: the epoch that this one names as the one before it.
 */
export function batchMaker(
  options: { readings?: number; series?: number; parent?: string } = {},
): () => Uint8Array {
  const { readings = 3, series = 1, parent } = options;
  const epoch = randomBytes(16).toString('hex');
  const boot = randomBytes(16).toString('hex');
  let next = 0;
  return () => {
    const entries: Entry[] =
      next > 0 ? [] : [{ kind: 'anchor', monotonic: 0, wall: Date.now(), uncertainty: 1 }];
    for (let index = 0; index < readings; index++) {
      entries.push({
        kind: 'reading',
        port: 'radio',
        base: 1,
        tag: 0x1000 + (index % series),
        aspect: 'heard',
        calibration: undefined,
        monotonic: next + index,
        value: { type: 'float32', value: 12.5 },
        flags: 0,
        status: 0,
        quality: { kind: 'none' },
      });
    }
    const batch = encodeBatch(
      {
        epoch,
        parent: parent === undefined ? undefined : { epoch: parent, last: 0 },
        boot,
        oldest: 0,
        first: next,
        dropped: [],
      },
      entries,
    );
    next += entries.length;
    return batch;
  };
}
