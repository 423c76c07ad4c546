import { type Entry, entryWeight } from '@loadline/sdk/telemetry';
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MemoryJournal } from '../journal/index.ts';
import {
  acknowledged,
  appended,
  connected,
  type Decision,
  decide,
  lanes,
  type Schedule,
  type ScheduleLimits,
  taken,
} from './schedule.ts';

const test = suite('schedule');

const reading: Entry = {
  kind: 'reading',
  port: 'radio',
  base: 1,
  tag: 0x25df,
  monotonic: 0,
  value: { type: 'float32', value: 1 },
  flags: 0,
  status: 0,
  quality: { kind: 'radio', rssi: 0, cv: 0 },
};
const weight = entryWeight(reading);

/** A journal, a clock set by hand, and a link that publishes into a list. */
class Bench {
  readonly journal: MemoryJournal;
  readonly limits: ScheduleLimits;
  schedule: Schedule | undefined;
  now = 0;
  liveFrom = 0;
  readonly received = new Map<number, number>();

  constructor(limits: ScheduleLimits, journalBytes = 1e9) {
    this.limits = limits;
    this.journal = new MemoryJournal(journalBytes);
  }

  append(count: number): void {
    for (let index = 0; index < count; index++) {
      this.journal.append(reading);
      if (this.schedule) this.schedule = appended(this.schedule, weight, this.now);
    }
  }

  connect(): void {
    this.liveFrom = this.journal.next;
    this.schedule = connected(this.journal.heldRanges(), this.journal.next);
  }

  decide(): Decision {
    assert.ok(this.schedule);
    return decide(this.schedule, this.journal.next, this.now, this.limits);
  }

  /** Publishes all that may be published now; returns the lanes. */
  pump(): string[] {
    const published: string[] = [];
    while (this.schedule) {
      const decision = this.decide();
      if (decision.kind !== 'cut') break;
      const run = this.journal.cut(decision.range, decision.maxBytes, 16_384);
      if (run === undefined && this.journal.heldIn(decision.range) !== undefined) break;
      this.schedule = taken(this.schedule, decision, run, this.now);
      if (run !== undefined) published.push(`${decision.lane} ${run.first}+${run.entries.length}`);
    }
    return published;
  }

  acknowledge(index: number): void {
    const flight = this.schedule?.inFlight[index];
    if (this.schedule === undefined || flight === undefined) return;
    for (let number = flight.first; number < flight.first + flight.count; number++) {
      this.received.set(number, (this.received.get(number) ?? 0) + 1);
    }
    this.journal.retire(flight.first, flight.count);
    this.schedule = acknowledged(this.schedule, flight.first);
  }
}

const roomy: ScheduleLimits = { windowBytes: 256 * 1024, maxDelay: 0 };

test('sends a reading at once on an idle link, and lets the next gather until it is acknowledged', () => {
  const bench = new Bench(roomy);
  bench.connect();
  bench.append(1);
  assert.equal(bench.pump(), ['live 0+1']);
  bench.append(3);
  assert.equal(bench.pump(), []);
  assert.equal(bench.decide(), { kind: 'idle' });
  bench.acknowledge(0);
  assert.equal(bench.pump(), ['live 1+3']);
});

test('lets a full batch leave while another is in flight, as long as the window has room', () => {
  const bench = new Bench(roomy);
  bench.connect();
  bench.append(1);
  bench.pump();
  const full = Math.floor(lanes(roomy).live / weight);
  bench.append(full);
  assert.equal(bench.pump(), []);
  bench.append(1);
  assert.equal(bench.pump(), [`live 1+${full}`]);
  bench.acknowledge(0);
  bench.acknowledge(0);
  assert.equal(bench.pump(), [`live ${full + 1}+1`]);
});

test('waits for its delay on an idle link, and not at all for a full batch', () => {
  const bench = new Bench({ ...roomy, maxDelay: 1000 });
  bench.connect();
  bench.now = 50;
  bench.append(1);
  bench.now = 60;
  bench.append(1);
  assert.equal(bench.decide(), { kind: 'wait', until: 1050 });
  bench.now = 1050;
  assert.equal(bench.pump(), ['live 0+2']);
  bench.acknowledge(0);
  bench.append(Math.ceil(lanes(roomy).live / weight));
  assert.is(bench.pump().length, 1);
});

test('sends what is new ahead of what has waited, and fills the window with the latter', () => {
  const bench = new Bench(roomy);
  const perBatch = Math.floor(lanes(roomy).backlog / weight);
  bench.append(perBatch * 5);
  bench.connect();
  assert.equal(bench.pump(), [`backlog 0+${perBatch}`, `backlog ${perBatch}+${perBatch}`]);
  bench.append(2);
  assert.equal(bench.pump(), [`live ${perBatch * 5}+2`]);
  bench.acknowledge(2);
  bench.append(1);
  bench.acknowledge(0);
  assert.equal(bench.pump(), [`live ${perBatch * 5 + 2}+1`, `backlog ${perBatch * 2}+${perBatch - 1}`]);
  bench.acknowledge(1);
  assert.equal(bench.pump(), [], 'room for one reading is not worth a batch of backlog');
});

test('takes up after a lost link exactly what was not acknowledged', () => {
  const bench = new Bench(roomy);
  bench.connect();
  bench.append(1);
  bench.pump();
  bench.append(3);
  bench.acknowledge(0);
  bench.pump();
  bench.schedule = undefined;
  bench.append(2);
  bench.connect();
  assert.equal(bench.pump(), ['backlog 1+5']);
});

test('passes over what the journal dropped meanwhile', () => {
  const one = new MemoryJournal(1e9);
  one.append(reading);
  const bench = new Bench({ windowBytes: 16 * 1024, maxDelay: 0 }, one.heldBytes * 10);
  bench.append(10);
  bench.connect();
  bench.append(30);
  bench.pump();
  assert.equal(
    bench.schedule?.inFlight.map(({ first, count }) => [first, count]),
    [[30, 10]],
  );
});

test('loses nothing, acknowledges nothing twice, keeps to its window and never idles without cause', () => {
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.record({ kind: fc.constant('append' as const), count: fc.nat(2000) }) },
    { weight: 6, arbitrary: fc.record({ kind: fc.constant('acknowledge' as const), index: fc.nat(5) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('connect' as const) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('lose' as const) }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('pass' as const), time: fc.nat(300) }) },
  );
  const bounds = fc.record({
    windowBytes: fc.integer({ min: 16 * 1024, max: 64 * 1024 }),
    maxDelay: fc.constantFrom(0, 200),
  });
  const journalBytes = fc.constantFrom(1e9, 200_000);
  fc.assert(
    fc.property(bounds, journalBytes, fc.array(step, { maxLength: 60 }), (limits, capacity, steps) => {
      const bench = new Bench(limits, capacity);
      for (const each of steps) {
        switch (each.kind) {
          case 'append':
            bench.append(each.count);
            break;
          case 'acknowledge':
            bench.acknowledge(each.index);
            break;
          case 'connect':
            if (bench.schedule === undefined) bench.connect();
            break;
          case 'lose':
            bench.schedule = undefined;
            break;
          case 'pass':
            bench.now += each.time;
            break;
        }
        const published = bench.pump();
        if (bench.schedule === undefined) continue;
        // What is new goes first, so in one go nothing new follows what has waited.
        const firstBacklog = published.findIndex((one) => one.startsWith('backlog'));
        const lastLive = published.findLastIndex((one) => one.startsWith('live'));
        assert.ok(firstBacklog < 0 || lastLive < firstBacklog, published.join());
        const { inFlight, flying } = bench.schedule;
        assert.ok(flying <= limits.windowBytes);
        assert.is(
          flying,
          inFlight.reduce((sum, { bytes }) => sum + bytes, 0),
        );
        const numbers = inFlight.flatMap(({ first, count }) =>
          Array.from({ length: count }, (_, i) => first + i),
        );
        assert.is(new Set(numbers).size, numbers.length, 'a number is in flight twice');
        if (inFlight.length === 0 && bench.journal.held > 0) assert.is(bench.decide().kind, 'wait');
      }
      bench.schedule = undefined;
      bench.connect();
      for (let round = 0; bench.journal.held > 0 && round < 10_000; round++) {
        bench.pump();
        bench.acknowledge(0);
      }
      assert.is(bench.received.size + bench.journal.dropped, bench.journal.next, 'something was lost');
      assert.ok(
        [...bench.received.values()].every((times) => times === 1),
        'something was acknowledged twice',
      );
    }),
    { numRuns: 200 },
  );
});

test.run();
