import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { limits } from '../contract/index.ts';
import { TelemetryError } from './errors.ts';
import { readNamed } from './named.ts';
import type { NamedReading } from './named-reading.ts';
import { cborLabels, senmlEncoder } from './senml-cbor.ts';
import { type SenmlForm, SenmlWriter, writeSenml } from './senml-write.ts';

const forms: readonly SenmlForm[] = ['senml', 'senml-cbor'];

const json = (pack: unknown) => Buffer.from(typeof pack === 'string' ? pack : JSON.stringify(pack));
const read = (pack: unknown) => readNamed('senml', json(pack));

/** The same pack in CBOR: labels that the table has as numbers. */
function cbor(pack: readonly Record<string, unknown>[]): Uint8Array {
  const record = (one: Record<string, unknown>) =>
    new Map(Object.entries(one).map(([name, value]) => [cborLabels[name as 'n'] ?? name, value]));
  return senmlEncoder.encode(pack.map(record));
}

function codeOf(form: SenmlForm, body: Uint8Array): string {
  try {
    readNamed(form, body);
  } catch (error) {
    assert.instance(error, TelemetryError);
    return (error as TelemetryError).code;
  }
  return 'accepted';
}

const number = (value: number) => ({ type: 'float64', value }) as const;

test('the examples of RFC 8428, section 5.1, come out as the RFC resolves them', () => {
  assert.equal(read([{ n: 'urn:dev:ow:10e2073a01080063', u: 'Cel', v: 23.1 }]), [
    { name: 'urn:dev:ow:10e2073a01080063', time: undefined, value: number(23.1), unit: 'Cel' },
  ]);
  const [voltage, current] = read([
    { bn: 'urn:dev:ow:10e2073a01080063:', n: 'voltage', u: 'V', v: 120.1 },
    { n: 'current', u: 'A', v: 1.2 },
  ]);
  assert.is(voltage?.name, 'urn:dev:ow:10e2073a01080063:voltage');
  assert.equal([current?.name, current?.value], ['urn:dev:ow:10e2073a01080063:current', number(1.2)]);
  const many = read([
    {
      bn: 'urn:dev:ow:10e2073a01080063:',
      bt: 1.276020076001e9,
      bu: 'A',
      bver: 5,
      n: 'voltage',
      u: 'V',
      v: 120.1,
    },
    { n: 'current', t: -5, v: 1.2 },
    { n: 'current', t: -4, v: 1.3 },
    { n: 'current', v: 1.7 },
  ]);
  assert.equal(
    many.map(({ time, unit, value }) => [time, unit, value.value]),
    [
      [1276020076001, 'V', 120.1],
      [1276020071001, 'A', 1.2],
      [1276020072001, 'A', 1.3],
      [1276020076001, 'A', 1.7],
    ],
  );
  // Section 5.1.4: several data types.
  const types = read([
    { bn: 'urn:dev:ow:10e2073a01080063:', n: 'temp', u: 'Cel', v: 23.1 },
    { n: 'label', vs: 'Machine Room' },
    { n: 'open', vb: false },
    { n: 'nfc-reader', vd: 'aGkgCg' },
  ]);
  assert.equal(
    types.slice(1).map(({ value }) => value),
    [
      { type: 'string', value: 'Machine Room' },
      { type: 'uint8', value: 0 },
      { type: 'binary', value: new Uint8Array(Buffer.from('hi \n')) },
    ],
  );
});

test('the CBOR example of RFC 8428, section 6, is read byte for byte', () => {
  // Its fourteen minutes of history in seven records, as figure 3 of the RFC prints them.
  const bytes = Buffer.from(
    '87a721781b75726e3a6465763a6f773a3130653230373361303130383030363a22fb41d303a15b00106223614120050067766f6c746167650161560' +
      '2fb405e066666666666a3006763757272656e74062402fb3ff3333333333333a3006763757272656e74062302fb3ff4cccccccccccda3006763757272656e74' +
      '062202fb3ff6666666666666a3006763757272656e74062102f93e00a3006763757272656e74062002fb3ff999999999999aa3006763757272656e740600' +
      '02fb3ffb333333333333',
    'hex',
  );
  const readings = readNamed('senml-cbor', bytes);
  assert.equal(
    readings.map(({ name, time, unit, value }) => [name.split(':').at(-1), time, unit, value.value]),
    [
      ['voltage', 1276020076001, 'V', 120.1],
      ['current', 1276020071001, 'A', 1.2],
      ['current', 1276020072001, 'A', 1.3],
      ['current', 1276020073001, 'A', 1.4],
      ['current', 1276020074001, 'A', 1.5],
      ['current', 1276020075001, 'A', 1.6],
      ['current', 1276020076001, 'A', 1.7],
    ],
  );
});

test('a time below 2^28 seconds is relative to the arrival, and 0 is none', () => {
  const at = (pack: unknown) => read(pack).map(({ time, sinceArrival }) => [time, sinceArrival]);
  assert.equal(at([{ n: 'a', v: 1, t: -2.5 }]), [[undefined, -2500]]);
  assert.equal(at([{ n: 'a', v: 1, t: 2 ** 28 - 1 }]), [[undefined, (2 ** 28 - 1) * 1000]]);
  assert.equal(at([{ n: 'a', v: 1, t: 2 ** 28 }]), [[2 ** 28 * 1000, undefined]]);
  assert.equal(
    at([
      { n: 'a', v: 1, t: 0 },
      { n: 'a', v: 1 },
    ]),
    [
      [undefined, undefined],
      [undefined, undefined],
    ],
  );
  assert.equal(at([{ bt: -60, n: 'a', v: 1, t: 5 }]), [[undefined, -55_000]]);
  for (const t of [-(2 ** 28), 1e300, -1e300]) {
    assert.is(codeOf('senml', json([{ n: 'a', v: 1, t }])), 'readings-malformed', String(t));
  }
});

test('base values add, and a sum is a series of its own', () => {
  assert.equal(
    read([
      { bn: 'm:', bv: 20, bs: 100, bu: 'W', n: 'a', v: 1.5, s: 7 },
      { n: 'b', v: -20 },
    ]).map(({ name, unit, value }) => [name, unit, value.value]),
    [
      ['m:a', 'W', 21.5],
      ['m:a:sum', 'W*s', 107],
      ['m:b', 'W', 0],
      ['m:b:sum', 'W*s', 100],
    ],
  );
  assert.equal(
    read([{ n: 'a', s: 7 }]).map(({ name, unit }) => [name, unit]),
    [['a:sum', undefined]],
  );
  assert.equal(read([{ bv: 5, n: 'a' }])[0]?.value, number(5), 'a value left out is zero');
  assert.equal(read([{ bn: 'x', bt: 1.7e9 }, { v: 1 }]), [
    { name: 'x', time: 1.7e12, value: number(1), unit: undefined },
  ]);
});

test('what is not known is left out, unless it says that it has to be understood', () => {
  assert.is(read([{ n: 'a', v: 1, mood: { deep: [1] }, ut: 5 }]).length, 1);
  assert.is(codeOf('senml', json([{ n: 'a', v: 1, mood_: 1 }])), 'readings-malformed');
  assert.is(readNamed('senml-cbor', cbor([{ n: 'a', v: 1, mood: [1] }])).length, 1);
  assert.is(codeOf('senml-cbor', cbor([{ n: 'a', v: 1, mood_: 1 }])), 'readings-malformed');
});

test('a version above 10, or two of them, is refused', () => {
  assert.is(
    read([
      { bver: 10, n: 'a', v: 1 },
      { bver: 10, n: 'a', v: 1 },
    ]).length,
    2,
  );
  assert.is(codeOf('senml', json([{ bver: 11, n: 'a', v: 1 }])), 'readings-malformed');
  assert.is(
    codeOf(
      'senml',
      json([
        { bver: 5, n: 'a', v: 1 },
        { bver: 6, n: 'a', v: 1 },
      ]),
    ),
    'readings-malformed',
  );
  assert.is(
    codeOf(
      'senml',
      json([
        { n: 'a', v: 1 },
        { bver: 5, n: 'a', v: 1 },
      ]),
    ),
    'readings-malformed',
  );
});

test('what is no pack is refused in both forms', () => {
  const packs: readonly (readonly Record<string, unknown>[])[] = [
    [{ v: 1 }],
    [{ n: '-a', v: 1 }],
    [{ n: 'a b', v: 1 }],
    [{ n: 'a'.repeat(limits.seriesNameLength + 1), v: 1 }],
    [{ bn: 'a'.repeat(limits.seriesNameLength), n: 'a', v: 1 }],
    [{ n: 'a'.repeat(limits.seriesNameLength), s: 1 }],
    [{ n: 'a' }],
    [{ n: 'a', v: 1, vs: 'x' }],
    [{ n: 'a', v: '1' }],
    [{ n: 'a', v: null }],
    [{ n: 'a', vb: 1 }],
    [{ n: 'a', vs: 5 }],
    [{ n: 'a', vs: 'ü'.repeat(limits.valueBytes) }],
    [{ n: 'a', vd: '====' }],
    [{ n: 'a', v: 1, u: 'x'.repeat(limits.unitLength + 1) }],
    [{ n: 'a', v: 1, t: '5' }],
    [{ bv: 1e308, n: 'a', v: 1e308 }],
  ];
  for (const pack of packs) {
    assert.is(codeOf('senml', json(pack)), 'readings-malformed', JSON.stringify(pack));
    assert.is(codeOf('senml-cbor', cbor(pack)), 'readings-malformed', JSON.stringify(pack));
  }
});

test('a label given twice is refused: one of two values would be gone', () => {
  assert.is(codeOf('senml', json('[{"n":"a","v":1,"v":2}]')), 'readings-malformed');
  assert.is(codeOf('senml', json('[{"n":"a","v":1,"x":{"y":1},"u":"\\":\\""}]')), 'accepted');
  assert.is(codeOf('senml-cbor', Buffer.from('81a300616102010202', 'hex')), 'readings-malformed');
  assert.is(codeOf('senml-cbor', Buffer.from('81a20061610201', 'hex')), 'accepted');
});

test('CBOR of any size of number, of indefinite lengths and with decimal fractions is read', () => {
  const one = (hex: string) => readNamed('senml-cbor', Buffer.from(hex, 'hex'))[0]?.value.value;
  assert.is(one('81a200616102f93e00'), 1.5, 'half');
  assert.is(one('81a200616102fa3fc00000'), 1.5, 'single');
  assert.is(one('81a2006161023bffffffffffffffff'), -(2 ** 64), 'the least integer');
  assert.is(one('81a2006161021bffffffffffffffff'), 2 ** 64, 'the greatest');
  assert.is(one('81a200616102c48221196ab3'), 273.15, 'decimal fraction');
  assert.is(one('9fbf00616102f93e00ffff'), 1.5, 'indefinite lengths');
});

test('hostile CBOR is refused by its shape, before anything is made of it', () => {
  const malformed = [
    '', 'a0', '80ff', '81', '819f', 'ff', '9f', '81a1', '81a2006161', '81a20061610302', '8101', '8180', '81f6',
    'c101', '81c100', '81a2006161', '81a200616102c2420100', '81a200616102c401', '81a200616102f97e00', '81a200616102f97c00',
    '81a200616102f6', '81a2616e616102f93e00', '81a2006161021c', '9a7fffffff', '81ba7fffffff', '81a1005a7fffffff', '81a1f501', '81a2006161037f61616162ff',
    `81a300616102010a${'81'.repeat(9)}00`, '81d81c81d81d00', `81a300616102f93e006178d9dfff820102`,
  ]; // biome-ignore format: a table
  for (const hex of malformed)
    assert.is(codeOf('senml-cbor', Buffer.from(hex, 'hex')), 'readings-malformed', hex);
  assert.is(codeOf('senml-cbor', Buffer.from('81'.repeat(200_000), 'hex')), 'readings-malformed');
  const many = Buffer.concat([Buffer.from('9a0003ffff', 'hex'), Buffer.alloc(0x3ffff, 0xa0)]);
  assert.is(codeOf('senml-cbor', many), 'readings-limit');
});

test('hostile JSON is refused by its shape, before anything is made of it', () => {
  for (const text of [
    '',
    'null',
    '{}',
    '5',
    '[5]',
    '[[]]',
    '[null]',
    '[{"n":"a","v":1e999}]',
    '[{"n":"a","v":NaN}]',
    '[{]',
    '"[{',
  ]) {
    assert.is(codeOf('senml', json(text)), 'readings-malformed', text);
  }
  assert.is(codeOf('senml', json('['.repeat(500_000))), 'readings-malformed');
  assert.is(
    codeOf('senml', json(`[{"n":"a","v":1,"x":${'['.repeat(9)}${']'.repeat(9)}}]`)),
    'readings-malformed',
  );
  assert.is(codeOf('senml', json(`[${'{},'.repeat(limits.batchEntries)}{}]`)), 'readings-limit');
  assert.is(codeOf('senml', Buffer.from([0x5b, 0xff, 0x5d])), 'readings-malformed', 'not UTF-8');
  assert.equal(read('[{"constructor":{"n":"b"},"n":"a","v":1}]')[0]?.name, 'a');
  assert.is(codeOf('senml', json('[{"__proto__":{"n":"b"},"v":1}]')), 'readings-malformed');
});

test('no bytes whatever bring anything else than readings or a named refusal', () => {
  fc.assert(
    fc.property(fc.constantFrom(...forms), fc.uint8Array({ maxLength: 200 }), (form, bytes) => {
      assert.ok(['accepted', 'readings-malformed', 'readings-limit'].includes(codeOf(form, bytes)));
    }),
    { numRuns: 2000 },
  );
  const sound = cbor([
    { bn: 'a', bt: 1.7e9, n: 'b', v: 1.5, u: 'Cel' },
    { n: 'c', vs: 'x', t: -5 },
    { n: 'd', vd: Uint8Array.of(1, 2) },
  ]);
  for (let at = 0; at < sound.length; at++) {
    for (let bit = 0; bit < 8; bit++) {
      const spoilt = Uint8Array.from(sound);
      spoilt[at] = (spoilt[at] as number) ^ (1 << bit);
      codeOf('senml-cbor', spoilt);
    }
  }
});

const name = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9:./_-]{0,63}$/);
const value: fc.Arbitrary<NamedReading['value']> = fc.oneof(
  fc
    .double({ noNaN: true, noDefaultInfinity: true })
    // Both forms write -0 as 0.
    .map((one) => number(one === 0 ? 0 : one)),
  fc.string({ maxLength: 64, unit: 'grapheme' }).map((text) => ({ type: 'string', value: text }) as const),
  fc.uint8Array({ maxLength: 64 }).map((bytes) => ({ type: 'binary', value: bytes }) as const),
);
const reading: fc.Arbitrary<NamedReading> = fc
  .record({
    name,
    time: fc.option(fc.integer({ min: 2 ** 28 * 1000, max: limits.monotonicMilliseconds }), {
      nil: undefined,
    }),
    value,
    unit: fc.option(fc.string({ maxLength: limits.unitLength }), { nil: undefined }),
  })
  .map((one) => ({ ...one }));

test('what is written is read again, to the bit of a value and the millisecond of a time', () => {
  fc.assert(
    fc.property(fc.constantFrom(...forms), fc.array(reading, { maxLength: 30 }), (form, readings) => {
      assert.equal(readNamed(form, writeSenml(form, readings)), readings);
    }),
  );
});

test('a pack may be written in pieces, and be empty', () => {
  const one = (index: number): NamedReading => ({
    name: `s${index}`,
    time: 1_700_000_000_123 + index,
    value: number(index),
    unit: 'Cel',
  });
  for (const form of forms) {
    const writer = new SenmlWriter(form);
    const pieces = [writer.add([one(0)]), writer.add([]), writer.add([one(1), one(2)]), writer.end()];
    assert.equal(readNamed(form, Buffer.concat(pieces)), [one(0), one(1), one(2)]);
    assert.equal(readNamed(form, writeSenml(form, [])), []);
    const none = writeSenml(form, [{ ...one(0), value: number(Number.NaN) }]);
    assert.equal(readNamed(form, none)[0]?.value, { type: 'string', value: 'NaN' });
  }
});

test('the simple map refuses a name that stands there twice, and numbers that are none', () => {
  for (const text of ['{"a":1,"a":2}', '{"a":1e999}', `{"a":${'['.repeat(20)}`]) {
    assert.throws(
      () => readNamed('json', json(text)),
      (error: TelemetryError) => error.code === 'readings-malformed',
    );
  }
  const many = Object.fromEntries(
    Array.from({ length: limits.batchEntries + 1 }, (_, index) => [`s${index}`, 1]),
  );
  assert.throws(
    () => readNamed('json', json(many)),
    (error: TelemetryError) => error.code === 'readings-limit',
  );
});

test.run();
