import { limits } from '@loadline/sdk/contract';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Committer } from './commit.ts';
import { storeReads } from './reads.ts';
import { boot, delivery, device, epoch, health, numbered, withDatabase } from './test-store.ts';
import type { DeliveryOutcome, DeliveryWrite, Outcome } from './writes.ts';

const anchor = { kind: 'anchor', monotonic: 10, wall: 1_790_000_000_000, uncertainty: 5 } as const;

function stored(outcome: Outcome | undefined): DeliveryOutcome {
  assert.is(outcome?.kind, 'delivery');
  return outcome as DeliveryOutcome;
}

const cuts = fc.array(fc.tuple(fc.integer({ min: 2, max: 80 }), fc.nat(30), fc.boolean()), {
  minLength: 1,
  maxLength: 25,
});

test('however batches are cut, repeated and disordered, each number is stored once and the ledger balances', async () => {
  await fc.assert(
    fc.asyncProperty(cuts, async (list) => {
      await withDatabase((connection) => {
        const committer = new Committer(connection, () => 1_790_000_100_000);
        committer.commit([delivery(0, [anchor])]);
        const numbers = new Set<number>();
        let received = 0;
        let group: DeliveryWrite[] = [];
        for (const [first, length, closes] of list) {
          group.push(delivery(first, numbered(first, first + length)));
          received += length + 1;
          for (let number = first; number <= first + length; number++) numbers.add(number);
          if (closes) {
            committer.commit(group);
            group = [];
          }
        }
        committer.commit(group);
        const reads = storeReads(connection);
        const run = reads.run({ device, epoch });
        assert.is(run?.stored, numbers.size);
        assert.is(run?.series[0]?.count, numbers.size);
        const counts = reads.ledger({ device, limit: 1 })?.readings;
        assert.equal(counts, {
          received,
          stored: numbers.size,
          duplicate: received - numbers.size,
          rejected: 0,
          expired: 0,
          deleted: 0,
        });
        const range = reads.range({ device, tag: 1, aspect: 'heard', from: 0, to: 9e12, points: 1000 });
        assert.equal(
          range.points.map(([, value]) => value),
          [...numbers].sort((a, b) => a - b),
        );
      });
    }),
    { numRuns: 40 },
  );
});

test('a delivery that cannot be written takes no other of its group with it', async () => {
  await withDatabase((connection) => {
    const committer = new Committer(connection, () => 0);
    const good = delivery(2, numbered(2, 5));
    // No device has this row number: the database refuses it.
    const outcomes = committer.commit([good, { ...good, device: 77 }, delivery(6, numbered(6, 9))]);
    assert.equal(
      outcomes.map(({ kind }) => kind),
      ['delivery', 'failed', 'delivery'],
    );
    assert.is(storeReads(connection).run({ device, epoch })?.stored, 8);
  });
});

test('an epoch that changes its boot is rejected, and the rejection is kept with its readings counted', async () => {
  await withDatabase((connection) => {
    const committer = new Committer(connection, () => 0);
    committer.commit([delivery(2, numbered(2, 3))]);
    const [outcome] = committer.commit([delivery(4, numbered(4, 6), { boot: 'c1'.repeat(16) })]);
    assert.is(outcome?.kind, 'rejected');
    const ledger = storeReads(connection).ledger({ device, limit: 1 });
    assert.equal(ledger?.readings, {
      ...{ received: 5, stored: 2, duplicate: 0, rejected: 3 },
      ...{ expired: 0, deleted: 0 },
    });
    assert.equal(ledger?.deliveries, { received: 2, stored: 1, duplicate: 0, rejected: 1 });
    assert.is(storeReads(connection).run({ device, epoch })?.rejected, 1);
  });
});

test('readings of a boot without an anchor wait apart, and get their time from the first anchor', async () => {
  await withDatabase((connection) => {
    const now = () => 1_790_000_100_000;
    const waiting = stored(new Committer(connection, now).commit([delivery(2, numbered(2, 4))])[0]);
    assert.is(waiting.timeline, undefined);
    const reads = storeReads(connection);
    const everything = { device, tag: 1, aspect: 'heard' as const, from: 0, to: 9e12, points: 100 };
    assert.is(reads.range(everything).count, 0);
    // Another one, as after a restart: what it knows of the boot comes from the database.
    const late = delivery(5, [{ ...anchor, monotonic: 100, wall: 1_790_000_000_100 }]);
    assert.is(stored(new Committer(connection, now).commit([late])[0]).resolved, true);
    assert.equal(reads.latestOfBoot({ device, boot })[0]?.latest?.value, { type: 'int32', value: 4 });
    assert.equal(
      reads.range(everything).points.map(([time]) => time - 1_790_000_000_000),
      [20, 30, 40],
    );
  });
});

test('a clock that is set back in the middle of a batch hides no reading from a range', async () => {
  await withDatabase((connection) => {
    const back = { ...anchor, monotonic: 35, wall: anchor.wall - 3_600_000 };
    const entries = [anchor, ...numbered(2, 3), back, ...numbered(5, 6)];
    new Committer(connection, () => 0).commit([delivery(0, entries)]);
    const range = (from: number) =>
      storeReads(connection).range({ device, tag: 1, aspect: 'heard', from, to: from + 1000, points: 100 })
        .count;
    assert.is(range(anchor.wall), 2);
    assert.is(range(back.wall), 2);
  });
});

test('an epoch in ever more pieces is refused, and so is a batch that spans ever more anchors', async () => {
  await withDatabase((connection) => {
    const committer = new Committer(connection, () => 0);
    const pieces = Array.from({ length: limits.epochRanges }, (_, index) => index * 2);
    committer.commit(pieces.map((number) => delivery(number, numbered(number, number))));
    const [refused] = committer.commit([delivery(90_000, numbered(90_000, 90_000))]);
    assert.is(refused?.kind === 'rejected' && refused.code, 'batch-limit');
    const other = { epoch: 'e1'.repeat(16) };
    for (let first = 0; first < 3 * limits.batchAnchors; first += limits.batchAnchors) {
      const anchors = Array.from({ length: limits.batchAnchors }, (_, index) => ({
        ...anchor,
        monotonic: first + index,
      }));
      assert.is(committer.commit([delivery(first, anchors, other)])[0]?.kind, 'delivery');
    }
    const [early, late] = numbered(0, 1000).filter((_, index) => index % 1000 === 0);
    assert.ok(early && late);
    const [wide] = committer.commit([delivery(9000, [early, late], other)]);
    assert.is(wide?.kind === 'rejected' && wide.code, 'batch-limit');
  });
});

test('a checkpoint taken before times were resolved is not written after', async () => {
  await withDatabase((connection) => {
    const committer = new Committer(connection, () => 1_790_000_100_000);
    const waiting = stored(committer.commit([delivery(2, numbered(2, 4))])[0]);
    const stale = {
      kind: 'checkpoint' as const,
      through: waiting.id ?? 0,
      series: [{ device, tag: 1, aspect: 'heard' as const, count: 3, latest: null }],
    };
    assert.equal(committer.commit([stale]), [{ kind: 'done', changed: 1 }]);
    assert.is(stored(committer.commit([delivery(0, [anchor])])[0]).resolved, true);
    assert.equal(committer.commit([stale]), [{ kind: 'done', changed: 0 }]);
    const [series] = storeReads(connection).seriesIndex({}).series;
    assert.is(series?.count, 3);
    assert.equal(series?.latest?.value, { type: 'int32', value: 4 });
  });
});

test('of the rejections of a device the newest are kept, for the stated time, and all are counted', async () => {
  await withDatabase((connection) => {
    let now = 1_790_000_000_000;
    const committer = new Committer(connection, () => now);
    const rejection = () => ({
      kind: 'rejection' as const,
      device,
      at: now,
      channel: 'telemetry',
      code: 'batch-malformed' as const,
      detail: '',
      payload: new Uint8Array(1),
      readings: 0,
    });
    committer.commit([delivery(0, [anchor])]);
    committer.commit(Array.from({ length: limits.rejectionsKept + 5 }, rejection));
    const rejected = () => storeReads(connection).run({ device, epoch })?.rejected;
    assert.is(rejected(), limits.rejectionsKept);
    now += limits.rejectionMilliseconds + 1;
    committer.commit([rejection()]);
    assert.is(rejected(), 1);
    const deliveries = storeReads(connection).ledger({ device, limit: 1 })?.deliveries;
    assert.is(deliveries?.rejected, limits.rejectionsKept + 6);
  });
});

test('what a run that began anew no longer holds is lost, and not to come', async () => {
  await withDatabase((connection) => {
    const committer = new Committer(connection, () => 0);
    committer.commit([delivery(5, numbered(5, 5))]);
    const gaps = () => storeReads(connection).ledger({ device, limit: 9 })?.epochs.at(-1)?.gaps;
    assert.equal(gaps(), [{ first: 0, last: 4, state: 'coming' }]);
    const after = { epoch: 'e1'.repeat(16), parent: { epoch, last: 5 } };
    committer.commit([delivery(0, numbered(0, 0), after)]);
    assert.equal(gaps(), [{ first: 0, last: 4, state: 'coming' }]);
    committer.commit([delivery(0, numbered(0, 0), { epoch: 'e2'.repeat(16) })]);
    assert.equal(gaps(), [{ first: 0, last: 4, state: 'lost' }]);
  });
});

test('a later anchor moves nothing that already had its time', async () => {
  await withDatabase((connection) => {
    const committer = new Committer(connection, () => 0);
    committer.commit([delivery(0, [anchor]), delivery(2, numbered(2, 3))]);
    const reads = storeReads(connection);
    const everything = { device, tag: 1, aspect: 'heard' as const, from: 0, to: 9e12, points: 100 };
    const before = reads.range(everything);
    const moved = { ...anchor, monotonic: 15, wall: anchor.wall + 3_600_000 };
    committer.commit([delivery(4, [moved]), delivery(5, numbered(5, 5))]);
    assert.equal(reads.range(everything).points.slice(0, 2), before.points);
    assert.is(reads.range(everything).points[2]?.[0], moved.wall + 35);
  });
});

test('a health message that comes before the first batch of its run is kept', async () => {
  await withDatabase((connection) => {
    const committer = new Committer(connection, () => 0);
    const message = JSON.stringify({ ...health, frames: 7 });
    assert.equal(committer.commit([{ kind: 'health', device, epoch, health: message }]), [
      { kind: 'done', changed: 1 },
    ]);
    committer.commit([delivery(0, [anchor])]);
    assert.is(storeReads(connection).run({ device, epoch })?.health?.frames, 7);
  });
});

test('a health message of another version that says too little is as none', async () => {
  await withDatabase((connection) => {
    const committer = new Committer(connection, () => 0);
    const older = JSON.stringify({ version: 1, epoch, frames: 7, connections: 1 });
    committer.commit([delivery(0, [anchor]), { kind: 'health', device, epoch, health: older }]);
    const reads = storeReads(connection);
    assert.is(reads.run({ device, epoch })?.health, undefined);
    assert.is(reads.ledger({ device, limit: 1 })?.epochs[0]?.health, undefined);
    committer.commit([{ kind: 'reported', device, reported: JSON.stringify({ version: 1, runtime: 'x' }) }]);
    assert.is(reads.directory({}).devices[0]?.reported, undefined);
  });
});

test('gaps are told apart: declared dropped, still coming, lost', async () => {
  await withDatabase((connection) => {
    const committer = new Committer(connection, () => 0);
    committer.commit([
      delivery(0, [anchor]),
      delivery(6, numbered(6, 8)),
      delivery(20, numbered(20, 22), { oldest: 15, dropped: [{ first: 1, last: 5 }] }),
    ]);
    assert.equal(storeReads(connection).ledger({ device, limit: 1 })?.epochs[0]?.gaps, [
      { first: 1, last: 5, state: 'dropped' },
      { first: 9, last: 14, state: 'lost' },
      { first: 15, last: 19, state: 'coming' },
    ]);
    committer.commit([delivery(30, numbered(30, 31), { oldest: 15 })]);
    assert.equal(storeReads(connection).ledger({ device, limit: 1 })?.epochs[0]?.gaps.at(-1), {
      first: 23,
      last: 29,
      state: 'coming',
    });
  });
});

test.run();
