// npm run docs: writes into the docs what the code knows: every key of the configuration, every event, the API.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { written } from './tables.ts';

const root = join(import.meta.dirname, '../..');

for (const { file, name, into } of written) {
  const path = join(root, file);
  writeFileSync(path, into(existsSync(path) ? readFileSync(path, 'utf8') : ''));
  console.log(`${file}: ${name}`);
}
