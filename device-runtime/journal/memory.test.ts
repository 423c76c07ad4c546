import type { Entry } from '@loadline/sdk/telemetry';
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MemoryJournal } from './memory.ts';

const test = suite('journal in memory');

const entry = (monotonic: number): Entry => ({
  kind: 'reading',
  port: 'radio',
  base: 1,
  tag: 0x25df,
  monotonic,
  value: { type: 'float32', value: 1 },
  flags: 0,
  status: 0,
  quality: { kind: 'radio', rssi: 0, cv: 0 },
});

/** A journal bounded to `capacity` entries like `entry`. */
function journalOf(capacity: number): MemoryJournal {
  const one = new MemoryJournal(1e9);
  one.append(entry(0));
  return new MemoryJournal(one.heldBytes * capacity);
}

function fill(journal: MemoryJournal, count: number): MemoryJournal {
  for (let index = 0; index < count; index++) journal.append(entry(journal.next));
  return journal;
}

const everything = { first: 0, last: Number.MAX_SAFE_INTEGER };

test('names every opening anew and numbers from 0', () => {
  const one = journalOf(10);
  const other = journalOf(10);
  assert.match(one.epoch, /^[0-9a-f]{32}$/);
  assert.is.not(one.epoch, other.epoch);
  assert.is(one.parent, undefined);
  assert.equal([one.append(entry(0)), one.append(entry(1))], [0, 1]);
});

test('drops the oldest when it is full, and declares them until the cloud knows', () => {
  const journal = fill(journalOf(10), 25);
  assert.equal(journal.heldRanges(), [{ first: 15, last: 24 }]);
  assert.is(journal.oldest, 15);
  assert.is(journal.dropped, 15);
  const declared = journal.undeclared(256);
  assert.equal(declared, [{ first: 0, last: 14 }]);
  fill(journal, 1);
  journal.declared(declared);
  assert.equal(journal.undeclared(256), [{ first: 15, last: 15 }]);
  assert.is(journal.dropped, 16);
});

test('keeps the newest entry even where the bound is too small for one', () => {
  const journal = fill(new MemoryJournal(1), 3);
  assert.equal(journal.heldRanges(), [{ first: 2, last: 2 }]);
});

test('does not count as dropped what was on its way when it was dropped, and arrived', () => {
  const journal = fill(journalOf(10), 10);
  const run = journal.cut(everything, 1e6, 4);
  fill(journal, 6);
  assert.is(journal.dropped, 6);
  journal.retire(run?.first ?? Number.NaN, run?.entries.length ?? Number.NaN);
  assert.is(journal.dropped, 2);
  assert.equal(journal.undeclared(256), [{ first: 4, last: 5 }]);
});

test('retires numbers in any order and keeps what lies between them', () => {
  const journal = fill(journalOf(100), 30);
  journal.retire(20, 5);
  journal.retire(0, 10);
  assert.equal(journal.heldRanges(), [
    { first: 10, last: 19 },
    { first: 25, last: 29 },
  ]);
  assert.is(journal.oldest, 10);
  journal.retire(10, 10);
  assert.is(journal.oldest, 25);
  journal.retire(25, 5);
  assert.is(journal.oldest, 30);
  assert.is(journal.held, 0);
  assert.is(journal.heldBytes, 0);
  assert.is(journal.append(entry(0)), 30);
});

test('cuts a run up to its limits and up to the first number that is gone', () => {
  const journal = fill(journalOf(100), 30);
  journal.retire(10, 5);
  const times = (first: number, maxBytes: number, maxEntries: number) => {
    const run = journal.cut({ first, last: 29 }, maxBytes, maxEntries);
    return run && [run.first, ...run.entries.map(({ monotonic }) => monotonic)];
  };
  assert.equal(times(7, 1e6, 100), [7, 7, 8, 9]);
  assert.equal(times(12, 1e6, 3), [15, 15, 16, 17]);
  const weight = journal.cut(everything, 1e6, 1)?.bytes as number;
  assert.equal(times(0, weight * 2, 100), [0, 0, 1]);
  assert.is(times(0, weight - 1, 100), undefined);
  assert.is(journal.heldIn({ first: 10, last: 14 }), undefined);
  assert.is(journal.heldIn({ first: 10, last: 29 }), 15);
});

test('takes no more memory for what was retired long ago', () => {
  const journal = journalOf(100);
  for (let round = 0; round < 200; round++) {
    fill(journal, 100);
    journal.retire(journal.next - 100, 100);
  }
  fill(journal, 3);
  assert.equal(journal.heldRanges(), [{ first: 20_000, last: 20_002 }]);
  assert.is(journal.cut(everything, 1e6, 10)?.entries[0]?.monotonic, 20_000);
});

test('agrees with a plain list of numbers, whatever is appended, retired and declared', () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('append' as const), count: fc.integer({ min: 1, max: 12 }) }),
    fc.record({
      kind: fc.constant('retire' as const),
      at: fc.nat(60),
      count: fc.integer({ min: 1, max: 9 }),
    }),
    fc.record({ kind: fc.constant('declare' as const) }),
  );
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), fc.array(step, { maxLength: 40 }), (capacity, steps) => {
      const journal = journalOf(capacity);
      let held: number[] = [];
      const dropped = new Set<number>();
      const undeclared = new Set<number>();
      let next = 0;
      for (const each of steps) {
        if (each.kind === 'append') {
          for (let index = 0; index < each.count; index++) {
            assert.is(journal.append(entry(next)), next);
            held.push(next++);
            if (held.length > capacity) {
              const oldest = held.shift() as number;
              dropped.add(oldest);
              undeclared.add(oldest);
            }
          }
        } else if (each.kind === 'retire') {
          journal.retire(each.at, each.count);
          held = held.filter((number) => number < each.at || number >= each.at + each.count);
          for (let number = each.at; number < each.at + each.count; number++) {
            dropped.delete(number);
            undeclared.delete(number);
          }
        } else {
          journal.declared(journal.undeclared(256));
          undeclared.clear();
        }
        const numbers = (ranges: readonly { first: number; last: number }[]) =>
          ranges.flatMap(({ first, last }) => Array.from({ length: last - first + 1 }, (_, i) => first + i));
        assert.equal(numbers(journal.heldRanges()), held);
        assert.equal(
          numbers(journal.undeclared(256)),
          [...undeclared].sort((one, other) => one - other),
        );
        assert.is(journal.held, held.length);
        assert.is(journal.dropped, dropped.size);
        assert.is(journal.oldest, held[0] ?? next);
        assert.is(journal.cut(everything, 1e6, 1)?.entries[0]?.monotonic, held[0]);
      }
    }),
  );
});

test.run();
