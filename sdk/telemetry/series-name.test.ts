import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { aspects } from './reading.ts';
import { parseSeriesName, seriesName } from './series-name.ts';

test('every series is found by its name', () => {
  fc.assert(
    fc.property(fc.nat(0xffff), fc.constantFrom(...aspects), (tag, aspect) => {
      assert.equal(parseSeriesName(seriesName({ tag, aspect })), { tag, aspect });
    }),
  );
  assert.is(seriesName({ tag: 0x2df, aspect: 'heard' }), '02DF');
  assert.is(seriesName({ tag: 0x25df, aspect: 'mean' }), '25DF.mean');
});

test('what is no name of a series names none', () => {
  for (const name of [
    '',
    '25df',
    '25D',
    '25DF0',
    '25DF.heard',
    '25DF.',
    '25DF.median',
    '25DF.mean ',
    '25DF\n',
  ]) {
    assert.is(parseSeriesName(name), undefined, name);
  }
});

test.run();
