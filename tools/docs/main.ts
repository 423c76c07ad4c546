// npm run docs: writes into the docs what the code knows: every key of the configuration, every event.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tables, withTable } from './tables.ts';

const root = join(import.meta.dirname, '../..');

for (const table of tables) {
  const path = join(root, table.file);
  writeFileSync(path, withTable(readFileSync(path, 'utf8'), table));
  console.log(`${table.file}: ${table.name}`);
}
