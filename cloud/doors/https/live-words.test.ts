import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { LiveSeries } from '../../router/index.ts';
import { inEvents } from './live-words.ts';

function series(tag: number, points: number): LiveSeries {
  return {
    ...{ device: 'mast', tag, name: null, unit: null, aspect: 'heard', skipped: 0 },
    points: Array.from({ length: points }, (_, index) => [1_790_000_000_000 + index, index]),
  };
}

const dataOf = (event: string) => JSON.parse(/^event: readings\ndata: (.*)\n\n$/.exec(event)?.[1] ?? '');

test('what is little is one event, and says what is known of its series', () => {
  const named = { ...series(0x25df, 1), name: 'temp', unit: 'Cel', skipped: 7 };
  const { events, left } = inEvents([series(1, 1), named]);
  assert.is(events.length, 1);
  assert.equal(left, []);
  assert.equal(dataOf(events[0] ?? ''), [
    { device: 'mast', tag: '0001', aspect: 'heard', points: [[1_790_000_000_000, 0]] },
    {
      ...{ device: 'mast', tag: '25DF', name: 'temp', unit: 'Cel', aspect: 'heard' },
      ...{ points: [[1_790_000_000_000, 0]], skipped: 7 },
    },
  ]);
  assert.equal(inEvents([]), { events: [], left: [] });
});

test('what is much is several events, each of bounded length, and beyond a bound it is left', () => {
  const all = Array.from({ length: 1500 }, (_, tag) => series(tag, 500));
  const { events, left } = inEvents(all);
  const told = events.flatMap((event) => dataOf(event).map(({ tag }: { tag: string }) => tag));
  assert.ok(events.length > 1);
  for (const event of events) assert.ok(event.length < 1.1 * 1024 * 1024, `${event.length}`);
  assert.ok(events.join('').length < 8.1 * 1024 * 1024);
  assert.ok(left.length > 0);
  assert.is(told.length + left.length, all.length);
  assert.is(new Set(told).size, told.length);
});

test.run();
