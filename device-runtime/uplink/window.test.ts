import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { acknowledged, connected, decide, type Schedule, taken } from './schedule.ts';
import { LinkWindow, leastBytes, type SentBatch } from './window.ts';

const test = suite('window');

const most = 2 * 1024 * 1024;
const weight = 12;

/** A link as a queue: bytes leave one after the other at its rate, and are acknowledged a round trip later. */
interface SimulatedLink {
  /** Bytes (weights) a millisecond, at a time. */
  readonly rate: (now: number) => number;
  /** Milliseconds there and back, at a time, without any queue. */
  readonly trip: (now: number) => number;
  /** Milliseconds the cloud gathers before it commits: acknowledgements come in bursts. */
  readonly gather?: number;
}

interface Outcome {
  readonly window: LinkWindow;
  /** Readings of the backlog acknowledged. */
  readonly drained: number;
  /** Milliseconds from a live reading to its acknowledgement, one after the other, with the time each came. */
  readonly live: readonly { readonly at: number; readonly took: number }[];
}

/** Drains an endless backlog for a time, with a live reading every 100 ms. */
function simulate(link: SimulatedLink, milliseconds: number): Outcome {
  const window = new LinkWindow(most);
  const backlog = 1e9;
  let schedule: Schedule = connected([{ first: 0, last: backlog - 1 }], backlog);
  let next = backlog;
  let freeAt = 0;
  let drained = 0;
  const live: { at: number; took: number }[] = [];
  const flights: {
    at: number;
    position: number;
    count: number;
    batch: SentBatch;
    lane: string;
    came: number;
  }[] = [];
  let waitingSince: number | undefined;
  for (let now = 0; now < milliseconds; now++) {
    if (now % 100 === 0) {
      next++;
      waitingSince ??= now;
      schedule = {
        ...schedule,
        liveBytes: schedule.liveBytes + weight,
        liveSince: schedule.liveSince ?? now,
      };
    }
    while (flights[0] !== undefined && flights[0].at <= now) {
      const flight = flights.shift() as (typeof flights)[number];
      window.acknowledged(flight.batch, now);
      schedule = acknowledged(schedule, flight.position);
      if (flight.lane === 'live') live.push({ at: flight.came, took: now - flight.came });
      else drained += flight.count;
    }
    for (;;) {
      const bounds = { windowBytes: window.bytes, backlogBytes: window.backlogBytes, maxDelay: 0 };
      const decision = decide(schedule, next, now, bounds);
      if (decision.kind !== 'cut') break;
      const { range, maxBytes, lane } = decision;
      const count = Math.min(range.last - range.first + 1, Math.floor(maxBytes / weight));
      const bytes = count * weight;
      const entries = { length: count } as never;
      schedule = taken(
        schedule,
        decision,
        { position: range.first, count, header: {} as never, entries, bytes },
        now,
      );
      // A packet's headers, too.
      freeAt = Math.max(freeAt, now) + (bytes + 150) / link.rate(now);
      const there = freeAt + link.trip(now);
      const at = link.gather === undefined ? there : Math.ceil(there / link.gather) * link.gather;
      const came = lane === 'live' ? (waitingSince ?? now) : now;
      if (lane === 'live') waitingSince = undefined;
      flights.push({ at, position: range.first, count, batch: window.sent(bytes, now), lane, came });
    }
  }
  return { window, drained, live };
}

const worst = ({ live }: Outcome, from: number, to = Number.POSITIVE_INFINITY): number =>
  Math.max(...live.filter(({ at }) => at >= from && at < to).map(({ took }) => took));

test('a slow link of 64 kbit/s keeps live readings ahead of its backlog by all but a second', () => {
  // 8 kB/s on the wire; a reading of weight 12 takes about 6 there.
  const outcome = simulate({ rate: () => 16, trip: () => 200 }, 60_000);
  assert.ok(worst(outcome, 0) < 2000, `at the start ${worst(outcome, 0)} ms`);
  assert.ok(worst(outcome, 5000) < 1200, `later ${worst(outcome, 5000)} ms`);
  // And is used all the same: two thirds at least, counting what packets cost.
  assert.ok(outcome.drained * weight > (60_000 * 16 * 2) / 3, `${outcome.drained} readings`);
});

test('a million readings drain over 100 ms as fast as the cloud takes them, and live ones stay ahead', () => {
  // 300,000 readings a second at the far end, committed every 5 ms.
  const outcome = simulate({ rate: () => 300 * weight, trip: () => 100, gather: 5 }, 10_000);
  assert.ok(outcome.drained > 1_000_000 * 2, `${outcome.drained} readings in 10 s`);
  assert.ok(worst(outcome, 0) < 500, `live ${worst(outcome, 0)} ms`);
  assert.ok(outcome.window.bytes <= most);
});

test('the window never passes the most it may be, nor falls below what an entry needs', () => {
  const fat = simulate({ rate: () => 1e6, trip: () => 300 }, 5000);
  assert.is(fat.window.bytes, most);
  const thin = simulate({ rate: () => 1, trip: () => 300 }, 60_000);
  assert.is(thin.window.bytes, leastBytes);
});

test('a link that turns slow gets its smaller window within the time its queue takes', () => {
  const turn = 10_000;
  const outcome = simulate({ rate: (now) => (now < turn ? 2000 : 50), trip: () => 60 }, 60_000);
  assert.ok(outcome.window.bytes < 40 * 1024, `${outcome.window.bytes}`);
  assert.ok(worst(outcome, 30_000) < 1000, `live ${worst(outcome, 30_000)} ms`);
});

test('a link that turns fast gets its larger window in seconds', () => {
  const turn = 10_000;
  const slow = simulate({ rate: (now) => (now < turn ? 16 : 2000), trip: () => 100 }, turn);
  const both = simulate({ rate: (now) => (now < turn ? 16 : 2000), trip: () => 100 }, turn + 5000);
  const rate = ((both.drained - slow.drained) * weight) / 5000;
  assert.ok(rate > 1000, `${rate} bytes a millisecond of 2000`);
});

test('a path that becomes longer is seen behind a backlog of our own', () => {
  const outcome = simulate({ rate: () => 1000, trip: (now) => (now < 5000 ? 60 : 400) }, 40_000);
  const { roundTrip = 0 } = outcome.window;
  assert.ok(roundTrip >= 400 && roundTrip < 600, `${roundTrip}`);
  const before = simulate({ rate: () => 1000, trip: (now) => (now < 5000 ? 60 : 400) }, 30_000);
  const rate = ((outcome.drained - before.drained) * weight) / 10_000;
  assert.ok(rate > 600, `${rate} bytes a millisecond of 1000`);
});

test('before anything is known the window is small, and the round trip unknown', () => {
  const window = new LinkWindow(most);
  assert.is(window.bytes, leastBytes);
  assert.is(window.roundTrip, undefined);
  window.acknowledged(window.sent(12, 1000), 1080);
  assert.is(window.roundTrip, 80);
});

test.run();
