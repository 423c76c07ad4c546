import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { fromHex } from './fixtures/arbitraries.ts';
import { realFrames } from './fixtures/frames.ts';
import { type Framed, Framer } from './index.ts';

const [first, second] = realFrames.map(({ hex }) => fromHex(hex)) as [Uint8Array, Uint8Array];
const promise = Uint8Array.of(71, 71, 1, 0x1f);
const framesOf = (framed: readonly Framed[]): Uint8Array[] =>
  framed.flatMap((one) => (one.kind === 'frame' ? [one.packet] : []));

test('frames behind a false beginning that promises more come out when the line falls silent', () => {
  const framer = new Framer();
  assert.equal(framer.push(Uint8Array.of(...promise, ...first, ...second)), []);
  assert.is(framer.held, 36);
  const framed = framer.stalled();
  assert.equal(framesOf(framed), [first.slice(3, 14), second.slice(3, 14)]);
  assert.equal(framed[0], { kind: 'discarded', bytes: Uint8Array.of(71), reason: 'stalled' });
  assert.is(framer.held, 0);
});

test('a line that goes on needs no stall: the bytes that follow refute the false beginning', () => {
  const framer = new Framer();
  const framed = [promise, first, second, first, second, first].flatMap((bytes) => framer.push(bytes));
  assert.is(framesOf(framed).length, 5);
});

test('half a frame is given up, and its late other half is noise', () => {
  const framer = new Framer();
  framer.push(first.subarray(0, 9));
  assert.is(framer.held, 9);
  assert.is(framesOf(framer.stalled()).length, 0);
  assert.is(framer.held, 0);
  assert.is(framesOf(framer.push(first.subarray(9))).length, 0);
  framer.stalled();
  assert.is(framesOf(framer.push(second)).length, 1);
});

test('silence on an idle line is nothing', () => {
  const framer = new Framer();
  assert.equal(framer.stalled(), []);
  framer.push(first);
  assert.equal(framer.stalled(), []);
});

test.run();
