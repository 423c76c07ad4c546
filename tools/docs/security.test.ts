import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const test = suite('the page on security');

const root = fileURLToPath(new URL('../..', import.meta.url));
const page = readFileSync(join(root, 'docs', 'security.md'), 'utf8');

const leftOut: ReadonlySet<string> = new Set(['node_modules', 'dist', '.git']);

/** Every file of the checkout, as a path from its root. */
function files(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (leftOut.has(entry.name)) return [];
    const path = join(folder, entry.name);
    return entry.isDirectory() ? files(path) : [relative(root, path).split(sep).join('/')];
  });
}

/** Rows of the tables of ASVS: the numbers of each, their level and status. */
const rows = [
  ...page.matchAll(/^\| (\d+\.\d+\.\d+(?:, \d+\.\d+\.\d+)*) \| ([12](?:\/2)?) \| .+? \| ([^|]+) \|/gm),
].map(([, numbers = '', , status = '']) => ({
  numbers: numbers.split(', '),
  status: status.replaceAll('*', ''),
}));

test('names no file that is not there: what it says was read somewhere', () => {
  const all = files(root);
  const named = new Set([...page.matchAll(/`([\w./-]+\.(?:ts|tsx|md|txt))`/g)].map(([, name = '']) => name));
  assert.ok(named.size > 100);
  const missing = [...named].filter(
    (name) => !all.some((file) => file === name || file.endsWith(`/${name}`)),
  );
  assert.equal(missing, []);
});

test('has each of the 253 requirements of level 1 and 2 once, and counts them rightly', () => {
  const numbers = rows.flatMap((row) => row.numbers);
  assert.is(numbers.length, 253);
  assert.is(new Set(numbers).size, 253);
  const counted = ['met', 'partly', 'not met', 'n/a'].map((status) =>
    rows.filter((row) => row.status === status).reduce((sum, row) => sum + row.numbers.length, 0),
  );
  const [, told = ''] =
    /^\| met \| partly \| not met \| not applicable \|\n\|[ -|]+\n(.+)$/m.exec(page) ?? [];
  assert.is(told, `| ${counted.join(' | ')} |`);
});

test('leads to places that it has', () => {
  const headings = [...page.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .toLowerCase()
      .replaceAll(' ', '-'),
  );
  for (const [, anchor = ''] of page.matchAll(/\]\(#([\w-]+)\)/g))
    assert.ok(headings.includes(anchor), anchor);
});

test.run();
