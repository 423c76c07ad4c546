import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { limits } from '../contract/index.ts';
import { decodeCobs, encodeCobs } from './cobs.ts';
import { decodeFrame, encodeFrame, type Frame, longestEncoded, sessionTag } from './frame.ts';

const test = suite('frames');

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');

/** Frames of README.md, their bytes before COBS. */
const drawn: readonly (readonly [Frame, string])[] = [
  [
    { kind: 'data', tag: 0x11223344, transmission: 7, number: 5, isLast: true, data: hex('83 03 61 61 01') },
    '4c4b 01 03 11223344 000000000007 000000000005 01 8303616101',
  ],
  [
    { kind: 'ack', tag: 0x11223344, next: 6, limit: 134, transmission: 9, selective: hex('02') },
    '4c4b 01 04 11223344 000000000006 000000000086 000000000009 02',
  ],
  [{ kind: 'ping', tag: 0x11223344, transmission: 10 }, '4c4b 01 05 11223344 00000000000a'],
  [{ kind: 'bye', tag: 0x11223344 }, '4c4b 01 06 11223344'],
  [{ kind: 'hello', body: hex('80') }, '4c4b 01 01 80'],
  [{ kind: 'welcome', body: hex('80') }, '4c4b 01 02 80'],
];

/** The bytes of a frame with a checksum that is right, whatever they are. */
function framed(plain: Uint8Array): Uint8Array {
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(plain));
  return encodeCobs(Buffer.concat([plain, sum]));
}

test('the checksum is CRC-32 as everybody has it', () => {
  assert.is(crc32('123456789'), 0xcbf43926);
  // CRC-32 of sender and receiver, one after the other.
  assert.is(sessionTag(Buffer.from('1234'), Buffer.from('56789')), 0xcbf43926);
});

test('frames are as they are drawn, between two zeros', () => {
  for (const [frame, plain] of drawn) {
    const encoded = encodeFrame(frame);
    assert.equal([encoded[0], encoded.at(-1)], [0, 0]);
    const between = encoded.subarray(1, -1);
    assert.not(between.includes(0));
    assert.is(
      Buffer.from(decodeCobs(between) ?? [])
        .subarray(0, -4)
        .toString('hex'),
      plain.replaceAll(' ', ''),
    );
    assert.equal(plainOf(decodeFrame(between)), plainOf(frame));
  }
});

test('on the line they are the bytes of README.md', () => {
  const lines = [
    '00 094c4b010311223344 01 01 01 01 0207 01 01 01 01 0c050183036161013fb089ef 00',
    '00 094c4b010411223344 01 01 01 01 0206 01 01 01 01 0286 01 01 01 01 07090206803992 00',
  ];
  assert.equal(
    drawn.slice(0, 2).map(([one]) => Buffer.from(encodeFrame(one)).toString('hex')),
    lines.map((line) => line.replaceAll(' ', '')),
  );
});

/** With arrays of numbers in place of byte arrays of one class or another. */
function plainOf(value: object): object {
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [key, one instanceof Uint8Array ? [...one] : one]),
  );
}

const number = fc.nat({ max: 2 ** 48 - 1 });
const tag = fc.nat({ max: 2 ** 32 - 1 });
const bytes = (least: number, most: number) => fc.uint8Array({ minLength: least, maxLength: most });
const frame: fc.Arbitrary<Frame> = fc.oneof(
  fc.record({
    ...{ kind: fc.constant('data'), tag, transmission: number, number, isLast: fc.boolean() },
    data: bytes(1, limits.linkFrameBytes),
  }),
  fc.record({
    ...{ kind: fc.constant('ack'), tag, next: number, limit: number, transmission: number },
    selective: bytes(0, limits.linkWindowFrames / 8),
  }),
  fc.record({ kind: fc.constant('ping'), tag, transmission: number }),
  fc.record({ kind: fc.constant('bye'), tag }),
  fc.record({ kind: fc.constantFrom('hello', 'welcome'), body: bytes(0, limits.linkFrameBytes) }),
) as fc.Arbitrary<Frame>;

test('every frame comes back as it was, and none is longer than is held', () => {
  fc.assert(
    fc.property(frame, (one) => {
      const encoded = encodeFrame(one);
      assert.ok(encoded.length - 2 <= longestEncoded);
      assert.equal(plainOf(decodeFrame(encoded.subarray(1, -1))), plainOf(one));
    }),
    { numRuns: 500 },
  );
});

test('a frame of which any bits are turned is none', () => {
  fc.assert(
    fc.property(frame, fc.nat(), fc.integer({ min: 1, max: 255 }), (one, at, turned) => {
      const encoded = encodeFrame(one).slice(1, -1);
      encoded[at % encoded.length] = (encoded[at % encoded.length] as number) ^ turned;
      assert.is(decodeFrame(encoded).kind, 'noise');
    }),
    { numRuns: 1000 },
  );
});

test('a frame of another version says so, and its body is not looked at', () => {
  assert.equal(decodeFrame(framed(hex('4c4b 02 01 ffff'))), { kind: 'foreign', version: 2 });
  assert.equal(decodeFrame(framed(hex('4c4b 00 03'))), { kind: 'foreign', version: 0 });
});

test('a frame whose checksum is right and whose parts are not is none', () => {
  const cases = {
    'another magic': '4c4c 01 05 11223344 00000000000a',
    'an unknown kind': '4c4b 01 07 11223344',
    'kind 0': '4c4b 01 00 11223344',
    'nothing at all': '',
    'no kind': '4c4b 01',
    'data without data': '4c4b 01 03 11223344 000000000007 000000000005 01',
    'data, cut off': '4c4b 01 03 11223344 0000000000',
    'unknown flags': '4c4b 01 03 11223344 000000000007 000000000005 02 83',
    'an ack, cut off': '4c4b 01 04 11223344 000000000006 000000000086 0000000000',
    'an ack of more than the window': `4c4b 01 04 11223344 000000000006 000000000086 000000000009 ${'01'.repeat(17)}`,
    'a ping that is too long': '4c4b 01 05 11223344 00000000000a 00',
    'a bye that is too short': '4c4b 01 06 112233',
    'more data than a frame has': `4c4b 01 03 11223344 000000000007 000000000005 01 ${'55'.repeat(limits.linkFrameBytes + 1)}`,
  };
  for (const [what, plain] of Object.entries(cases))
    assert.is(decodeFrame(framed(hex(plain))).kind, 'noise', what);
});

test.run();
