import type { Measurement, OtherFrame } from '@loadline/sdk/driver';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { expectsAny, recognise, saidOf } from './recognition.ts';

const test = suite('recognition');

const measurement = (base: number, tag = 1): Measurement => ({
  kind: 'measurement',
  base,
  tag,
  value: { type: 'none' },
  flags: 0,
  status: 0,
  quality: { kind: 'none' },
});
const other = (base: number): OtherFrame => ({ kind: 'other', base, packet: new Uint8Array(0) });

test('without an expectation everything is expected', () => {
  const any = { bases: undefined, tags: undefined };
  assert.ok(expectsAny(any));
  assert.is(recognise(any, measurement(7)), 'expected');
});

test('a base address decides, whatever the tag, and whatever the frame', () => {
  const expected = { bases: [1, 3], tags: [0x25df] };
  assert.is(recognise(expected, measurement(3, 9)), 'expected');
  assert.is(recognise(expected, other(1)), 'expected');
  assert.is(recognise(expected, measurement(2, 0x25df)), 'foreign');
  assert.is(recognise(expected, other(2)), 'foreign');
});

test('where there are tags only, one of them is enough, and a neighbour’s says nothing', () => {
  const expected = { bases: undefined, tags: [0x25df, 0x25e0] };
  assert.is(recognise(expected, measurement(2, 0x25e0)), 'expected');
  assert.is(recognise(expected, measurement(2, 1)), 'unsure');
  assert.is(recognise(expected, other(2)), 'unsure');
});

test('a line of text has no base address: its tags decide, or it is foreign', () => {
  assert.is(recognise({ bases: [1], tags: undefined }, measurement(0)), 'foreign');
  assert.is(recognise({ bases: [1], tags: [1] }, measurement(0, 1)), 'expected');
  assert.is(recognise({ bases: [1], tags: [1] }, measurement(0, 2)), 'unsure');
});

test('what is expected is said in the words of the configuration', () => {
  assert.is(saidOf({ bases: [1, 2], tags: [0xdf] }), 'base station 1 or 2, tag 00DF');
});

test.run();
