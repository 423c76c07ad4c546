import { zstdCompressSync } from 'node:zlib';
import { Tag } from 'cbor-x';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { limits } from '../contract/index.ts';
import { arbitraryEntries, arbitraryHeader } from './arbitraries.ts';
import { entriesOf } from './batch.ts';
import { decodeBatch } from './decode.ts';
import { encodeBatch } from './encode.ts';
import { TelemetryError } from './errors.ts';
import { cbor, type WireBatch } from './wire.ts';

const epoch = new Uint8Array(16);

/** A batch of three float32 readings, its elements open to be spoilt. */
function sound(): WireBatch {
  return [
    2,
    epoch,
    null,
    epoch,
    1,
    1,
    [],
    ['radio'],
    Uint8Array.of(0x25, 0xdf, 1, 0, 0x14),
    3,
    [0],
    [1000, 20],
    [0, 0, 0xfb, 0xe8],
    [null, null, null, null, Float32Array.of(1, 2, 3), null, null, null],
    [],
    0,
    null,
    [],
  ];
}

function codeOf(bytes: Uint8Array): string {
  try {
    decodeBatch(bytes);
  } catch (error) {
    assert.instance(error, TelemetryError);
    return (error as TelemetryError).code;
  }
  return 'accepted';
}

function spoilt(element: number, value: unknown): Uint8Array {
  const wire: unknown[] = sound();
  wire[element] = value;
  return cbor.encode(wire);
}

/** A sound batch but for one element, which is `value` behind a tag that a batch has no use for. */
function tagged(tag: number, value: unknown): Uint8Array {
  return spoilt(6, new Tag(value, tag));
}

/** An array of 15 elements whose first element is an array of a million zeros. */
function manyItems(): Uint8Array {
  const count = 1_000_000;
  const bytes = new Uint8Array(count + 20);
  bytes.set([0x8f, 0x9a, count >> 24, (count >> 16) & 0xff, (count >> 8) & 0xff, count & 0xff]);
  return bytes;
}

/** The same batch as version 1 had it. */
function soundOfVersion1(): unknown[] {
  return [1, ...sound().slice(1, 15)];
}

/** Three events and nothing else. */
function soundEvents(event: unknown = ['port-open', 'radio', '']): WireBatch {
  const wire = sound();
  wire[8] = new Uint8Array(0);
  wire[10] = [1];
  wire[13] = new Array(8).fill(null);
  wire[17] = [event, event, event] as WireBatch[17];
  return wire;
}

test('the sound batches the others are spoilt from are accepted', () => {
  assert.is(codeOf(cbor.encode(sound())), 'accepted');
  assert.is(codeOf(cbor.encode(soundEvents())), 'accepted');
  assert.is(codeOf(cbor.encode(soundOfVersion1())), 'accepted');
});

const cases: [name: string, code: string, bytes: () => Uint8Array][] = [
  ['no bytes', 'batch-malformed', () => new Uint8Array(0)],
  ['text', 'batch-malformed', () => Buffer.from('{"temp": 21.5}')],
  ['a number', 'batch-malformed', () => Uint8Array.of(0x01)],
  ['bytes after the end', 'batch-malformed', () => Buffer.concat([cbor.encode(sound()), Uint8Array.of(0)])],
  ['nesting without end', 'batch-malformed', () => new Uint8Array(100_000).fill(0x81)],
  ['more bytes than a batch may have', 'batch-too-large', () => new Uint8Array(limits.batchBytes + 1)],
  ['a small frame that inflates hugely', 'batch-too-large', () => zstdCompressSync(new Uint8Array(2 ** 25))],
  ['a broken zstd frame', 'batch-malformed', () => Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 1, 2, 3)],
  ['an error object (tag 27)', 'batch-malformed', () => tagged(27, ['Error', 'x', 'y'])],
  ['a large integer (tag 2)', 'batch-malformed', () => tagged(2, new Uint8Array(100_000))],
  ['a set (tag 258)', 'batch-malformed', () => tagged(258, [1])],
  ['a map', 'batch-malformed', () => spoilt(12, new Map([[1, 2]]))],
  ['a string without an end', 'batch-malformed', () => Uint8Array.of(0x81, 0x7f, 0x61, 0x61, 0xff)],
  ['a million items in a small frame', 'batch-limit', () => zstdCompressSync(manyItems())],
  ['a version of the future', 'batch-version', () => spoilt(0, 3)],
  ['a version 0', 'batch-version', () => spoilt(0, 0)],
  ['a version that is text', 'batch-version', () => spoilt(0, 'constructor')],
  ['too few elements', 'batch-malformed', () => cbor.encode(sound().slice(0, 17))],
  ['version 2 with the elements of 1', 'batch-malformed', () => cbor.encode(sound().slice(0, 15))],
  ['version 1 with the elements of 2', 'batch-malformed', () => spoilt(0, 1)],
  ['a short epoch', 'batch-malformed', () => spoilt(1, new Uint8Array(15))],
  ['a negative number', 'batch-malformed', () => spoilt(5, -1)],
  ['a fractional number', 'batch-malformed', () => spoilt(5, 1.5)],
  ['a first number past all numbers', 'batch-malformed', () => spoilt(5, 2 ** 53 - 1)],
  ['an oldest past the first', 'batch-inconsistent', () => spoilt(4, 2)],
  [
    'dropped ranges that overlap',
    'batch-inconsistent',
    () =>
      spoilt(6, [
        [1, 5],
        [5, 9],
      ]),
  ],
  ['a dropped range that ends before it begins', 'batch-inconsistent', () => spoilt(6, [[5, 1]])],
  [
    'more dropped ranges than allowed',
    'batch-limit',
    () =>
      spoilt(
        6,
        Array.from({ length: 300 }, (_, n) => [n * 2, n * 2]),
      ),
  ],
  ['a port name of a page', 'batch-malformed', () => spoilt(7, ['x'.repeat(500)])],
  [
    'a series on a port that is not there',
    'batch-inconsistent',
    () => spoilt(8, Uint8Array.of(0x25, 0xdf, 1, 1, 0x14)),
  ],
  ['a series of unknown type', 'batch-inconsistent', () => spoilt(8, Uint8Array.of(0x25, 0xdf, 1, 0, 0x1f))],
  ['a base address of 17', 'batch-inconsistent', () => spoilt(8, Uint8Array.of(0x25, 0xdf, 17, 0, 0x14))],
  ['more entries than allowed', 'batch-limit', () => spoilt(9, limits.batchEntries + 1)],
  ['more entries than the columns hold', 'batch-inconsistent', () => spoilt(9, 4)],
  ['an entry of a series that is not there', 'batch-inconsistent', () => spoilt(10, [3])],
  [
    'an event in version 1',
    'batch-inconsistent',
    () => {
      const values = [null, null, null, null, Float32Array.of(1, 2), null, null, null];
      return cbor.encode(
        soundOfVersion1()
          .with(10, [Uint8Array.of(0, 0, 2)])
          .with(13, values),
      );
    },
  ],
  ['an order too short', 'batch-inconsistent', () => spoilt(10, [Uint8Array.of(0, 0)])],
  [
    'runs longer than the column',
    'batch-inconsistent',
    () => spoilt(10, [[Uint8Array.of(0), Uint8Array.of(0xff, 0xff, 0x7f)]]),
  ],
  ['times of the wrong length', 'batch-inconsistent', () => spoilt(11, [1000, Uint8Array.of(1, 1, 1)])],
  ['times that go back before the boot', 'batch-inconsistent', () => spoilt(11, [1000, 100_001])],
  ['a byte column too long', 'batch-inconsistent', () => spoilt(12, [0, new Uint8Array(4), 0, 0])],
  [
    'a value column too short',
    'batch-inconsistent',
    () => spoilt(13, [null, null, null, null, Float32Array.of(1, 2), null, null, null]),
  ],
  [
    'a value column of another type',
    'batch-inconsistent',
    () => spoilt(13, [null, null, null, Int32Array.of(1, 2, 3), null, null, null, null]),
  ],
  [
    'values nobody asked for',
    'batch-inconsistent',
    () => spoilt(13, [0, null, null, null, Float32Array.of(1, 2, 3), null, null, null]),
  ],
  [
    'a time a hundred years after the boot',
    'batch-inconsistent',
    () => spoilt(11, [limits.monotonicMilliseconds - 10, 20]),
  ],
  ['an aspect that there is not', 'batch-inconsistent', () => spoilt(15, 5)],
  ['aspects of two series', 'batch-inconsistent', () => spoilt(15, Uint8Array.of(0, 1))],
  ['aspects left out', 'batch-inconsistent', () => spoilt(15, undefined)],
  ['calibrations left out', 'batch-malformed', () => spoilt(16, undefined)],
  ['calibrations of float32', 'batch-malformed', () => spoilt(16, [Float32Array.of(1, 0), 1])],
  ['a gain without an offset', 'batch-inconsistent', () => spoilt(16, [Float64Array.of(1), 1])],
  ['no calibration, in an array', 'batch-inconsistent', () => spoilt(16, [new Float64Array(0), 0])],
  ['more calibrations than series', 'batch-inconsistent', () => spoilt(16, [Float64Array.of(1, 0, 2, 0), 1])],
  ['a gain that is no number', 'batch-inconsistent', () => spoilt(16, [Float64Array.of(Number.NaN, 0), 1])],
  [
    'an infinite offset',
    'batch-inconsistent',
    () => spoilt(16, [Float64Array.of(1, Number.POSITIVE_INFINITY), 1]),
  ],
  ['a calibration that is not there', 'batch-inconsistent', () => spoilt(16, [Float64Array.of(1, 0), 2])],
  ['calibrations in two columns', 'batch-inconsistent', () => spoilt(16, [Float64Array.of(1, 0), 1, 0])],
  ['an event without an entry', 'batch-inconsistent', () => spoilt(17, [['port-open', '', '']])],
  ['entries without their events', 'batch-inconsistent', () => cbor.encode(soundEvents().with(17, []))],
  ['an event of two parts', 'batch-malformed', () => cbor.encode(soundEvents(['port-open', '']))],
  ['an event of four parts', 'batch-malformed', () => cbor.encode(soundEvents(['port-open', '', '', '']))],
  ['a code in capitals', 'batch-malformed', () => cbor.encode(soundEvents(['PORT', '', '']))],
  ['a code of two lines', 'batch-malformed', () => cbor.encode(soundEvents(['port-open\n', '', '']))],
  ['no code', 'batch-malformed', () => cbor.encode(soundEvents(['', '', '']))],
  ['a code of 65 characters', 'batch-malformed', () => cbor.encode(soundEvents(['x'.repeat(65), '', '']))],
  ['a code that is a number', 'batch-malformed', () => cbor.encode(soundEvents([7, '', '']))],
  [
    'a subject too long in bytes',
    'batch-malformed',
    () => cbor.encode(soundEvents(['port-open', 'ü'.repeat(limits.eventSubjectBytes / 2 + 1), ''])),
  ],
  [
    'a detail too long',
    'batch-malformed',
    () => cbor.encode(soundEvents(['port-open', '', 'x'.repeat(limits.eventDetailBytes + 1)])),
  ],
  ['an anchor without an entry', 'batch-inconsistent', () => spoilt(14, [[1, 1]])],
];

for (const [name, code, bytes] of cases) {
  test(`${name}: refused as ${code}`, () => assert.is(codeOf(bytes()), code));
}

test('an anchor past the year 9999 is refused', () => {
  const wire = sound();
  wire[8] = new Uint8Array(0);
  wire[9] = 1;
  wire[13] = new Array(8).fill(null);
  wire[14] = [[limits.wallMilliseconds + 1, 5]];
  assert.is(codeOf(cbor.encode(wire)), 'batch-inconsistent');
  wire[14] = [[limits.wallMilliseconds, 5]];
  assert.is(codeOf(cbor.encode(wire)), 'accepted');
});

test('more anchors than allowed are refused', () => {
  const wire = sound();
  wire[8] = new Uint8Array(0);
  wire[9] = limits.batchAnchors + 1;
  wire[13] = new Array(8).fill(null);
  wire[14] = Array.from({ length: limits.batchAnchors + 1 }, () => [1, 1]);
  assert.is(codeOf(cbor.encode(wire)), 'batch-limit');
});

test('more events than allowed are refused', () => {
  const wire = soundEvents();
  wire[9] = limits.batchEvents + 1;
  wire[17] = new Array(limits.batchEvents + 1).fill(['port-open', '', '']);
  assert.is(codeOf(cbor.encode(wire)), 'batch-limit');
});

test('a float64 that is no number is refused: only a float32 off the air may be none', () => {
  const wire = sound();
  wire[8] = Uint8Array.of(0x25, 0xdf, 1, 0, 0x17);
  wire[13] = [null, null, null, null, null, null, null, Float64Array.of(1, Number.NaN, 3)];
  assert.is(codeOf(cbor.encode(wire)), 'batch-inconsistent');
});

test('a typed array of a bogus length is refused, not read as empty', () => {
  const bytes = cbor.encode(sound());
  const at = bytes.indexOf(Buffer.from('d8554c', 'hex'));
  const cut = Buffer.concat([
    bytes.subarray(0, at),
    Buffer.from('d8554b', 'hex'),
    bytes.subarray(at + 3, at + 14),
    bytes.subarray(at + 15),
  ]);
  assert.is(codeOf(cut), 'batch-inconsistent');
});

test('any change of any byte gives a whole batch or a named error', async () => {
  await fc.assert(
    fc.property(arbitraryHeader, arbitraryEntries, fc.nat(), fc.nat(0xff), (header, entries, at, byte) => {
      const bytes = Uint8Array.from(encodeBatch(header, entries));
      bytes[at % bytes.length] = byte;
      if (codeOf(bytes) === 'accepted') {
        const batch = decodeBatch(bytes);
        const held = batch.series.reduce((sum, { start, end }) => sum + end - start, 0);
        assert.is(held + batch.anchors.length + batch.events.length, batch.count);
        assert.is(entriesOf(batch).filter((entry) => entry !== undefined).length, batch.count);
      }
    }),
    { numRuns: 1000 },
  );
});

test('any cut of a batch is refused', async () => {
  await fc.assert(
    fc.property(arbitraryHeader, arbitraryEntries, fc.nat(), (header, entries, at) => {
      const bytes = encodeBatch(header, entries);
      assert.is.not(codeOf(bytes.subarray(0, at % bytes.length)), 'accepted');
    }),
  );
});

test('random bytes never do anything but fail by name', async () => {
  await fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => assert.is.not(codeOf(bytes), 'accepted')),
  );
});

test.run();
