import { driverNamed } from '@loadline/sdk/driver';
import { encodeFrame, encodePacket } from '@loadline/sdk/t24';
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Frame, Receiver } from './receiver.ts';

const test = suite('receiver');

const receiverOf = (driver: string): Receiver => new Receiver(driverNamed(driver).open({}));
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
  const receiver = receiverOf('t24');
  assert.equal(receiver.receive(frame.subarray(0, 5), 100), []);
  const [heard] = receiver.receive(frame.subarray(5), 107.5);
  assert.is(heard?.at, 107.5);
  assert.is(heard?.content.kind, 'measurement');
});

test('gives a frame that noise had swallowed once the line has stalled, with the time it really came', () => {
  const receiver = receiverOf('t24');
  assert.equal(receiver.receive(falseBeginning, 100), []);
  assert.equal(receiver.receive(frame, 110), []);
  assert.ok(receiver.isWaiting);
  const found = receiver.stall();
  assert.is(found[0]?.at, 110);
  assert.not.ok(receiver.isWaiting);
  receiver.take(found);
  assert.equal(receiver.counts, {
    bytes: falseBeginning.length + frame.length,
    frameBytes: frame.length,
    discardedBytes: falseBeginning.length,
    heldBytes: 0,
    frames: 1,
  });
  assert.is(receiver.takeNoise(), falseBeginning.length);
  assert.is(receiver.takeNoise(), 0);
});

test('counts the padding of a HID report as discarded, and not as noise', () => {
  const receiver = receiverOf('hid');
  const report = new Uint8Array(64);
  report.set(frame);
  receiver.take(receiver.receive(report, 1));
  const { frames, discardedBytes } = receiver.counts;
  assert.equal([frames, discardedBytes, receiver.takeNoise()], [1, 64 - frame.length, 0]);
});

test('accounts for every byte at every instant, whatever comes and however it is split', () => {
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc.constantFrom(frame, frame.subarray(0, 7), falseBeginning, Buffer.from('FE56=1.5,100,0,0\r')),
    fc.constantFrom('stall' as const, 'take' as const, 'refuse' as const, 'anew' as const),
  );
  fc.assert(
    fc.property(fc.constantFrom('t24', 'gw1', 'hid'), fc.array(piece), (driver, pieces) => {
      const receiver = receiverOf(driver);
      const undecided: Frame[] = [];
      let bytes = 0;
      let before = 0;
      for (const each of pieces) {
        if (each === 'take') receiver.take(undecided.splice(0));
        else if (each === 'refuse') receiver.refuse(undecided.splice(0));
        else if (each === 'stall') undecided.push(...receiver.stall());
        else if (each === 'anew') {
          const past = receiver.startAnew();
          assert.is(past.frameBytes + past.discardedBytes, past.bytes);
          before += past.bytes;
        } else {
          undecided.push(...receiver.receive(each, 0));
          bytes += each.length;
        }
        const counts = receiver.counts;
        assert.is(before + counts.bytes, bytes);
        assert.is(counts.frameBytes + counts.discardedBytes + counts.heldBytes, counts.bytes);
      }
    }),
  );
});

test.run();
