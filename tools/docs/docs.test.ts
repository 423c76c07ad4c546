import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { written } from './tables.ts';

const test = suite('what the code writes into the docs');
const root = join(import.meta.dirname, '../..');

for (const { file, name, into } of written) {
  test(`the ${name} in ${file} is that of the code`, () => {
    const text = readFileSync(join(root, file), 'utf8');
    assert.is(text, into(text), 'npm run docs writes it anew');
  });
}

test.run();
