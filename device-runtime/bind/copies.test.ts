import type { Reading } from '@loadline/sdk/telemetry';
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Copies } from './copies.ts';

const test = suite('copies');

const window = 100;

interface Frame {
  readonly source: number;
  readonly at: number;
  readonly value: number;
}

const reading = ({ source, at, value }: Frame, tag = 0x25df): Reading => ({
  kind: 'reading',
  port: source < 2 ? 'radio' : 'mast',
  base: source,
  tag,
  aspect: 'heard',
  calibration: undefined,
  monotonic: at,
  value: { type: 'uint8', value },
  flags: 0,
  status: 0,
  quality: { kind: 'none' },
});

/** Frames of up to four base stations, few values, ascending in time: everything that can be mistaken is there. */
const frames = fc
  .array(fc.record({ source: fc.nat(3), gap: fc.nat(40), value: fc.nat(2) }), { maxLength: 80 })
  .map((steps) => {
    let at = 0;
    return steps.map(({ source, gap, value }): Frame => {
      at += gap;
      return { source, at, value };
    });
  });

test('no frame is lost: every copy has an original of another source within the window, one each', () => {
  fc.assert(
    fc.property(frames, (heard) => {
      const copies = new Copies(window);
      const isCopy = heard.map((frame) => copies.isCopy(reading(frame)));
      // Copies of one source must find originals of others, each of its own: a matching, greedy in time.
      const takenBy = new Map<Frame, Set<number>>();
      heard.forEach((frame, index) => {
        if (!isCopy[index]) {
          takenBy.set(frame, new Set([frame.source]));
          return;
        }
        const original = heard
          .slice(0, index)
          .find(
            (first, earlier) =>
              !isCopy[earlier] &&
              first.value === frame.value &&
              frame.at - first.at <= window &&
              !takenBy.get(first)?.has(frame.source),
          );
        assert.ok(original, 'a copy without an original');
        takenBy.get(original)?.add(frame.source);
      });
    }),
  );
});

test('no copy is missed: what is heard by several base stations at once is one reading each time', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ value: fc.nat(3), gap: fc.integer({ min: 20, max: 200 }) }), { maxLength: 30 }),
      fc.shuffledSubarray([0, 1, 2, 3], { minLength: 1 }),
      (sent, sources) => {
        const copies = new Copies(window);
        let at = 0;
        for (const { value, gap } of sent) {
          at += gap;
          const heard = sources.map((source, late) =>
            copies.isCopy(reading({ source, at: at + late, value })),
          );
          assert.equal(
            heard,
            sources.map((_, late) => late > 0),
          );
        }
      },
    ),
  );
});

test('frames of one base station are never copies, whatever they carry', () => {
  fc.assert(
    fc.property(frames, (heard) => {
      const copies = new Copies(window);
      assert.not.ok(heard.some((frame) => copies.isCopy(reading({ ...frame, source: 1 }))));
    }),
  );
});

test('takes frames that differ in flags or status for different transmissions', () => {
  const copies = new Copies(window);
  const from = (source: number, bits: { flags?: number; status?: number }) =>
    copies.isCopy({ ...reading({ source, at: 0, value: 1 }), ...bits });
  assert.equal([from(0, {}), from(1, { flags: 1 }), from(2, { status: 1 })], [false, false, false]);
  assert.equal([from(3, { flags: 1 }), from(1, { status: 1 }), from(2, {})], [true, true, true]);
});

test('tells base stations of one address at different ports apart, and ports of one base station', () => {
  const copies = new Copies(window);
  const at = (port: string, base: number) => ({ ...reading({ source: 1, at: 0, value: 1 }), port, base });
  assert.not.ok(copies.isCopy(at('one', 1)));
  assert.ok(copies.isCopy(at('two', 1)));
  assert.ok(copies.isCopy(at('one', 2)));
  assert.not.ok(copies.isCopy(at('two', 1)));
});

test('forgets tags that noise brought', () => {
  const copies = new Copies(window);
  for (let tag = 0; tag < 20_000; tag++) copies.isCopy(reading({ source: 1, at: tag, value: 1 }, tag));
  assert.ok(copies.tags <= 2 * window + 2, `${copies.tags} tags are remembered`);
});

test('remembers a bounded number of frames of one tag', () => {
  const copies = new Copies(10_000);
  for (let value = 0; value < 257; value++) copies.isCopy(reading({ source: 1, at: 0, value }));
  assert.not.ok(copies.isCopy(reading({ source: 2, at: 1, value: 0 })));
  assert.ok(copies.isCopy(reading({ source: 2, at: 1, value: 200 })));
});

test.run();
