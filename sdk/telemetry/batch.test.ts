import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isEventCode, limits } from '../contract/index.ts';
import { arbitraryEntries, arbitraryHeader } from './arbitraries.ts';
import { entriesOf, numberAt } from './batch.ts';
import { decodeBatch } from './decode.ts';
import { encodeBatch, entryWeight } from './encode.ts';
import type { TelemetryError } from './errors.ts';
import { gatewayEvent } from './event.ts';
import { type Entry, type ForeignEventCode, physical, type Reading } from './reading.ts';

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
    aspect: 'heard',
    calibration: undefined,
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

test('250 to 260 series and every kind of entry: the width of an index changes, and nothing else', () => {
  for (let series = 250; series <= 260; series++) {
    const entries: Entry[] = [
      { kind: 'anchor', monotonic: 1, wall: 1_795_000_000_000, uncertainty: 50 },
      ...Array.from({ length: series }, (_, tag) =>
        reading({ tag, calibration: { gain: 1 + tag, offset: -tag } }),
      ),
      { kind: 'event', monotonic: 9000, code: 'port-open', subject: 'radio', detail: '/dev/ttyUSB0' },
    ];
    assert.equal(entriesOf(decodeBatch(encodeBatch(header, entries))), entries, `${series} series`);
  }
});

test('one tag is as many series as it has aspects and calibrations', () => {
  const entries = [
    reading(),
    reading({ aspect: 'mean' }),
    reading({ calibration: { gain: 2, offset: 1 } }),
    reading({ calibration: { gain: 2, offset: 1.5 } }),
    reading({ calibration: { gain: 2, offset: 1 } }),
    reading({ port: 'derived', base: 0, aspect: 'derived' }),
  ];
  const batch = decodeBatch(encodeBatch(header, entries));
  assert.is(batch.series.length, 5);
  assert.equal(entriesOf(batch), entries);
});

test('the number of a calibrated reading is physical, and its value is as it was heard', () => {
  const entries = [
    reading({ value: { type: 'int32', value: 4000 }, calibration: { gain: 0.25, offset: -100 } }),
    reading({ value: { type: 'string', value: 'x' }, calibration: { gain: 0.25, offset: -100 } }),
    reading({ value: { type: 'int32', value: 10 }, calibration: { gain: 1e308, offset: 0 } }),
    reading({ value: { type: 'int32', value: 4001 } }),
  ];
  const batch = decodeBatch(encodeBatch(header, entries));
  assert.equal(
    batch.series.map((series) => numberAt(batch, series, series.start)),
    [900, null, null, 4001],
  );
  assert.equal(entriesOf(batch), entries);
  assert.is(physical(4000, { gain: 0.25, offset: -100 }), 900);
});

test('an event whose code is of a later version is kept as it is', () => {
  const code = 'rotor-9-jammed' as ForeignEventCode;
  const entries: Entry[] = [{ kind: 'event', monotonic: 7, code, subject: '', detail: 'Lager heiß' }];
  const batch = decodeBatch(encodeBatch(header, entries));
  assert.equal(entriesOf(batch), entries);
  assert.not(isEventCode(batch.events[0]?.event.code ?? 'port-open'));
  assert.ok(isEventCode('port-open'));
  assert.not(isEventCode('constructor'));
});

test('an event is cut to its limits at a whole character, and then travels', () => {
  const words = { code: 'port-lost', subject: 'ü'.repeat(100), detail: `a${'🚧'.repeat(100)}` } as const;
  const event = gatewayEvent(5, words);
  assert.is(event.subject, 'ü'.repeat(32));
  assert.is(event.detail, `a${'🚧'.repeat(74)}`);
  assert.equal(entriesOf(decodeBatch(encodeBatch(header, [event]))), [event]);
  const halved = gatewayEvent(5, { ...words, detail: 'ends in half a pair \ud83d' });
  assert.equal(entriesOf(decodeBatch(encodeBatch(header, [halved]))), [halved]);
});

test('what no batch may hold is refused by the encoder too', () => {
  const event: Entry = { kind: 'event', monotonic: 1, code: 'port-open', subject: '', detail: '' };
  const cases: [code: string, entries: Entry[]][] = [
    ['batch-limit', [{ ...event, subject: 'x'.repeat(limits.eventSubjectBytes + 1) }]],
    ['batch-limit', [{ ...event, detail: 'ü'.repeat(limits.eventDetailBytes / 2 + 1) }]],
    ['batch-limit', new Array(limits.batchEvents + 1).fill(event)],
    ['batch-limit', Array.from({ length: limits.batchPorts + 1 }, (_, n) => reading({ port: `port ${n}` }))],
    ['batch-inconsistent', [{ ...event, code: 'Port' as ForeignEventCode }]],
    ['batch-inconsistent', [reading({ calibration: { gain: Number.NaN, offset: 0 } })]],
    ['batch-inconsistent', [reading({ calibration: { gain: 1, offset: Number.POSITIVE_INFINITY } })]],
  ];
  for (const [code, entries] of cases) {
    const refused = (error: unknown) => (error as TelemetryError).code === code;
    assert.throws(() => encodeBatch(header, entries), refused, JSON.stringify(entries[0]));
  }
});

test('a batch cut by the weight of its entries never holds more events than it may', () => {
  const event = gatewayEvent(1, { code: 'port-lost', subject: 'radio', detail: 'x'.repeat(300) });
  const short = gatewayEvent(1, { code: 'port-lost', subject: '', detail: '' });
  for (const one of [event, short]) {
    const most = Math.floor(limits.batchBytes / 2 / entryWeight(one));
    assert.ok(most <= limits.batchEvents);
    const entries: Entry[] = new Array(most).fill(one);
    assert.is(decodeBatch(encodeBatch(header, entries)).count, most);
  }
});

test('a batch of version 1 is read: all its series are as heard, and there are no events', () => {
  const bytes = [
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
  const batch = decodeBatch(Buffer.from(bytes.join(''), 'hex'));
  assert.equal(entriesOf(batch), [
    { kind: 'anchor', monotonic: 1000, wall: 1_795_000_000_000, uncertainty: 50 },
    reading({ monotonic: 1007 }),
  ]);
  assert.equal(batch.events, []);
});

test('the bytes of a batch are those the README draws', () => {
  const bytes = encodeBatch(header, [
    { kind: 'anchor', monotonic: 1000, wall: 1_795_000_000_000, uncertainty: 50 },
    reading({ monotonic: 1007, calibration: { gain: 2, offset: -1 } }),
    { kind: 'event', monotonic: 1014, code: 'port-lost', subject: 'radio', detail: 'gone' },
  ]);
  const expected = [
    '9202',
    '5000112233445566778899aabbccddeeff',
    'f6',
    '50ffeeddccbbaa99887766554433221100',
    '010180',
    '8165726164696f',
    '4525df010014',
    '03',
    '8143010002',
    '821903e80e',
    '84000018fb18e8',
    '88f6f6f6f6d855449f4e0f3ff6f6f6',
    '81821b000001a1ee565e001832',
    '00',
    '82d856500000000000000040000000000000f0bf01',
    '818369706f72742d6c6f737465726164696f64676f6e65',
  ];
  const hex = Buffer.from(bytes).toString('hex');
  assert.is(hex, expected.join(''));
  const drawn = /^ {4}92 02 .*(?:\n {4}.+)+/m.exec(
    readFileSync(join(import.meta.dirname, 'README.md'), 'utf8'),
  );
  const inReadme = (drawn?.[0] ?? '').split('\n').map((line) => line.slice(4).split(/ {2,}/)[0]);
  assert.is(inReadme.join('').replaceAll(' ', '').toLowerCase(), hex);
});

test.run();
