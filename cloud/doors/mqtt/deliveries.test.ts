// Commits that come back in another order than the publishes came in, and what waits for them.
import { limits } from '@loadline/sdk/contract';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Receipt } from '../../router/index.ts';
import { Deliveries, type DeliveryParts } from './deliveries.ts';

const test = suite('deliveries of a link');

type Delivered = Parameters<DeliveryParts['router']['deliver']>;

/** A link whose deliveries are settled by the test, in whatever order it likes. */
function open() {
  const settling: ((receipt: Receipt) => void)[] = [];
  const acknowledged: number[] = [];
  const holds: string[] = [];
  const connection = {
    once: () => undefined,
    hold: () => holds.push('hold'),
    release: () => holds.push('release'),
  };
  const parts = {
    link: { ending: false, connection },
    router: { deliver: (_: Delivered[0], settle: Delivered[1]) => void settling.push(settle) },
    log: {},
    monotonic: () => 0,
    who: { gateway: 'mast' },
    proof: 'certificate',
  } as unknown as DeliveryParts;
  const deliveries = new Deliveries(parts, (_, settle) => settle());
  return {
    acknowledged,
    holds,
    take(number: number, bytes = 10) {
      const delivery = { channel: 'telemetry', body: new Uint8Array(bytes) } as unknown as Delivered[0];
      deliveries.take(delivery, () => acknowledged.push(number));
    },
    commit: (number: number) => settling[number]?.({ kind: 'committed', stored: 1, duplicate: 0 }),
  };
}

test('are acknowledged in the order they came in, whatever is committed first', () => {
  const { take, commit, acknowledged } = open();
  for (const number of [0, 1, 2, 3]) take(number);
  commit(2);
  commit(1);
  assert.equal(acknowledged, [], 'the first is not committed');
  commit(0);
  assert.equal(acknowledged, [0, 1, 2]);
  commit(3);
  assert.equal(acknowledged, [0, 1, 2, 3]);
});

test('past a bound of bytes nothing more is read, until half of it is committed', () => {
  const { take, commit, holds } = open();
  take(0, limits.mqttPendingBytes);
  assert.equal(holds, []);
  take(1, 1);
  assert.equal(holds, ['hold']);
  take(2, 1);
  commit(1);
  assert.equal(holds, ['hold'], 'nothing has been acknowledged');
  commit(0);
  assert.equal(holds, ['hold', 'release']);
});

test.run();
