import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { concat, cut, fromHex, packet } from '../t24/fixtures/arbitraries.ts';
import { realFrames } from '../t24/fixtures/frames.ts';
import { encodeFrame, encodePacket, everyModule } from '../t24/index.ts';
import { type Decoded, driverNamed } from './index.ts';

const test = suite('reports of a HID base station');
const driver = driverNamed('hid');
const frame = fromHex(realFrames[0]?.hex ?? '');
const discarded = (decoded: readonly Decoded[]) =>
  decoded.flatMap((each) => (each.kind === 'discarded' ? [[each.reason, each.bytes]] : []));

/** Frames as reports: each begins a report of its own, and what it does not fill is zeros. */
const reports = (bytes: Uint8Array): Uint8Array =>
  concat([bytes, new Uint8Array(Math.ceil(bytes.length / 64) * 64 - bytes.length)]);

test('a frame comes out of its report, and the zeros behind it are padding, not noise', () => {
  const decoded = driver.open({}).push(reports(frame));
  assert.equal(
    decoded.filter(({ kind }) => kind === 'frame').map(({ bytes }) => bytes),
    [16],
  );
  assert.equal(discarded(decoded), [['padding', 48]]);
});

test('a frame that spans two reports is whole', () => {
  const long = encodeFrame(
    16,
    encodePacket({
      kind: 'dataProvider',
      flags: 0,
      tag: 1,
      status: 0,
      dataType: 6,
      value: { type: 'binary', value: new Uint8Array(64) },
      rssi: 0,
      cv: 0,
    }),
  );
  assert.is(long.length, 76);
  const decoder = driver.open({});
  const [first, second] = cut(reports(long), [64]) as [Uint8Array, Uint8Array];
  assert.equal(decoder.push(first), []);
  assert.is(decoder.held, 64);
  const decoded = decoder.push(second);
  assert.is(decoded[0]?.kind, 'frame');
  assert.equal(discarded(decoded), [['padding', 52]]);
});

test('several frames in a report, and one behind another across reports, all come out', () => {
  const many = concat([frame, frame, frame, frame, frame]);
  const decoder = driver.open({});
  const decoded = cut(reports(many), [64]).flatMap((report) => decoder.push(report));
  assert.is(decoded.filter(({ kind }) => kind === 'frame').length, 5);
});

test('what is no zero is noise by the reason of the framer', () => {
  const noisy = new Uint8Array(64);
  noisy[0] = 0xff;
  assert.equal(discarded(driver.open({}).push(noisy)), [
    ['length', 1],
    ['padding', 63],
  ]);
});

test('what is sent fills whole reports, and comes back as what it was', () => {
  fc.assert(
    fc.property(packet, fc.integer({ min: 1, max: 16 }), (some, base) => {
      if ('to' in some && some.to === everyModule) return;
      const bytes = encodePacket(some);
      const sent = driver.encode?.(base, bytes) as Uint8Array;
      assert.is(sent.length % 64, 0);
      assert.ok(sent.length > bytes.length && sent.length <= 128);
      assert.is(driver.open({}).push(sent)[0]?.kind, 'frame');
    }),
  );
});

test.run();
