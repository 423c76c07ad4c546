import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { fromHex } from './fixtures/arbitraries.ts';
import { realFrames } from './fixtures/frames.ts';
import { encodeFrame, encodePacket, type Framed, Framer, maxFrameBytes } from './index.ts';

const real = fromHex(realFrames[0]?.hex ?? '');

const hostile: readonly [what: string, pattern: readonly number[]][] = [
  ['zeros', [0x00]],
  ['threes', [0x03]],
  ['elevens, which read as lengths, base address and type', [0x0b]],
  ['sixteens, the last base address', [0x10]],
  ['bytes of all ones', [0xff]],
  ['beginnings of the longest frame', [71, 71, 1, 0x1f]],
  ['beginnings of the longest data provider', [71, 71, 1, 0x23, 0x12, 0x34, 0, 6]],
  ['frames without their last byte', [...real.subarray(0, 15)]],
  ['frames with a wrong CRC', [...real.subarray(0, 15), 0]],
  ['reports of HID padding around nothing', [0, 0, 0, 0, 1, 1]],
];

for (const [what, pattern] of hostile) {
  test(`100 KB of ${what} never make the framer hold a frame, and a real one behind them is found`, () => {
    const bytes = Uint8Array.from({ length: 100_000 }, (_, index) => pattern[index % pattern.length] ?? 0);
    const framer = new Framer();
    let discarded = 0;
    const count = (framed: readonly Framed[]): void => {
      for (const one of framed) {
        assert.is(one.kind, 'discarded');
        if (one.kind === 'discarded') discarded += one.bytes.length;
      }
    };
    for (let start = 0; start < bytes.length; start += 7) {
      count(framer.push(bytes.subarray(start, start + 7)));
      assert.ok(framer.held < maxFrameBytes);
    }
    count(framer.stalled());
    assert.is(discarded, bytes.length);
    assert.is(framer.push(real).filter(({ kind }) => kind === 'frame').length, 1);
  });
}

test('no bytes at all make the framer hold as much as a maximal frame', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 300 })), (chunks) => {
      const framer = new Framer();
      for (const chunk of chunks) {
        framer.push(chunk);
        assert.ok(framer.held < maxFrameBytes);
      }
    }),
  );
});

test('a maximal frame is held up to its last byte, and then handed out', () => {
  const frame = encodeFrame(
    1,
    encodePacket({ kind: 'unknown', flags: 0, type: 1, bytes: new Uint8Array(70).fill(0x80) }),
  );
  assert.is(frame.length, maxFrameBytes);
  const framer = new Framer();
  assert.equal(framer.push(frame.subarray(0, maxFrameBytes - 1)), []);
  assert.is(framer.held, maxFrameBytes - 1);
  assert.is(framer.push(frame.subarray(maxFrameBytes - 1)).length, 1);
  assert.is(framer.held, 0);
});

test.run();
