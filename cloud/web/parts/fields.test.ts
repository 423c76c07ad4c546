import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { draftsOf, type Fields, grouped, valuesOf } from './fields.ts';

const test = suite('fields of a form');

const fields = {
  name: { kind: 'text', label: 'Name', value: 'Wind' },
  password: { kind: 'password', label: 'Password' },
  days: { kind: 'number', label: 'Days', least: 1, most: 365, value: 90 },
  role: { kind: 'choice', label: 'Role', options: [{ value: 'viewer', label: 'Viewer' }] },
  devices: { kind: 'choices', label: 'Devices', options: [], value: ['mast-1'] },
  tags: { kind: 'words', label: 'Tags', value: ['25DF', '25E0'] },
} as const satisfies Fields;

test('what was not touched is handed over as it was', () => {
  assert.equal(valuesOf(fields, draftsOf(fields)), {
    name: 'Wind',
    password: '',
    days: 90,
    role: 'viewer',
    devices: ['mast-1'],
    tags: ['25DF', '25E0'],
  });
});

test('texts are trimmed, passwords are not, words are told apart', () => {
  const values = valuesOf(fields, {
    ...draftsOf(fields),
    name: ' Mast ',
    password: ' as typed ',
    days: '30',
    tags: '1A2B,\n25DF ',
  });
  assert.is(values.name, 'Mast');
  assert.is(values.password, ' as typed ');
  assert.is(values.days, 30);
  assert.equal(values.tags, ['1A2B', '25DF']);
});

test('options stand by their groups, in their order', () => {
  const option = (value: string, group?: string) => ({ value, label: value, ...(group && { group }) });
  assert.equal(
    grouped([option('a', 'x'), option('b'), option('c', 'x')]).map(([group, options]) => [
      group,
      options.map(({ value }) => value),
    ]),
    [
      ['x', ['a', 'c']],
      ['', ['b']],
    ],
  );
});

test.run();
