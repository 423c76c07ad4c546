import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { z } from 'zod';
import { configSchema } from './schema.ts';

const test = suite("the README's table of keys");

interface Declared {
  readonly properties?: Record<string, Declared>;
  readonly items?: Declared;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly description?: string;
}

/** Every key the schema declares, by its full name. */
function keysOf(declared: Declared, name: string): [string, Declared][] {
  if (declared.items !== undefined) return keysOf(declared.items, `${name}[]`);
  if (declared.properties === undefined) return [[name, declared]];
  return Object.entries(declared.properties).flatMap(([key, inner]) =>
    keysOf(inner, name === '' ? key : `${name}.${key}`),
  );
}

const declared = keysOf(z.toJSONSchema(configSchema, { io: 'input' }) as Declared, '');
const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
const rows = new Map(
  readme
    .slice(readme.indexOf('## Configuration'))
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => line.split('|').map((cell) => cell.trim().replaceAll('`', '')))
    .map(([, name = '', range = '', value = '']) => [name, { range, default: value }]),
);

test('names every key there is, and no other', () => {
  assert.equal(
    [...rows.keys()],
    declared.map(([name]) => name),
  );
});

test('gives every range and default as the gateway has them', () => {
  for (const [name, { minimum, maximum, enum: choices, default: value }] of declared) {
    const row = rows.get(name);
    assert.ok(row);
    for (const bound of choices ?? [minimum, maximum]) {
      if (bound !== undefined) assert.ok(row.range.includes(String(bound)), `${name}: ${bound}`);
    }
    if (value !== undefined) assert.is(row.default, String(value), name);
    else assert.ok(['', 'none'].includes(row.default), name);
  }
});

test('every key says what it means where it is declared', () => {
  const silent = declared.filter(([, { description }]) => !description).map(([name]) => name);
  assert.equal(silent, []);
});

test.run();
