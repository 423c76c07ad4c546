import { gatewayTopic } from '@loadline/sdk/contract';
import { type Entry, encodeBatch } from '@loadline/sdk/telemetry';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Doors, openDoors, ours, Wire } from '../test-doors.ts';

const test = suite('a series by the buckets of a calendar');

/** The day on which clocks of Berlin went back: it has 25 hours. */
const midnight = Date.parse('2026-10-25T00:00+02:00');
const hour = 3_600_000;

let doors: Doors;
test.before(async () => {
  doors = await openDoors();
  const wire = await Wire.open(doors, await doors.prove(ours), ours);
  const entries: Entry[] = [{ kind: 'anchor', monotonic: 0, wall: midnight, uncertainty: 1 }];
  for (let at = 0; at < 26; at++) {
    entries.push({
      ...{ kind: 'reading', port: 'radio', base: 1, tag: 1, aspect: 'heard', calibration: undefined },
      monotonic: at * hour,
      value: { type: 'uint8', value: at },
      ...{ flags: 0, status: 0, quality: { kind: 'none' } },
    } as Entry);
  }
  const header = { epoch: 'e0'.repeat(16), boot: 'b0'.repeat(16), parent: undefined, oldest: 0, first: 0 };
  const payload = Buffer.from(encodeBatch({ ...header, dropped: [] }, entries));
  const topic = gatewayTopic(ours, 'telemetry');
  wire.send({ cmd: 'publish', topic, payload, qos: 1, messageId: 1, retain: false, dup: false });
  await wire.got('puback');
  wire.socket.destroy();
});
test.after(() => doors.close());

const from = new Date(midnight).toISOString();
const to = new Date(midnight + 30 * hour).toISOString();
const ask = (query: object) =>
  doors.organisation.getAggregates({ device: ours, series: '0001', query: query as never });

test('days are those of the zone, also where one of them has 25 hours', async () => {
  const { buckets } = await ask({ from, to, by: 'day', zone: 'Europe/Berlin' });
  assert.equal(
    buckets.map(({ count, min, max, mean, first, last }) => [count, min, max, mean, first, last]),
    [
      [25, 0, 24, 12, 0, 24],
      [1, 25, 25, 25, 25, 25],
    ],
  );
  const utc = await ask({ from, to, by: 'day' });
  assert.equal(
    utc.buckets.map(({ count }) => count),
    [2, 24, 0],
  );
});

test('a zone that is none, times the wrong way round, and too many buckets are refused with the reason', async () => {
  for (const [query, why] of [
    [{ from, to, by: 'day', zone: 'Middle/Earth' }, /zone/],
    [{ from: to, to: from, by: 'day' }, /from: lies after to/],
    [{ from, to: '2026-12-25T00:00:00Z', by: 'minute' }, /more than 2000 buckets/],
    [{ from, to, by: 'fortnight' }, /by/],
  ] as const) {
    const error = await ask(query).then(
      () => undefined,
      (thrown: Error & { status?: number }) => thrown,
    );
    assert.is(error?.status, 400);
    assert.match(error?.message ?? '', why);
  }
});

test.run();
