import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { chunkSizes, concat, cut, noise, packet } from '../t24/fixtures/arbitraries.ts';
import { decodePacket, encodeFrame, encodePacket } from '../t24/index.ts';
import { type Decoded, driverNamed, drivers } from './index.ts';

const test = suite('drivers');
const ascii = (text: string): Uint8Array => Buffer.from(text, 'latin1');
const options = { so: { template: '{tag},{value},{lqi}', max_bytes: 24 } } as Record<string, object>;
const opened = (name: string) => driverNamed(name).open({ ...options[name] });
const bytesOf = (decoded: readonly Decoded[]): number => decoded.reduce((sum, { bytes }) => sum + bytes, 0);

test('are found by name; an unknown name is told which there are', () => {
  assert.equal(
    drivers.map(({ name, support }) => [name, support]),
    [
      ['t24', 'supported'],
      ['gw1', 'by-manual'],
      ['so', 'by-manual'],
      ['hid', 'untested'],
    ],
  );
  assert.throws(() => driverNamed('t42'), /there is no driver "t42": there are "t24", "gw1", "so", "hid"/);
  assert.match(driverNamed('hid').label, /untested on hardware/);
});

test('refuse an option they do not have, by its key', () => {
  for (const { name } of drivers) {
    assert.throws(
      () => driverNamed(name).open({ ...options[name], templat: 1 }),
      (error: Error) => error.message.startsWith(`options.templat is not an option of driver "${name}"`),
    );
  }
});

test('make a measurement of a real frame, every field as it came', () => {
  const [decoded] = opened('t24').push(Buffer.from('0B0B012325DF1C043F0F4E9FFBE85EA6', 'hex'));
  assert.equal(decoded, {
    kind: 'frame',
    bytes: 16,
    content: {
      kind: 'measurement',
      base: 1,
      tag: 0x25df,
      value: { type: 'float32', value: Math.fround(0.5597934) },
      flags: 0x20,
      status: 0x1c,
      quality: { kind: 'radio', rssi: 0xfb, cv: 0xe8 },
    },
  });
});

test('say in bits what a GW1 says in fields', () => {
  const [decoded] = opened('gw1').push(ascii('FE56=1.5,87,1,1\r'));
  assert.ok(decoded?.kind === 'frame' && decoded.content.kind === 'measurement');
  const { base, tag, value, flags, status, quality } = decoded.content;
  assert.equal(
    [base, tag, value, flags, status, quality],
    [0, 0xfe56, { type: 'float64', value: 1.5 }, 0x40, 0x02, { kind: 'lqi', percent: 87 }],
  );
});

test('hand on every other packet whole, for whoever waits for it', () => {
  fc.assert(
    fc.property(packet, fc.constantFrom('t24', 'hid'), (some, name) => {
      let bytes: Uint8Array;
      try {
        bytes = encodePacket(some);
      } catch {
        return; // A broadcast pause.
      }
      const [decoded] = opened(name).push(encodeFrame(3, bytes));
      assert.ok(decoded?.kind === 'frame');
      const { content } = decoded;
      assert.is(content.base, 3);
      assert.is(content.kind, some.kind === 'dataProvider' ? 'measurement' : 'other');
      if (content.kind === 'other') assert.equal(decodePacket(content.packet), decodePacket(bytes));
    }),
  );
});

for (const { name } of drivers) {
  test(`${name} accounts for every byte, holds little, and gives the same however it is split`, () => {
    const text = fc
      .array(fc.constantFrom(...'0123456789ABCDEFabcdef=,.-+ \r\n'), { maxLength: 40 })
      .map((characters) => ascii(characters.join('')));
    const part = fc.oneof(
      noise,
      text,
      fc.constantFrom(
        ascii('25DF=1.5,100,0,0\r'),
        ascii('25DF,1.5,100\r\n'),
        Buffer.from('0B0B012325DF1C043F0F4E9FFBE85EA6', 'hex'),
      ),
    );
    fc.assert(
      fc.property(fc.array(part), chunkSizes, (parts, sizes) => {
        const bytes = concat(parts);
        const frames = (decoded: readonly Decoded[]) => decoded.filter(({ kind }) => kind === 'frame');
        const whole = opened(name);
        const expected = whole.push(bytes);
        assert.is(bytesOf(expected) + whole.held, bytes.length);
        const split = opened(name);
        const found = cut(bytes, sizes).flatMap((chunk) => {
          const decoded = split.push(chunk);
          assert.ok(split.held < 128);
          return decoded;
        });
        assert.equal(frames(found), frames(expected));
        assert.is(split.held, whole.held);
        assert.is(bytesOf(found) + bytesOf(split.stalled()) + split.held, bytes.length);
      }),
    );
  });
}

test.run();
