import type { Entry, ForeignEventCode, GatewayEvent } from '@loadline/sdk/telemetry';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { step } from './change.ts';
import { Committer } from './commit.ts';
import type { EventPlace } from './event-reads.ts';
import { storeReads } from './reads.ts';
import { delivery, device, epoch, numbered, withDatabase } from './test-store.ts';

const wall = 1_790_000_000_000;
const anchor = { kind: 'anchor', monotonic: 10, wall, uncertainty: 5 } as const;

function event(monotonic: number, over: Partial<GatewayEvent> = {}): GatewayEvent {
  return { kind: 'event', monotonic, code: 'port-lost', subject: 'radio', detail: '', ...over };
}

test('events are kept once, with their time and words, and are no readings', async () => {
  await withDatabase((connection) => {
    const committer = new Committer(connection, () => wall + 100_000);
    const first = event(20, { detail: 'unplugged' });
    const second = event(30, { code: 'new-in-version-9' as ForeignEventCode, subject: '' });
    const entries: Entry[] = [anchor, first, second, ...numbered(3, 4)];
    committer.commit([delivery(0, entries), delivery(0, entries), delivery(1, [first, second])]);
    const reads = storeReads(connection);
    assert.equal(reads.events({ device, limit: 10, before: undefined }), {
      events: [
        { epoch, number: 2, monotonic: 30, at: wall + 20, code: second.code, subject: '', detail: '' },
        {
          epoch,
          number: 1,
          monotonic: 20,
          at: wall + 10,
          code: 'port-lost',
          subject: 'radio',
          detail: 'unplugged',
        },
      ],
      next: undefined,
    });
    const { readings } = reads.ledger({ device, limit: 1 }) ?? {};
    assert.equal(readings, {
      ...{ received: 4, stored: 2, duplicate: 2, rejected: 0 },
      ...{ expired: 0, deleted: 0 },
    });
    assert.is(reads.run({ device, epoch })?.stored, 2);
  });
});

test('an event of a boot without an anchor has no time until its first anchor comes', async () => {
  await withDatabase((connection) => {
    const committer = new Committer(connection, () => wall + 100_000);
    committer.commit([delivery(1, [event(500), event(600)])]);
    const other = { epoch: 'e7'.repeat(16), boot: 'b7'.repeat(16) };
    committer.commit([delivery(1, [event(700)], other)]);
    const reads = storeReads(connection);
    const times = () =>
      reads
        .events({ device, limit: 9, before: undefined })
        .events.map(({ at, monotonic }) => [monotonic, at]);
    assert.equal(times(), [
      [700, null],
      [600, null],
      [500, null],
    ]);
    // Another one, as after a restart.
    new Committer(connection, () => wall + 200_000).commit([delivery(0, [anchor])]);
    assert.equal(times(), [
      [700, null],
      [600, wall + 590],
      [500, wall + 490],
    ]);
  });
});

test('an event dated into the future stands where it arrived, and hides none that come later', async () => {
  await withDatabase((connection) => {
    let now = wall + 1000;
    const committer = new Committer(connection, () => now);
    committer.commit([delivery(0, [anchor, event(9_000_000)])]);
    now += 5000;
    committer.commit([delivery(2, [event(4000)])]);
    const { events } = storeReads(connection).events({ device, limit: 9, before: undefined });
    assert.equal(
      events.map(({ monotonic }) => monotonic),
      [4000, 9_000_000],
    );
  });
});

test('page by page every event comes once, the newest first, whatever its delivery and time', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(fc.nat(50), { minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 8 }),
      fc.integer({ min: 1, max: 7 }),
      async (deliveries, limit) => {
        await withDatabase((connection) => {
          const committer = new Committer(connection, () => wall + 100_000);
          let number = 1;
          committer.commit([delivery(0, [anchor])]);
          for (const times of deliveries) {
            committer.commit([
              delivery(
                number,
                times.map((time) => event(time)),
              ),
            ]);
            number += times.length;
          }
          const reads = storeReads(connection);
          const seen: number[] = [];
          const times: number[] = [];
          let before: EventPlace | undefined;
          do {
            const page = reads.events({ device, limit, before });
            assert.ok(page.events.length <= limit);
            seen.push(...page.events.map((one) => one.number));
            times.push(...page.events.map(({ at }) => at ?? 0));
            before = page.next;
          } while (before !== undefined);
          assert.equal(
            [...seen].sort((a, b) => a - b),
            Array.from({ length: number - 1 }, (_, n) => n + 1),
          );
          assert.equal(
            times,
            [...times].sort((a, b) => b - a),
          );
        });
      },
    ),
    { numRuns: 15 },
  );
});

test('the events of another device are not among them', async () => {
  await withDatabase((connection) => {
    const committer = new Committer(connection, () => wall);
    committer.commit([
      {
        kind: 'change',
        steps: [step('addDevice', { id: 'crane', organisation: 'first', kind: 'gateway' })],
        audit: [],
      },
    ]);
    committer.commit([delivery(0, [anchor, event(20)]), { ...delivery(0, [anchor, event(30)]), device: 2 }]);
    const reads = storeReads(connection);
    const of = (number: number) =>
      reads.events({ device: number, limit: 9, before: undefined }).events.map(({ monotonic }) => monotonic);
    assert.equal([of(1), of(2)], [[20], [30]]);
  });
});

test.run();
