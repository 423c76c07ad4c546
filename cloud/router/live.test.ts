import { decodeBatch, type Entry, encodeBatch, type Reading } from '@loadline/sdk/telemetry';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Channels } from './directory.ts';
import { type Committed, Live, type LiveEvent, type LiveSeries } from './live.ts';

const wall = 1_790_000_000_000;
const organisation = { id: 'first' };

function reading(monotonic: number, value: number, over: Partial<Reading> = {}): Entry {
  return {
    kind: 'reading',
    port: 'radio',
    base: 1,
    tag: 1,
    aspect: 'heard',
    calibration: undefined,
    monotonic,
    value: { type: 'int32', value },
    flags: 0,
    status: 0,
    quality: { kind: 'none' },
    ...over,
  };
}

function committed(entries: readonly Entry[], over: Partial<Committed> = {}): Committed {
  const [epoch, boot] = ['e0'.repeat(16), 'b0'.repeat(16)];
  const header = { epoch, boot, parent: undefined, oldest: 0, first: 0, dropped: [] };
  return {
    device: {
      number: 1,
      id: 'mast',
      organisation,
      kind: 'gateway',
      enabled: true,
      retired: null,
      channels: new Channels(),
      name: 'mast',
      department: null,
      customer: null,
      reported: undefined,
    },
    batch: decodeBatch(encodeBatch(header, entries)),
    fresh: [{ first: 0, last: entries.length - 1 }],
    timeline: [{ monotonic: 0, wall }],
    now: wall + 60_000,
    ...over,
  };
}

/** What a follower is told of the news, in one event. */
async function told(news: readonly Committed[]): Promise<readonly LiveSeries[]> {
  const live = new Live();
  return await new Promise((resolve) => {
    const unfollow = live.follow(organisation, (series) => {
      unfollow();
      resolve(series);
    });
    for (const one of news) live.publish(one);
  });
}

test('each aspect of a tag is told apart, in physical values, gathered over deliveries', async () => {
  const calibration = { gain: 0.5, offset: 1 };
  const series = await told([
    committed([reading(10, 4, { calibration }), reading(20, 7, { aspect: 'mean' })]),
    committed([reading(30, 6, { calibration })]),
  ]);
  assert.equal(series, [
    {
      device: 'mast',
      tag: 1,
      name: null,
      unit: null,
      aspect: 'heard',
      points: [
        [wall + 10, 3],
        [wall + 30, 4],
      ],
      skipped: 0,
    },
    {
      device: 'mast',
      tag: 1,
      name: null,
      unit: null,
      aspect: 'mean',
      points: [[wall + 20, 7]],
      skipped: 0,
    },
  ]);
});

test('what was there before, what has no time and what lies in the future is not told', async () => {
  const series = await told([
    committed([reading(10, 1)], { timeline: undefined }),
    committed([reading(10, 2), reading(20, 3), reading(9_000_000, 4)], { fresh: [{ first: 1, last: 2 }] }),
  ]);
  assert.equal(
    series.map(({ points }) => points),
    [[[wall + 20, 3]]],
  );
});

test('of events those are told that are new, with their times as far as they are known', async () => {
  const event = (monotonic: number): Entry => ({
    kind: 'event',
    monotonic,
    code: 'sensor-stale',
    subject: '25DF',
    detail: `${monotonic}`,
  });
  const entries = [event(10), event(20), event(30)];
  const live = new Live();
  const heard = new Promise<readonly LiveEvent[]>((resolve) => {
    const unfollow = live.followEvents(organisation, (events) => {
      unfollow();
      resolve(events);
    });
  });
  live.followEvents({ id: 'second' }, () => assert.unreachable());
  live.publish(committed(entries, { fresh: [{ first: 1, last: 1 }] }));
  live.publish(committed(entries, { fresh: [{ first: 2, last: 2 }], timeline: undefined }));
  assert.equal(
    (await heard).map(({ device, number, detail, time }) => [device, number, detail, time]),
    [
      ['mast', 1, '20', wall + 20],
      ['mast', 2, '30', null],
    ],
  );
});

test('a series that its device calls by name is told with its name and unit', async () => {
  const news = committed([reading(10, 1)]);
  news.device.channels.put({ number: 1, name: 'temp', unit: 'Cel' });
  const [series] = await told([news]);
  assert.equal([series?.name, series?.unit], ['temp', 'Cel']);
});

/** A clock that a test moves; what is told, and when. */
function clocked() {
  const clock = { now: 1000 };
  const due: { readonly at: number; readonly run: () => void }[] = [];
  const live = new Live(
    () => clock.now,
    (milliseconds, run) => due.push({ at: clock.now + milliseconds, run }),
  );
  /** Lets the time pass until what is due next. */
  const rested = () => {
    const next = due.shift();
    assert.ok(next, 'it rests');
    clock.now = Math.max(clock.now, next.at);
    next.run();
  };
  const heard: { at: number; values: (number | null)[] }[] = [];
  live.follow(organisation, (series) => {
    heard.push({ at: clock.now, values: series.flatMap(({ points }) => points.map(([, value]) => value)) });
  });
  return { clock, live, heard, rested };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test('after a silence it is told within the turn; what is committed right after that waits, and comes as one', async () => {
  const { clock, live, heard, rested } = clocked();
  live.publish(committed([reading(10, 1)]));
  live.publish(committed([reading(20, 2)]));
  assert.equal(heard, []);
  await turn();
  assert.equal(heard, [{ at: 1000, values: [1, 2] }]);
  live.publish(committed([reading(30, 3)]));
  await turn();
  live.publish(committed([reading(40, 4)]));
  await turn();
  assert.is(heard.length, 1, 'nothing is told while it rests');
  rested();
  assert.is(heard.length, 2);
  assert.equal(heard[1]?.values, [3, 4]);
  clock.now += 1000;
  live.publish(committed([reading(50, 5)]));
  await turn();
  assert.equal(heard[2]?.values, [5]);
});

test('it rests longer the more telling costs', async () => {
  const { clock, live, heard, rested } = clocked();
  live.follow(organisation, () => {
    clock.now += 20;
  });
  live.publish(committed([reading(10, 1)]));
  await turn();
  clock.now += 40;
  live.publish(committed([reading(20, 2)]));
  await turn();
  assert.is(heard.length, 1);
  rested();
  assert.is(heard.length, 2);
});

test('of more readings of a series than an event holds the newest are told, and how many there were before', async () => {
  const entries = Array.from({ length: 600 }, (_, index) => reading(index, index));
  const [series] = await told([committed(entries)]);
  assert.equal([series?.points.length, series?.skipped], [500, 100]);
  assert.equal(series?.points.at(-1), [wall + 599, 599]);
});

test.run();
