import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { decodeCobs, encodeCobs, encodedLength } from './cobs.ts';

const test = suite('COBS');

/** Bytes from `first` on, `count` of them, each one higher than the one before it. */
function run(first: number, count: number): string {
  return Buffer.from(Array.from({ length: count }, (_, index) => (first + index) & 0xff)).toString('hex');
}

// The examples of https://en.wikipedia.org/wiki/Consistent_Overhead_Byte_Stuffing, and the paper's figures.
const vectors: readonly (readonly [plain: string, encoded: string])[] = [
  ['', '01'],
  ['00', '0101'],
  ['0000', '010101'],
  ['001100', '01021101'],
  ['11220033', '0311220233'],
  ['11223344', '0511223344'],
  ['11000000', '0211010101'],
  [run(1, 254), `ff${run(1, 254)}`],
  [run(0, 255), `01ff${run(1, 254)}`],
  [run(1, 255), `ff${run(1, 254)}02ff`],
  [`${run(2, 254)}00`, `ff${run(2, 254)}0101`],
  [`${run(3, 253)}0001`, `fe${run(3, 253)}0201`],
];

test('known bytes become known bytes, and these again', () => {
  for (const [plain, encoded] of vectors) {
    assert.is(Buffer.from(encodeCobs(Buffer.from(plain, 'hex'))).toString('hex'), encoded);
    assert.is(Buffer.from(decodeCobs(Buffer.from(encoded, 'hex')) ?? 'none').toString('hex'), plain);
  }
});

const someBytes = fc.array(fc.oneof(fc.constantFrom(0, 1, 0xff), fc.nat({ max: 255 })), { maxLength: 1200 });

test('whatever goes in comes out, holds no zero between, and is no longer than said', () => {
  fc.assert(
    fc.property(someBytes, (bytes) => {
      const encoded = encodeCobs(Uint8Array.from(bytes));
      assert.not(encoded.includes(0));
      assert.ok(encoded.length <= encodedLength(bytes.length));
      assert.equal([...(decodeCobs(encoded) ?? [])], bytes);
    }),
    { numRuns: 300 },
  );
});

test('what is not COBS is none: a zero in it, an end within a group, nothing at all', () => {
  for (const hex of ['', '00', '05112233', '0311002233', 'ff01', '0211ff']) {
    assert.is(decodeCobs(Buffer.from(hex, 'hex')), undefined, hex);
  }
});

test.run();
