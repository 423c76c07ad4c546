import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { limits } from '../../contract/index.ts';
import { linesOf } from './socket-lines.ts';

const key = { id: 'sock_AAAAAAAAAAAAAAAAAAAAAAAA', secret: Buffer.alloc(32, 7) };
const time = 1_795_000_000_000;
const readings = Array.from({ length: 2000 }, (_, value) => ({ name: 'x'.repeat(60), value, time }));
const delivery = (number: number) => ({ number, key: `${number}-0123456789ab`, readings });

test('deliveries that begin in one millisecond share no counter, and fit into the window', () => {
  const [first, second] = [time, time + 1].map((number) =>
    linesOf(delivery(number), { kind: 'signed', key }).map(({ id }) => Number(id)),
  );
  assert.ok(first !== undefined && second !== undefined && first.length > 10);
  assert.ok(first.length <= limits.socketCounterWindow);
  assert.ok(Math.max(...first) < Math.min(...second));
  assert.ok(Number.isSafeInteger(Math.max(...second)));
});

test.run();
