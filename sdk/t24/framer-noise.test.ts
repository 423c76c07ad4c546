import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { base, chunkSizes, concat, cut, fromHex, noise, octet } from './fixtures/arbitraries.ts';
import { realFrames } from './fixtures/frames.ts';
import { encodeFrame, encodePacket, Framer, type Packet } from './index.ts';

/*
 * When noise may cost a frame: only if a CRC-valid false frame, begun in the noise, overlapped it. That is
 * decided for each missing frame by the place on the line where every frame came out. A false beginning whose
 * CRC fails, or whose end never comes, costs nothing once the line has fallen silent.
 */

interface Span {
  readonly start: number;
  readonly end: number;
}

/** Where frames came out of the framer, by the bytes that came out before them. */
function spans(bytes: Uint8Array, sizes: readonly number[]): Span[] {
  const framer = new Framer();
  const framed = cut(bytes, sizes).flatMap((chunk) => framer.push(chunk));
  framed.push(...framer.stalled());
  const found: Span[] = [];
  let position = 0;
  for (const one of framed) {
    const size = one.kind === 'frame' ? one.packet.length + 5 : one.bytes.length;
    if (one.kind === 'frame') found.push({ start: position, end: position + size });
    position += size;
  }
  assert.is(position, bytes.length);
  return found;
}

/** Frames that were sent, did not come out, and are not excused by a false frame over them. */
function lost(sent: readonly Span[], found: readonly Span[]): Span[] {
  const starts = new Set(found.map(({ start }) => start));
  return sent.filter(
    ({ start, end }) => !starts.has(start) && !found.some((other) => other.start < end && other.end > start),
  );
}

const reading: fc.Arbitrary<Packet> = fc
  .record({
    tag: fc.integer({ min: 0, max: 0xffff }),
    bits: fc.float({ noNaN: true, noDefaultInfinity: true }),
    octet,
  })
  .map(({ tag, bits, octet: status }) => ({
    kind: 'dataProvider',
    flags: 0x20,
    tag,
    status,
    dataType: 4,
    value: { type: 'float32', value: bits },
    rssi: 0xec,
    cv: 0xe6,
  }));

test('noise between frames costs none that no false frame overlaps', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(noise, base, reading), { maxLength: 15 }),
      noise,
      chunkSizes,
      (parts, end, sizes) => {
        const sent: Span[] = [];
        const line: Uint8Array[] = [];
        let position = 0;
        for (const [before, address, packet] of parts) {
          const frame = encodeFrame(address, encodePacket(packet));
          line.push(before, frame);
          sent.push({ start: position + before.length, end: position + before.length + frame.length });
          position += before.length + frame.length;
        }
        line.push(end);
        assert.equal(lost(sent, spans(concat(line), sizes)), []);
      },
    ),
    { numRuns: 3000 },
  );
});

test('of 20,000 frames in 2.6 MB of random noise none is lost and none is invented', () => {
  // Chance lets less than one false frame through per 10^9 bytes, so for this seed it is exactly none.
  const random = xorshift(20_261_122);
  const sent: Span[] = [];
  const line: number[] = [];
  for (let turn = 0; turn < 20_000; turn++) {
    for (let left = random() % 255; left > 0; left--) line.push(random() & 0xff);
    const frame = fromHex(realFrames[turn % 2]?.hex ?? '');
    sent.push({ start: line.length, end: line.length + frame.length });
    line.push(...frame);
  }
  assert.equal(spans(Uint8Array.from(line), [64, 1, 4096, 13]), sent);
});

test('a frame inside a longer valid frame is that frame\u2019s data, and is excused', () => {
  const inner = fromHex(realFrames[0]?.hex ?? '');
  const outer = encodeFrame(2, encodePacket({ kind: 'unknown', flags: 0, type: 1, bytes: inner }));
  const found = spans(outer, [1]);
  assert.equal(found, [{ start: 0, end: outer.length }]);
  assert.equal(lost([{ start: 4, end: 4 + inner.length }], found), []);
});

test('the judge of lost frames sees a loss', () => {
  assert.equal(lost([{ start: 4, end: 20 }], [{ start: 20, end: 36 }]), [{ start: 4, end: 20 }]);
});

/** Marsaglia's xorshift32: the same noise in every run. */
function xorshift(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

test.run();
