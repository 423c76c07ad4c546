import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { countFailure, type Entry, emptyEntry, waitMs } from './entry.ts';
import { type Limits, limits } from './limits.ts';
import { Table } from './table.ts';

const size = { quiet: 5, kept: 3, shared: 4 };

const steps = fc.array(fc.record({ key: fc.nat(30), wait: fc.nat(2), under: fc.boolean() }), {
  minLength: 30,
  maxLength: 400,
});

for (const name of ['pair', 'subject'] as const) {
  test(`however small the table of a ${name} is, no key gets through where a table without end would stop it`, () => {
    const own: Limits = limits[name];
    let pushedOut = 0;
    fc.assert(
      fc.property(steps, (list) => {
        const table = new Table(own, { overflow: 'share', onDropped: () => pushedOut++, size });
        const model = new Map<string, Entry>();
        let now = 1_795_420_800_000;
        for (const { key, wait, under } of list) {
          now += (wait * own.fadeMs) / 8;
          const text = `key ${key < 20 ? key % 3 : key}`;
          const entry = table.take(text, own, now);
          const exact = model.get(text) ?? emptyEntry(now);
          model.set(text, exact);
          assert.ok(waitMs(own, entry, now) >= Math.min(1, waitMs(own, exact, now)));
          assert.ok(Math.max(entry.emptyAt, now) >= exact.emptyAt, 'no failure is lost');
          for (let n = under ? 1 : 20; n > 0; n--) {
            countFailure(own, entry, now);
            countFailure(own, exact, now);
          }
          table.store(text, own, entry, now);
          assert.ok(table.size <= size.quiet + size.kept + size.shared);
        }
      }),
      { numRuns: 200 },
    );
    assert.ok(name === 'pair' || pushedOut > 0, 'blocks were pushed out, too');
  });
}

test('an entry that says nothing takes no room', () => {
  const table = new Table(limits.pair, { overflow: 'share', onDropped: () => {}, size });
  const entry = table.take('a', limits.pair, 1000);
  countFailure(limits.pair, entry, 1000);
  table.store('a', limits.pair, entry, 1000);
  assert.is(table.size, 1);
  table.store('a', limits.pair, entry, 1000 + limits.pair.fadeMs);
  assert.is(table.size, 0);
});

test.run();
