import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { base, chunkSizes, concat, cut, fromHex, noise, packet } from './fixtures/arbitraries.ts';
import { realFrames } from './fixtures/frames.ts';
import { findFrames } from './fixtures/reference-framer.ts';
import { encodeFrame, encodePacket, type Framed, Framer, maxFrameBytes } from './index.ts';

const frame = fc
  .tuple(base, packet)
  .filter(([, some]) => !('command' in some && some.command === 57))
  .map(([address, some]) => encodeFrame(address, encodePacket(some)));
const brokenFrame = fc
  .tuple(frame, fc.nat(), fc.integer({ min: 1, max: 255 }))
  .map(([bytes, where, change]) =>
    bytes.map((byte, index) => (index === where % bytes.length ? byte ^ change : byte)),
  );
const truncatedFrame = fc
  .tuple(frame, fc.nat())
  .map(([bytes, length]) => bytes.subarray(0, length % bytes.length));
const line = fc
  .array(fc.oneof({ arbitrary: frame, weight: 3 }, noise, brokenFrame, truncatedFrame), { maxLength: 12 })
  .map(concat);

/** What came out, a line a frame or dropped byte, with its place on the line. */
function listed(framed: readonly Framed[]): string[] {
  const list: string[] = [];
  let position = 0;
  for (const one of framed) {
    if (one.kind === 'frame') {
      list.push(`${position} frame ${one.packet.length + 5}`);
      position += one.packet.length + 5;
    } else {
      for (const _ of one.bytes) list.push(`${position++} ${one.reason} 1`);
    }
  }
  return list;
}

test('however the bytes are split, the framer finds what a plain reading of all of them finds', () => {
  fc.assert(
    fc.property(line, chunkSizes, (bytes, sizes) => {
      const framer = new Framer();
      const framed = cut(bytes, sizes).flatMap((chunk) => framer.push(chunk));
      // What the reference calls stalled at the end of the bytes is what the framer still holds, and no more:
      // until the line falls silent it drops nothing that more bytes could save.
      const expected = findFrames(bytes);
      const firstStalled = expected.findIndex(({ what }) => what === 'stalled');
      const waiting = firstStalled < 0 ? 0 : bytes.length - (expected[firstStalled]?.start ?? 0);
      assert.is(framer.held, waiting);
      framed.push(...framer.stalled());
      assert.equal(
        listed(framed),
        expected.map(({ start, what, size }) => `${start} ${what} ${size}`),
      );
      assert.is(framer.held, 0);
    }),
    { numRuns: 3000 },
  );
});

test('at every instant, bytes in are bytes framed, discarded and held', () => {
  fc.assert(
    fc.property(line, chunkSizes, (bytes, sizes) => {
      const framer = new Framer();
      let pushed = 0;
      const out: Uint8Array[] = [];
      for (const chunk of cut(bytes, sizes)) {
        pushed += chunk.length;
        for (const one of framer.push(chunk)) {
          out.push(one.kind === 'frame' ? encodeFrame(one.base, one.packet) : one.bytes);
        }
        assert.ok(framer.held < maxFrameBytes);
        // Not only as many: the very bytes, in their order.
        const soFar = concat(out);
        assert.equal(soFar, bytes.subarray(0, pushed - framer.held));
      }
    }),
    { numRuns: 1000 },
  );
});

test('a chunk longer than the framer looks at in one go is taken in whole', () => {
  const bytes = concat(Array.from({ length: 3000 }, (_, turn) => fromHex(realFrames[turn % 2]?.hex ?? '')));
  const framer = new Framer();
  const framed = framer.push(Uint8Array.of(0xff, ...bytes));
  assert.is(framed.filter(({ kind }) => kind === 'frame').length, 3000);
  assert.is(framed.length, 3001);
  assert.is(framer.held, 0);
});

test('a packet is a copy: it survives the reuse of the chunk and of the framer', () => {
  const [first, second] = realFrames.map(({ hex }) => fromHex(hex));
  assert.ok(first && second);
  if (!first || !second) return;
  const framer = new Framer();
  const expected = first.slice(3, 14);
  const [framed] = framer.push(first);
  first.fill(0);
  framer.push(second);
  assert.ok(framed?.kind === 'frame');
  if (framed?.kind === 'frame') assert.equal(framed.packet, expected);
});

test.run();
