import { entryWeight } from '@loadline/sdk/telemetry';
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Journal, Run } from '../journal/index.ts';
import {
  acknowledged,
  appended,
  connected,
  type Decision,
  decide,
  lanes,
  liveGap,
  type Schedule,
  type ScheduleLimits,
  taken,
} from './schedule.ts';
import { reading, TestJournals } from './test-journal.ts';

const test = suite('schedule');

const weight = entryWeight(reading());
const journals = new TestJournals();
test.after.each(() => journals.closeAll());

/** A journal, a clock set by hand, and a link that publishes into a list. */
class Bench {
  readonly journal: Journal;
  limits: ScheduleLimits;
  schedule: Schedule | undefined;
  now = 0;
  liveFrom = 0;
  readonly received = new Map<number, number>();
  readonly #runs = new Map<number, Run>();

  private constructor(limits: ScheduleLimits, journal: Journal) {
    this.limits = limits;
    this.journal = journal;
  }

  static async open(limits: ScheduleLimits, journalBytes?: number): Promise<Bench> {
    return new Bench(limits, await journals.open(journalBytes));
  }

  append(count: number): void {
    for (let index = 0; index < count; index++) {
      this.journal.append(reading());
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
      if (run === undefined) continue;
      this.#runs.set(run.position, run);
      published.push(`${decision.lane} ${run.position}+${run.entries.length}`);
    }
    return published;
  }

  acknowledge(index: number): void {
    const flight = this.schedule?.inFlight[index];
    if (this.schedule === undefined || flight === undefined) return;
    for (let each = flight.position; each < flight.position + flight.count; each++) {
      this.received.set(each, (this.received.get(each) ?? 0) + 1);
    }
    this.journal.acknowledge(this.#runs.get(flight.position) as Run);
    this.schedule = acknowledged(this.schedule, flight.position);
  }
}

const roomy = bounds(64 * 1024);

function bounds(windowBytes: number, maxDelay = 0): ScheduleLimits {
  return { windowBytes, backlogBytes: windowBytes, maxDelay };
}

test('sends a reading at once on an idle link, and lets the next gather until it is acknowledged', async () => {
  const bench = await Bench.open(roomy);
  bench.connect();
  bench.append(1);
  assert.equal(bench.pump(), ['live 0+1']);
  bench.append(3);
  assert.equal(bench.pump(), []);
  assert.equal(bench.decide(), { kind: 'idle' });
  bench.acknowledge(0);
  bench.now = liveGap;
  assert.equal(bench.pump(), ['live 1+3']);
});

test('gathers for a moment after a batch, however soon that was acknowledged', async () => {
  const bench = await Bench.open(roomy);
  bench.connect();
  bench.append(1);
  bench.pump();
  bench.now = liveGap - 1;
  bench.acknowledge(0);
  bench.append(1);
  assert.equal(bench.decide(), { kind: 'wait', until: liveGap });
  bench.append(1);
  bench.now = liveGap;
  assert.equal(bench.pump(), ['live 1+2']);
});

test('lets a full batch leave while another is in flight, as long as the window has room', async () => {
  const bench = await Bench.open(roomy);
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
  bench.now = liveGap;
  assert.equal(bench.pump(), [`live ${full + 1}+1`]);
});

test('waits for its delay on an idle link, and not at all for a full batch', async () => {
  const bench = await Bench.open({ ...roomy, maxDelay: 1000 });
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

test('sends what is new ahead of what has waited, and fills the window with the latter', async () => {
  const bench = await Bench.open(roomy);
  const perBatch = Math.floor(lanes(roomy).backlog / weight);
  bench.append(perBatch * 5);
  bench.connect();
  assert.equal(bench.pump(), [`backlog 0+${perBatch}`, `backlog ${perBatch}+${perBatch}`]);
  bench.append(2);
  assert.equal(bench.pump(), [`live ${perBatch * 5}+2`]);
  bench.acknowledge(2);
  bench.now = liveGap;
  bench.append(1);
  bench.acknowledge(0);
  assert.equal(bench.pump(), [`live ${perBatch * 5 + 2}+1`, `backlog ${perBatch * 2}+${perBatch - 1}`]);
  bench.acknowledge(1);
  assert.equal(bench.pump(), [], 'room for one reading is not worth a batch of backlog');
});

test('takes up after a lost link exactly what was not acknowledged', async () => {
  const bench = await Bench.open(roomy);
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

test('passes over what the journal dropped meanwhile', async () => {
  const bench = await Bench.open(roomy, 64 * 1024);
  bench.append(100);
  bench.connect();
  bench.append(10_000);
  const oldest = bench.journal.heldRanges()[0]?.first ?? 0;
  assert.ok(oldest > 100, 'the journal has dropped all that was there before the link');
  const published = bench.pump();
  assert.ok(published[0]?.startsWith(`live ${oldest}+`), published[0]);
  while ((bench.schedule?.inFlight.length ?? 0) > 0) {
    bench.acknowledge(0);
    bench.pump();
  }
  assert.equal(bench.schedule?.backlog, []);
});

test('lets a backlog wait while its part of the window is small, and nothing live behind it', async () => {
  const bench = await Bench.open(roomy);
  bench.append(10_000);
  bench.connect();
  bench.pump();
  bench.limits = { ...roomy, backlogBytes: 8 * 1024 };
  bench.append(1);
  assert.equal(bench.pump(), ['live 10000+1']);
  bench.acknowledge(2);
  bench.acknowledge(0);
  assert.equal(bench.pump(), [], 'one of two batches is still in flight');
  bench.acknowledge(0);
  assert.is(bench.pump().length, 2);
  assert.ok((bench.schedule?.flying ?? 0) <= 6 * 1024);
});

test('loses nothing, acknowledges nothing twice, keeps to its window and never idles without cause', async () => {
  const windowBytes = fc.integer({ min: 8 * 1024, max: 64 * 1024 });
  const maxDelay = fc.constantFrom(0, 200);
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.record({ kind: fc.constant('append' as const), count: fc.nat(2000) }) },
    { weight: 6, arbitrary: fc.record({ kind: fc.constant('acknowledge' as const), index: fc.nat(5) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('connect' as const) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('lose' as const) }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('pass' as const), time: fc.nat(300) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('resize' as const), bytes: windowBytes }) },
  );
  const journalBytes = fc.constantFrom(1e9, 200_000);
  await fc.assert(
    fc.asyncProperty(
      windowBytes,
      maxDelay,
      journalBytes,
      fc.array(step, { maxLength: 60 }),
      async (bytes, delay, capacity, steps) => {
        let limits = bounds(bytes, delay);
        const bench = await Bench.open(limits, capacity);
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
            case 'resize':
              limits = bounds(each.bytes, delay);
              bench.limits = limits;
              break;
          }
          const before = bench.schedule?.flying ?? 0;
          const published = bench.pump();
          if (bench.schedule === undefined) continue;
          // What is new goes first, so in one go nothing new follows what has waited.
          const firstBacklog = published.findIndex((one) => one.startsWith('backlog'));
          const lastLive = published.findLastIndex((one) => one.startsWith('live'));
          assert.ok(firstBacklog < 0 || lastLive < firstBacklog, published.join());
          const { inFlight, flying } = bench.schedule;
          assert.ok(flying <= Math.max(limits.windowBytes, before));
          assert.is(
            flying,
            inFlight.reduce((sum, { bytes }) => sum + bytes, 0),
          );
          const numbers = inFlight.flatMap(({ position, count }) =>
            Array.from({ length: count }, (_, i) => position + i),
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
        await journals.closeAll();
        assert.ok(
          [...bench.received.values()].every((times) => times === 1),
          'something was acknowledged twice',
        );
      },
    ),
    { numRuns: 100 },
  );
});

test.run();
