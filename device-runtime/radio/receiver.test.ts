import { encodeFrame, encodePacket } from '@loadline/sdk/t24';
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { decoderFor } from './decoder.ts';
import { Receiver } from './receiver.ts';

const test = suite('receiver');

const frame = encodeFrame(
  1,
  encodePacket({
    kind: 'dataProvider',
    flags: 0x20,
    tag: 0x25df,
    status: 0x1c,
    dataType: 4,
    value: { type: 'float32', value: 0.5 },
    rssi: 0xfb,
    cv: 0xe8,
  }),
);
/** Looks like the beginning of the longest frame there is, and swallows what follows. */
const falseBeginning = Uint8Array.of(71, 71, 1, 0x23, 0, 0, 0, 6);

test('gives a frame the time of its last byte', () => {
  const receiver = new Receiver('radio', decoderFor('t24'));
  assert.equal(receiver.receive(frame.subarray(0, 5), 100), []);
  const [heard] = receiver.receive(frame.subarray(5), 107.5);
  assert.is(heard?.at, 107.5);
  assert.is(heard?.port, 'radio');
  assert.is(heard?.content.kind === 'packet' && heard.content.packet.kind, 'dataProvider');
});

test('gives a frame that noise had swallowed once the line has stalled, with the time it really came', () => {
  const receiver = new Receiver('radio', decoderFor('t24'));
  assert.equal(receiver.receive(falseBeginning, 100), []);
  assert.equal(receiver.receive(frame, 110), []);
  assert.ok(receiver.isWaiting);
  const [heard] = receiver.stall();
  assert.is(heard?.at, 110);
  assert.not.ok(receiver.isWaiting);
  assert.equal(receiver.ledger(true), {
    name: 'radio',
    open: true,
    bytes: falseBeginning.length + frame.length,
    frameBytes: frame.length,
    discardedBytes: falseBeginning.length,
    heldBytes: 0,
    frames: 1,
  });
});

test("reads a GW1's lines and accounts for their bytes", () => {
  const receiver = new Receiver('ascii', decoderFor('gw1'));
  const heard = receiver.receive(Buffer.from('FE56=1.5,100,0,0\rnonsense\rFE5'), 1);
  assert.is(heard.length, 1);
  const { frames, frameBytes, discardedBytes, heldBytes } = receiver.ledger(false);
  assert.equal([frames, frameBytes, discardedBytes, heldBytes], [1, 17, 9, 3]);
});

test('accounts for every byte at every instant, whatever comes and however it is split', () => {
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc.constantFrom(frame, frame.subarray(0, 7), falseBeginning),
    fc.constant('stall' as const),
  );
  fc.assert(
    fc.property(fc.constantFrom('t24' as const, 'gw1' as const), fc.array(piece), (protocol, pieces) => {
      const receiver = new Receiver('radio', decoderFor(protocol));
      let bytes = 0;
      let heard = 0;
      for (const each of pieces) {
        heard += (each === 'stall' ? receiver.stall() : receiver.receive(each, 0)).length;
        bytes += each === 'stall' ? 0 : each.length;
        const ledger = receiver.ledger(true);
        assert.is(ledger.bytes, bytes);
        assert.is(ledger.frameBytes + ledger.discardedBytes + ledger.heldBytes, bytes);
        assert.is(ledger.frames, heard);
      }
    }),
  );
});

test.run();
