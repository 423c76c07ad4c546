import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { fromHex } from './fixtures/arbitraries.ts';
import { realFrames, syntheticFrames } from './fixtures/frames.ts';
import { decodePacket, encodeFrame, encodePacket, Framer, type Packet, T24Error } from './index.ts';

for (const { name, hex, base, packet } of [...realFrames, ...syntheticFrames]) {
  test(`the frame of ${name} is found, and means what it says`, () => {
    const [framed, ...more] = new Framer().push(fromHex(hex));
    assert.is(more.length, 0);
    assert.is(framed?.kind, 'frame');
    if (framed?.kind !== 'frame') return;
    assert.is(framed.base, base);
    assert.equal(decodePacket(framed.packet), packet);
  });

  test(`encoding ${name} gives its frame, bit for bit`, () => {
    assert.equal(encodeFrame(base, encodePacket(packet)), fromHex(hex));
  });
}

test('negative zero stays negative', () => {
  const packet = decodePacket(fromHex('03FE56000480000000ECE6'));
  assert.ok(packet.kind === 'dataProvider' && packet.value.type === 'float32');
  if (packet.kind === 'dataProvider' && packet.value.type === 'float32') {
    assert.ok(Object.is(packet.value.value, -0));
  }
});

test('a frame has a base address 1..16 and a packet of 1..71 bytes', () => {
  const refused = (base: number, size: number): string | undefined => {
    try {
      encodeFrame(base, new Uint8Array(size));
      return undefined;
    } catch (error) {
      return error instanceof T24Error ? error.code : String(error);
    }
  };
  for (const base of [0, 17, 1.5, Number.NaN, -1]) assert.is(refused(base, 7), 'base-address');
  for (const size of [0, 72]) assert.is(refused(1, size), 'packet-length');
  for (const base of [1, 16]) for (const size of [1, 71]) assert.is(refused(base, size), undefined);
});

test('a decoded packet does not change when the bytes it came from do', () => {
  for (const { packet } of syntheticFrames) {
    const bytes = encodePacket(packet);
    const decoded: Packet = decodePacket(bytes);
    bytes.fill(0x55);
    assert.equal(decoded, packet);
  }
});

test.run();
