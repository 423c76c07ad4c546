import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { fromHex } from './fixtures/arbitraries.ts';
import { decodePacket, encodePacket, type Packet, T24Error, type Value } from './index.ts';

const malformed: readonly [what: string, hex: string, reason: string][] = [
  ['no byte at all', '', 'empty'],
  ['a data provider without its last byte', '0312340000EC', 'length'],
  ['a data provider of float32 with three bytes of data', '0312340004C640E6ECE6', 'length'],
  ['a data provider of the undocumented data type', '0312340007ECE6', 'dataType'],
  ['a data provider with 65 bytes of data', `0312340006${'00'.repeat(65)}ECE6`, 'length'],
  ['a read with a byte too many', '05ABCDEF3500', 'length'],
  ['a write without a data type', '06ABCDEF35', 'length'],
  ['a NAK with data', '08ABCDEF00ECE6', 'length'],
  ['a pair request with a byte too many', '13123401021E00', 'length'],
  ['a pair response without its tag', '14ABCDEFECE6', 'length'],
  ['an unknown packet longer than any', `1F${'00'.repeat(71)}`, 'length'],
];

for (const [what, hex, reason] of malformed) {
  test(`${what} is malformed, and keeps its bytes`, () => {
    assert.equal(decodePacket(fromHex(hex)), { kind: 'malformed', packet: fromHex(hex), reason });
  });
}

const provider = (dataType: number, value: Value): Packet => ({
  kind: 'dataProvider',
  flags: 0,
  tag: 1,
  status: 0,
  dataType,
  value,
  rssi: 0,
  cv: 0,
});

const refused: readonly [what: string, packet: Packet, code: string][] = [
  ['a uint8 under the data type of a float32', provider(4, { type: 'uint8', value: 1 }), 'value-type'],
  ['a float64', provider(4, { type: 'float64', value: 1 }), 'value-type'],
  ['a value under the undocumented data type', provider(7, { type: 'none' }), 'value-type'],
  ['a uint8 of 256', provider(1, { type: 'uint8', value: 256 }), 'field-range'],
  ['a uint16 of -1', provider(2, { type: 'uint16', value: -1 }), 'field-range'],
  ['an int32 of 2^31', provider(3, { type: 'int32', value: 2 ** 31 }), 'field-range'],
  ['a float32 beyond its range', provider(4, { type: 'float32', value: 1e39 }), 'field-range'],
  ['a float32 that is no number', provider(4, { type: 'float32', value: Number.NaN }), 'field-range'],
  ['bits of 1.0 as non-finite', provider(4, { type: 'nonFinite', bits: 0x3f80_0000 }), 'field-range'],
  ['a string with a NUL in it', provider(5, { type: 'string', value: 'a\0b' }), 'field-range'],
  ['a string beyond Latin-1', provider(5, { type: 'string', value: '\u20ac' }), 'field-range'],
  ['a string too long for its NUL', provider(5, { type: 'string', value: 'x'.repeat(64) }), 'field-range'],
  ['65 bytes of binary', provider(6, { type: 'binary', value: new Uint8Array(65) }), 'field-range'],
  [
    'padding that begins with no NUL',
    { ...provider(5, { type: 'string', value: 'a' }), afterText: Uint8Array.of(1) } as Packet,
    'field-range',
  ],
  [
    'padding behind a number',
    { ...provider(1, { type: 'uint8', value: 1 }), afterText: Uint8Array.of(0) } as Packet,
    'value-type',
  ],
  ['flags in the type bits', { kind: 'read', flags: 1, to: 1, command: 1 }, 'field-range'],
  ['an ID of 25 bits', { kind: 'read', flags: 0, to: 0x1000000, command: 1 }, 'field-range'],
  ['half a command', { kind: 'read', flags: 0, to: 1, command: 1.5 }, 'field-range'],
  [
    'a known type as unknown',
    { kind: 'unknown', flags: 0, type: 3, bytes: new Uint8Array(6) },
    'field-range',
  ],
  [
    'an unknown packet longer than any',
    { kind: 'unknown', flags: 0, type: 1, bytes: new Uint8Array(71) },
    'packet-length',
  ],
];

for (const [what, packet, code] of refused) {
  test(`${what} is not encoded`, () => {
    try {
      encodePacket(packet);
    } catch (error) {
      assert.instance(error, T24Error);
      assert.is((error as T24Error).code, code);
      return;
    }
    assert.unreachable('it was encoded');
  });
}

test.run();
