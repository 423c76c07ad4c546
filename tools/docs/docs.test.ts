import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { tables, withTable } from './tables.ts';

const test = suite('tables in the docs');
const root = join(import.meta.dirname, '../..');

for (const table of tables) {
  test(`the ${table.name} in ${table.file} are those of the code`, () => {
    const text = readFileSync(join(root, table.file), 'utf8');
    assert.is(text, withTable(text, table), 'npm run docs writes it anew');
  });
}

test.run();
