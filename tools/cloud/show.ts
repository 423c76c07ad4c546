import { inColumns, printable } from './columns.ts';

/** How an answer is shown: to people, or as lines of JSON. */
export interface Shown {
  readonly json: boolean;
}

type Item = Readonly<Record<string, unknown>>;

/** A list: a table with these columns (all there are unless said), or a line of JSON an item. */
export function showItems(items: readonly Item[], shown: Shown, columns?: readonly string[]): void {
  if (shown.json) {
    for (const item of items) print(JSON.stringify(item));
    return;
  }
  if (items.length === 0) {
    // Not on standard output: what reads that finds nothing there.
    process.stderr.write('there are none\n');
    return;
  }
  const names = columns ?? Object.keys(items[0] ?? {});
  const rows = items.map((item) => names.map((name) => cell(item[name])));
  print(inColumns(names.map(words), rows, (process.stdout.isTTY && process.stdout.columns) || undefined));
}

/** One thing: a line a property, or one line of JSON. */
export function showItem(item: Item, shown: Shown): void {
  if (shown.json) print(JSON.stringify(item));
  else print(propertyLines(item));
}

/** What is shown this once: alone on standard output, and what else there is to say on standard error. */
export function showOnce(item: Item, secret: string, shown: Shown): void {
  const { [secret]: value, ...rest } = item;
  if (shown.json) print(JSON.stringify(item));
  else {
    print(String(value));
    process.stderr.write(`${propertyLines(rest)}\n`);
  }
  process.stderr.write(`${words(secret)}: shown this once. Keep it where nobody else can read it.\n`);
}

function propertyLines(item: Item): string {
  return inColumns(
    ['', ''],
    Object.entries(item).map(([name, value]) => [words(name), cell(value)]),
  ).trimStart();
}

/** `secondFactor` as `second factor`. */
function words(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

/** A value in one line for people. */
function cell(value: unknown): string {
  if (value === null || value === undefined || value === '') return '-';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (Array.isArray(value)) return value.length === 0 ? '-' : value.map(cell).join(', ');
  if (typeof value !== 'object') return printable(String(value));
  const { name, email, id } = value as { name?: unknown; email?: unknown; id?: unknown };
  const known = name ?? email ?? id;
  return printable(known === undefined ? JSON.stringify(value) : String(known));
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
