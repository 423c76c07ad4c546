import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { arbitraryEntries, arbitraryHeader } from './arbitraries.ts';
import { entriesOf } from './batch.ts';
import { decodeBatch } from './decode.ts';
import { encodeBatch } from './encode.ts';
import type { Entry, Reading } from './reading.ts';

const header = {
  epoch: '00112233445566778899aabbccddeeff',
  parent: undefined,
  boot: 'ffeeddccbbaa99887766554433221100',
  oldest: 1,
  first: 1,
  dropped: [],
};

function reading(over: Partial<Reading> = {}): Reading {
  return {
    kind: 'reading',
    port: 'radio',
    base: 1,
    tag: 0x25df,
    monotonic: 1000,
    value: { type: 'float32', value: Math.fround(0.5597934) },
    flags: 0,
    status: 0,
    quality: { kind: 'radio', rssi: 0xfb, cv: 0xe8 },
    ...over,
  };
}

test('whatever entries go in come out, in order, with their header', async () => {
  await fc.assert(
    fc.property(arbitraryHeader, arbitraryEntries, (head, entries) => {
      const batch = decodeBatch(encodeBatch(head, entries));
      assert.equal(entriesOf(batch), entries);
      const { epoch, parent, boot, oldest, first, dropped, count } = batch;
      assert.equal({ epoch, parent, boot, oldest, first, dropped }, head);
      assert.is(count, entries.length);
    }),
    { numRuns: 500 },
  );
});

test('a float that is not a number keeps its 32 bits', () => {
  const bits = [0x7f800000, 0xff800000, 0x7fc00000, 0x7f800001, 0xffc12345];
  const entries = bits.map((one) => reading({ value: { type: 'nonFinite', bits: one >>> 0 } }));
  const decoded = entriesOf(decodeBatch(encodeBatch(header, entries)));
  assert.equal(
    decoded.map((entry) => (entry as Reading).value),
    entries.map((entry) => entry.value),
  );
});

test('three hundred series in one batch come out whole', () => {
  const entries = Array.from({ length: 900 }, (_, index) =>
    reading({ tag: index % 300, monotonic: 1000 + index }),
  );
  assert.equal(entriesOf(decodeBatch(encodeBatch(header, entries))), entries);
});

test('a large batch of slow series is compressed, and reads the same', () => {
  const entries: Entry[] = Array.from({ length: 1000 }, (_, index) =>
    reading({
      tag: index % 100,
      monotonic: 5000 + index * 10,
      value: { type: 'float32', value: Math.fround(20 + (index % 7) / 100) },
    }),
  );
  const bytes = encodeBatch(header, entries);
  assert.is(Buffer.from(bytes.subarray(0, 4)).toString('hex'), '28b52ffd');
  assert.ok(bytes.length < 4 * entries.length, `${bytes.length} bytes for ${entries.length} readings`);
  assert.equal(entriesOf(decodeBatch(bytes)), entries);
});

test('an empty batch is a batch: it can declare what was dropped', () => {
  const batch = decodeBatch(encodeBatch({ ...header, dropped: [{ first: 3, last: 9 }] }, []));
  assert.is(batch.count, 0);
  assert.equal(batch.dropped, [{ first: 3, last: 9 }]);
});

test('the bytes of a batch are those the README draws', () => {
  const bytes = encodeBatch(header, [
    { kind: 'anchor', monotonic: 1000, wall: 1_795_000_000_000, uncertainty: 50 },
    reading({ monotonic: 1007 }),
  ]);
  const expected = [
    '8f01',
    '5000112233445566778899aabbccddeeff',
    'f6',
    '50ffeeddccbbaa99887766554433221100',
    '010180',
    '8165726164696f',
    '4525df010014',
    '02',
    '81420100',
    '821903e80e',
    '84000018fb18e8',
    '88f6f6f6f6d855449f4e0f3ff6f6f6',
    '81821b000001a1ee565e001832',
  ];
  assert.is(Buffer.from(bytes).toString('hex'), expected.join(''));
});

test.run();
