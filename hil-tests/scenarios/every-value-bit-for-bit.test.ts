// What a base station sent is what is in the store: through noise, in single bytes, every bit of every value.
import { encodeFrame, frameOverheadBytes, type Value } from '@loadline/sdk/t24';
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { lace, playRecording } from '../rig/index.ts';
import { assertBalanced, Site, type StoredReading } from './site.ts';

const test = suite('every value, bit for bit');

/** A data provider frame, taken apart as the manual draws it; `data` are the bytes of the value on the wire. */
interface Sent {
  readonly base: number;
  readonly flags: number;
  readonly tag: number;
  readonly status: number;
  readonly dataType: number;
  readonly data: readonly number[];
  readonly rssi: number;
  readonly cv: number;
}

const frameCount = 240;
const tags = [0x25df, 0x25e0, 0x0000, 0xffff, 0x00ff, 0x1234];
const octet = fc.integer({ min: 0, max: 255 });
const octets = (least: number, most: number) => fc.array(octet, { minLength: least, maxLength: most });
/** Zeros of both signs, the smallest and largest, infinities, and numbers that are none, with payloads. */
const oddFloats = [
  '00000000 80000000 00000001 807FFFFF 7F7FFFFF FF7FFFFF C640E6B6 3F0F4E9F',
  '7F800000 FF800000 7FC00000 FFC00000 7F800001 FFFFFFFF 7FA5A5A5 FFC0DE42',
]
  .join(' ')
  .split(' ')
  .map((hex) => [...Buffer.from(hex, 'hex')]);

/** Data of each type, 0..6; upper bits of the data type byte are a display hint and may be anything. */
const dataOf = [
  fc.constant([]),
  octets(1, 1),
  octets(2, 2),
  octets(4, 4),
  fc.oneof(fc.constantFrom(...oddFloats), octets(4, 4)),
  fc.array(fc.integer({ min: 1, max: 255 }), { maxLength: 63 }).map((text) => [...text, 0]),
  octets(0, 64),
];

const sentFrame: fc.Arbitrary<Sent> = fc.integer({ min: 0, max: 6 }).chain((type) =>
  fc.record({
    base: fc.constantFrom(1, 16),
    flags: fc.constantFrom(0x00, 0x20, 0x40, 0x60, 0x80, 0xe0),
    tag: fc.constantFrom(...tags),
    status: fc.oneof(fc.constantFrom(0x00, 0x1c, 0x02, 0xff), octet),
    dataType: fc.integer({ min: 0, max: 31 }).map((hint) => (hint << 3) | type),
    data: dataOf[type] as fc.Arbitrary<number[]>,
    rssi: octet,
    cv: octet,
  }),
);

/** By hand, and not by the codec that is under test. */
function frame({ base, flags, tag, status, dataType, data, rssi, cv }: Sent): Uint8Array {
  const packet = [flags | 0x03, tag >> 8, tag & 0xff, status, dataType, ...data, rssi, cv];
  return encodeFrame(base, Uint8Array.from(packet));
}

/** A stored value as the wire would have it. */
function wireBytes(value: Value): number[] {
  const bytes = Buffer.alloc(4);
  switch (value.type) {
    case 'none':
      return [];
    case 'uint8':
      return [value.value];
    case 'uint16':
      return [value.value >> 8, value.value & 0xff];
    case 'int32':
      bytes.writeInt32BE(value.value);
      return [...bytes];
    case 'float32':
      bytes.writeFloatBE(value.value);
      return [...bytes];
    case 'nonFinite':
      bytes.writeUInt32BE(value.bits);
      return [...bytes];
    case 'string':
      return [...Buffer.from(value.value, 'latin1'), 0];
    case 'binary':
      return [...value.value];
    case 'float64':
      throw new Error('T24 has no float64');
  }
}

const typeNames = ['none', 'uint8', 'uint16', 'int32', 'float32', 'string', 'binary'] as const;

function asStored(reading: StoredReading) {
  const { number: _, epoch: __, monotonic: ___, written: ____, value, ...rest } = reading;
  return { ...rest, type: value.type === 'nonFinite' ? 'float32' : value.type, data: wireBytes(value) };
}

function asSent({ base, flags, tag, status, dataType, data, rssi, cv }: Sent) {
  const type = typeNames[dataType & 0x07];
  const quality = { kind: 'radio', rssi, cv };
  const heard = { kind: 'reading', port: 'radio', aspect: 'heard', calibration: undefined } as const;
  return { ...heard, base, tag, flags, status, quality, type, data: [...data] };
}

let site: Site;

test.before(async () => {
  site = await Site.open();
});

test.after(() => site.close());

test('noise between the frames and single bytes change nothing: all is stored once, in order, bit for bit', async () => {
  const sent = fc.sample(sentFrame, { numRuns: frameCount, seed: 20261122 });
  const frames = sent.map(frame);
  const clean = Buffer.concat(frames);
  assert.is(
    clean.length,
    sent.reduce((sum, { data }) => sum + 7 + data.length + frameOverheadBytes, 0),
  );
  const { bytes, noiseBytes } = lace(clean, { seed: 7 });
  assert.ok(noiseBytes > 2000);

  await playRecording(bytes, site.port, {
    speed: { kind: 'as-fast-as-it-goes' },
    chunks: { kind: 'single-bytes' },
  });
  const account = await site.accountWhere(
    'all bytes are accounted for',
    ({ stored }, { ports, readings, journal }) =>
      ports[0]?.bytes === bytes.length &&
      ports[0].heldBytes === 0 &&
      journal.held === 0 &&
      stored === readings,
  );

  assert.is(account.frames, frameCount);
  assert.is(account.stored, frameCount);
  assert.equal([account.rejected, account.duplicate], [0, 0]);
  assert.is(account.discardedBytes, noiseBytes);
  assert.is(account.health?.ports[0]?.frameBytes, clean.length);
  if (account.health) assertBalanced(account.health);

  const stored = site.readings();
  assert.is(stored.length, frameCount);
  stored.forEach((reading, index) => {
    assert.equal(asStored(reading), asSent(sent[index] as Sent), `frame ${index}`);
  });
  // In the order of the line; an event or an anchor may have a number between two of theirs.
  const numbers = stored.map(({ number }) => number);
  assert.ok(numbers.every((number, index) => index === 0 || number > (numbers[index - 1] ?? 0)));
});

test('every type, base address and tag was among them, and floats that are no numbers', () => {
  const stored = site.readings();
  const kinds = (of: (reading: StoredReading) => unknown) => new Set(stored.map(of)).size;
  assert.is(
    kinds(({ value }) => value.type),
    typeNames.length + 1,
  );
  assert.is(
    kinds(({ base }) => base),
    2,
  );
  assert.is(
    kinds(({ tag }) => tag),
    tags.length,
  );
});

test.run();
