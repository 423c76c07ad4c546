import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { TelemetryError } from './errors.ts';
import { readNamed } from './named.ts';
import { type LineReading, writeReadingsLine } from './readings-line.ts';

const read = (line: string) => readNamed('line', Buffer.from(line));

test('numbers, truths and texts are read, with their units and times', () => {
  assert.equal(read('temp=21.5 hum=40:%RH@1795000000000 door=true note="all \\"well\\"" t=-1.5e-3'), [
    { name: 'temp', time: undefined, value: { type: 'float64', value: 21.5 }, unit: undefined },
    { name: 'hum', time: 1_795_000_000_000, value: { type: 'float64', value: 40 }, unit: '%RH' },
    { name: 'door', time: undefined, value: { type: 'uint8', value: 1 }, unit: undefined },
    { name: 'note', time: undefined, value: { type: 'string', value: 'all "well"' }, unit: undefined },
    { name: 't', time: undefined, value: { type: 'float64', value: -0.0015 }, unit: undefined },
  ]);
});

test('what is none of these is refused', () => {
  for (const line of [
    '',
    ' ',
    'temp',
    'temp=',
    '=1',
    'temp=1 ',
    ' temp=1',
    'temp=1  hum=2',
    'temp=NaN',
    'temp=Infinity',
    'temp=1e999',
    'temp=0x10',
    'temp=+1',
    'temp=.5',
    'temp=5.',
    'temp=1,5',
    'temp=1@',
    'temp=1@-5',
    'temp=1@1.5',
    'temp=1@9999999999999999',
    'temp=1@999999999999999',
    'temp=1:',
    `temp=1:${'x'.repeat(33)}`,
    'temp=true:Cel',
    'temp="x',
    'temp="x"y',
    'temp="\\x"',
    'temp="a\tb"',
    `temp="${'x'.repeat(257)}"`,
    'temp=TRUE',
    'tém=1',
    '-a=1',
    `${'a'.repeat(65)}=1`,
    'a=1\u0000',
    'a=1\r',
  ]) {
    assert.throws(
      () => read(line),
      (error: unknown) => error instanceof TelemetryError,
      JSON.stringify(line),
    );
  }
  assert.throws(() => readNamed('line', Buffer.of(0x61, 0x3d, 0x22, 0xff, 0x22)), /UTF-8/);
});

const reading: fc.Arbitrary<LineReading> = fc
  .record({
    name: fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9:./_-]{0,63}$/),
    value: fc.oneof(
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.boolean(),
      fc.string({ unit: 'binary', maxLength: 60 }),
    ),
    unit: fc.option(fc.constantFrom('Cel', '%RH', 'm/s2', '°C', '1/min', 'a:b'), { nil: undefined }),
    time: fc.option(fc.nat(2_000_000_000_000), { nil: undefined }),
  })
  .map(({ name, value, unit, time }) => ({
    name,
    value,
    ...(typeof value === 'number' && unit !== undefined && { unit }),
    ...(time !== undefined && { time }),
  }));

test('what is written is read as it was', () => {
  void fc.assert(
    fc.property(fc.array(reading, { minLength: 1, maxLength: 8 }), (readings) => {
      const line = writeReadingsLine(readings);
      assert.not(/\p{Cc}/u.test(line));
      const back = read(line).map(({ name, time, unit, value }): LineReading => {
        const { type } = value;
        return {
          name,
          value: type === 'uint8' ? value.value === 1 : (value.value as number | string),
          ...(unit !== undefined && { unit }),
          ...(time !== undefined && { time }),
        };
      });
      assert.equal(back, readings);
    }),
  );
});

test('what cannot be said is refused where it is written', () => {
  const readings: LineReading[] = [
    { name: 'a b', value: 1 },
    { name: 'a=b', value: 1 },
    { name: '', value: 1 },
    { name: 'a', value: Number.NaN },
    { name: 'a', value: Number.POSITIVE_INFINITY },
    { name: 'a', value: 1, unit: 'a b' },
    { name: 'a', value: 1, unit: 'a@1' },
    { name: 'a', value: 'x', unit: 'Cel' },
    { name: 'a', value: 1, time: 1.5 },
    { name: 'a', value: 1, time: -1 },
    { name: 'a', value: 'x'.repeat(257) },
  ];
  for (const one of readings) {
    assert.throws(
      () => writeReadingsLine([one]),
      (error: unknown) => error instanceof TelemetryError,
    );
  }
  assert.throws(
    () => writeReadingsLine([]),
    (error: unknown) => error instanceof TelemetryError,
  );
});

test.run();
