import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { chunkSizes, concat, cut } from './fixtures/arbitraries.ts';
import { encodeGw1Line, type Gw1Framed, Gw1Framer, maxGw1LineBytes, T24Error } from './index.ts';

const ascii = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));
const line = { kind: 'line', tag: 0xfe56, value: 123.156, text: '123.156', lqi: 100 } as const;

test('the line of the manual is read', () => {
  assert.equal(new Gw1Framer().push(ascii('FE56=123.156,100,0,0\r')), [
    { ...line, batteryLow: false, integrityError: false, size: 21 },
  ]);
});

test('a space before the CR and an LF behind it belong to the line', () => {
  const framer = new Gw1Framer();
  const framed = framer.push(ascii('FE56=123.156,100,1,0 \r\nFE56=123.156,100,0,1\r\n'));
  assert.equal(framed, [
    { ...line, batteryLow: true, integrityError: false, size: 22 },
    { ...line, batteryLow: false, integrityError: true, size: 22 },
  ]);
  assert.is(framer.held, 1);
  assert.equal(framer.stalled(), []);
});

for (const text of ['0', '-12', '+0.5', '.5', '7.', '-0.000', '00012.50']) {
  test(`${text} is a value, and keeps its digits`, () => {
    const [framed] = new Gw1Framer().push(ascii(`0001=${text},0,0,0\r`));
    assert.ok(framed?.kind === 'line');
    if (framed?.kind === 'line') {
      assert.is(framed.value, Number(text));
      assert.is(framed.text, text);
    }
  });
}

for (const text of [
  '',
  'E56=1,100,0,0',
  '1FE56=1,100,0,0',
  'FE5G=1,100,0,0',
  'FE56=,100,0,0',
  'FE56=1e5,100,0,0',
  'FE56=NaN,100,0,0',
  'FE56=1.2.3,100,0,0',
  'FE56=-,100,0,0',
  'FE56=1,101,0,0',
  'FE56=1,100,2,0',
  'FE56=1,100,0',
  'FE56=1,100,0,0  ',
  'FE56=1,100,0,0,0',
  'FE56 = 1,100,0,0',
  '\u0000FE56=1,100,0,0',
]) {
  test(`${JSON.stringify(text)} is not a line, and its bytes are discarded`, () => {
    const bytes = ascii(`${text}\r`);
    const expected: Gw1Framed[] = [{ kind: 'discarded', bytes, reason: 'notALine' }];
    assert.equal(new Gw1Framer().push(bytes), expected);
  });
}

test('a line that never ends is dropped up to the next CR, and the line behind it is read', () => {
  const framer = new Gw1Framer();
  const overlong = ascii(`${'FE56=1,1,0,0 '.repeat(20)}\r`);
  const framed: Gw1Framed[] = [];
  for (const byte of overlong) {
    framed.push(...framer.push(Uint8Array.of(byte)));
    assert.ok(framer.held < maxGw1LineBytes);
  }
  for (const one of framed) assert.ok(one.kind === 'discarded' && one.reason === 'tooLong');
  assert.equal(concat(framed.map((one) => (one.kind === 'discarded' ? one.bytes : ascii('')))), overlong);
  assert.is(framer.push(ascii('FE56=1,1,0,0\r'))[0]?.kind, 'line');
});

test('a line that stops half way is given up when the line falls silent', () => {
  const framer = new Gw1Framer();
  framer.push(ascii('FE56=12'));
  assert.equal(framer.stalled(), [{ kind: 'discarded', bytes: ascii('FE56=12'), reason: 'stalled' }]);
  assert.is(framer.held, 0);
  assert.is(framer.push(ascii('3.156,100,0,0\r'))[0]?.kind, 'discarded');
});

const anyLine = fc.record({
  tag: fc.integer({ min: 0, max: 0xffff }),
  text: fc.double({ noNaN: true, min: -1e6, max: 1e6 }).map((value) => value.toFixed(3)),
  lqi: fc.integer({ min: 0, max: 100 }),
  batteryLow: fc.boolean(),
  integrityError: fc.boolean(),
});
const rubbish = fc
  .array(fc.constantFrom(0x0d, 0x0a, 0x2c, 0x3d, 0x30, 0x41, 0xff, 0x20))
  .map((bytes) => Uint8Array.from(bytes));

test('every line that is encoded is read as what it was, in any split', () => {
  fc.assert(
    fc.property(fc.array(anyLine), chunkSizes, (lines, sizes) => {
      const framer = new Gw1Framer();
      const framed = cut(concat(lines.map(encodeGw1Line)), sizes).flatMap((chunk) => framer.push(chunk));
      assert.equal(
        framed,
        lines.map((one) => ({
          ...structuredClone(one),
          kind: 'line',
          value: Number(one.text),
          size: encodeGw1Line(one).length,
        })),
      );
    }),
  );
});

test('bytes in are sizes of lines, bytes discarded and bytes held, and a split changes nothing', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(anyLine.map(encodeGw1Line), rubbish)), chunkSizes, (parts, sizes) => {
      const bytes = concat(parts);
      const whole = new Gw1Framer();
      const split = new Gw1Framer();
      const expected = whole.push(bytes);
      assert.equal(
        cut(bytes, sizes).flatMap((chunk) => split.push(chunk)),
        expected,
      );
      const sizeOf = (one: Gw1Framed): number => (one.kind === 'line' ? one.size : one.bytes.length);
      const out = expected.reduce((sum, one) => sum + sizeOf(one), 0);
      assert.is(out + whole.held, bytes.length);
      assert.is(split.held, whole.held);
    }),
  );
});

test('a line that the format cannot carry is not encoded', () => {
  const good = { tag: 1, text: '1.5', lqi: 100, batteryLow: false, integrityError: false };
  encodeGw1Line(good);
  for (const bad of [
    { tag: 0x10000 },
    { tag: 1.5 },
    { text: 'NaN' },
    { text: '1\r' },
    { text: '1'.repeat(60) },
    { lqi: 101 },
    { lqi: -1 },
  ]) {
    assert.throws(
      () => encodeGw1Line({ ...good, ...bad }),
      (error: Error) => error instanceof T24Error && error.code === 'line',
    );
  }
});

test.run();
