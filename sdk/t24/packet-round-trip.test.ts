import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { octet, packet } from './fixtures/arbitraries.ts';
import { decodePacket, encodePacket, isBroadcastPause, packetTypes } from './index.ts';

const isPause = (bytes: Uint8Array): boolean => isBroadcastPause(bytes);

test('every packet that can be encoded is decoded to what it was', () => {
  fc.assert(
    fc.property(packet, (some) => {
      let bytes: Uint8Array;
      try {
        bytes = encodePacket(some);
      } catch (error) {
        // Chance may draw the one packet that must not be made.
        return error instanceof Error && 'code' in error && error.code === 'broadcast-pause';
      }
      assert.equal(decodePacket(bytes), some);
      return true;
    }),
    { numRuns: 5000 },
  );
});

const typedBytes = fc
  .tuple(
    fc.constantFrom(...Object.values(packetTypes)),
    fc.integer({ min: 0, max: 7 }),
    fc.uint8Array({ maxLength: 75 }),
  )
  .map(([type, flags, rest]) => Uint8Array.of(type | (flags << 5), ...rest));

/** Data providers whose size fits their data type, strings above all: the part of the format with most freedom. */
const stringBytes = fc
  .tuple(octet, fc.array(fc.constantFrom(0, 0, 0x41, 0xb0, 0xff), { maxLength: 64 }))
  .map(([hint, data]) => Uint8Array.of(0x23, 0x12, 0x34, 0, (hint & 0xf8) | 5, ...data, 0xec, 0xe6));

test('whatever bytes are decoded, encoding gives the same bytes back', () => {
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 90 }), typedBytes, stringBytes), (bytes) => {
      fc.pre(!isPause(bytes));
      assert.equal(encodePacket(decodePacket(bytes)), bytes);
    }),
    { numRuns: 10_000 },
  );
});

test('every float32 keeps its bits', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 0xffff_ffff }), (bits) => {
      const bytes = Uint8Array.of(0x03, 0, 1, 0, 4, bits >>> 24, bits >>> 16, bits >>> 8, bits, 0, 0);
      const decoded = decodePacket(bytes);
      assert.ok(decoded.kind === 'dataProvider');
      if (decoded.kind === 'dataProvider') {
        assert.is(decoded.value.type === 'nonFinite', (bits & 0x7f80_0000) === 0x7f80_0000);
      }
      assert.equal(encodePacket(decoded), bytes);
    }),
    { numRuns: 5000 },
  );
});

test.run();
