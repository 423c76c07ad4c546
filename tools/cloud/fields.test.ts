import { type Operation, operations } from '@loadline/sdk/api';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Field, fieldsOf, nameOf, optionOf, put, read } from './fields.ts';
import { CalledWrongly } from './outcome.ts';

const test = suite('fields of an operation on a command line');

function field(id: keyof typeof operations, name: string): Field {
  const found = fieldsOf(operations[id]).find((one) => nameOf(one) === name);
  if (found === undefined) throw new Error(`${id} has no ${name}`);
  return found;
}

test('every operation’s fields can be said, each by an option of its own', () => {
  for (const [id, operation] of Object.entries<Operation>(operations)) {
    const flags = fieldsOf(operation).map((one) => optionOf(one).long);
    assert.is(new Set(flags).size, flags.length, id);
  }
});

test('a page is not asked for, and fields in fields are options too', () => {
  assert.equal(
    fieldsOf(operations.listSeries).map((one) => optionOf(one).long),
    ['--device'],
  );
  assert.equal(
    fieldsOf(operations.createOrganisation).map((one) => [optionOf(one).long, one.required]),
    [
      ['--id', true],
      ['--name', true],
      ['--administrator-email', true],
      ['--administrator-name', true],
    ],
  );
});

test('text becomes what the API takes', () => {
  assert.is(read(field('createToken', 'name'), 'none'), 'none');
  assert.is(read(field('createToken', 'days'), '30'), 30);
  assert.equal(read(field('createToken', 'scopes'), 'all.read, ,device.get'), ['all.read', 'device.get']);
  assert.is(read(field('createToken', 'devices'), 'none'), null);
  assert.equal(read(field('patchUser', 'departments'), ''), []);
  assert.is(read(field('patchDevice', 'customer'), 'none'), null);
  assert.equal(read(field('createCommand', 'command'), '{"kind":"report"}'), { kind: 'report' });
  assert.is(read(field('patchDevice', 'enabled'), 'false'), false);
  for (const [one, text] of [
    [field('patchDevice', 'enabled'), 'no'],
    [field('createToken', 'days'), ''],
    [field('createToken', 'days'), 'x'],
    [field('setDesired', 'configuration'), '{"a":'],
    [field('setDesired', 'configuration'), '/nowhere/at/all.json'],
  ] as const) {
    assert.throws(
      () => read(one, text),
      (error: Error) => error instanceof CalledWrongly,
    );
  }
});

test('a value is put where it belongs, beside what is there', () => {
  const body = {};
  put(body, ['id'], 'second');
  put(body, ['administrator', 'email'], 'a@b');
  put(body, ['administrator', 'name'], 'A');
  assert.equal(body, { id: 'second', administrator: { email: 'a@b', name: 'A' } });
});

test.run();
