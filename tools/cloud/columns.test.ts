import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { inColumns, printable } from './columns.ts';

const test = suite('columns');

test('columns are as wide as what is in them, also where a letter takes two or none', () => {
  assert.is(
    inColumns(
      ['name', 'id'],
      [
        ['塔', '1'],
        ['Zoë', '2'],
        ['mast', '3'],
      ],
    ),
    'name  id\n塔    1\nZoë   2\nmast  3',
  );
});

test('on a narrow terminal the widest are cut, and say so', () => {
  const text = inColumns(['id', 'name'], [['mast-1', 'a very long name of a mast']], 20);
  assert.is(text, 'id      name\nmast-1  a very long…');
  assert.is(inColumns(['name'], [['塔塔塔塔塔塔']], 8), 'name\n塔塔塔…');
});

test('without a terminal nothing is cut', () => {
  const name = 'x'.repeat(500);
  assert.is(inColumns(['name'], [[name]]), `name\n${name}`);
});

test('a name that somebody else chose does nothing to a terminal', () => {
  assert.is(printable('a\x1b[2J\r\nb\u202Ec\u009Bd\u2028'), 'a�[2J��b�c�d�');
  assert.not.match(inColumns(['name'], [['\x1b]0;title\x07']]), '\x1b');
});

test.run();
