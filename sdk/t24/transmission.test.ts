import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { encodeFrame, encodePacket, powerPacket, T24Error } from './index.ts';

const hex = (action: 'wake' | 'sleep' | 'stay-awake') =>
  Buffer.from(encodePacket(powerPacket(action, 0x1225df))).toString('hex');

test('wake, sleep and stay awake are writes without data to one module', () => {
  assert.equal(
    [hex('wake'), hex('sleep'), hex('stay-awake')],
    ['061225df3200', '061225df3800', '061225df3a00'],
  );
  assert.is(encodeFrame(1, encodePacket(powerPacket('wake', 1))).length, 11);
});

test('no action goes to every module, or to what is no id', () => {
  for (const to of [0xffffff, -1, 0x1000000, 1.5, Number.NaN]) {
    for (const action of ['wake', 'sleep', 'stay-awake'] as const) {
      assert.throws(
        () => powerPacket(action, to),
        (error: Error) => error instanceof T24Error && error.code === 'field-range',
      );
    }
  }
});

test.run();
