import * as z from 'zod';
import { configSchema } from './schema.ts';

/** What a JSON Schema says of a key, as far as the table needs it. */
interface Declared {
  readonly type?: string;
  readonly properties?: Record<string, Declared>;
  readonly required?: readonly string[];
  readonly items?: Declared;
  readonly oneOf?: readonly Declared[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly pattern?: string;
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly default?: unknown;
  readonly description?: string;
}

interface Row {
  readonly key: string;
  readonly range: string;
  readonly default: string;
  readonly meaning: string;
}

/** The table of every key there is, Markdown: what the docs show is what the gateway checks by. */
export function configurationTable(): string {
  return keysTable(configSchema);
}

/** The table of every key of a TOML file, from the schema that it is checked by. Every key must say what it means. */
export function keysTable(file: z.ZodType): string {
  const schema = z.toJSONSchema(file, { io: 'input' }) as Declared;
  const rows = rowsOf(schema, '', true).map(
    (row) => `| \`${row.key}\` | ${row.range} | ${row.default} | ${row.meaning} |`,
  );
  return ['| key | range | default | meaning |', '| --- | --- | --- | --- |', ...rows].join('\n');
}

function rowsOf(declared: Declared, key: string, required: boolean): Row[] {
  if (declared.oneOf !== undefined) return kindsRows(declared.oneOf, key);
  if (declared.properties !== undefined) {
    return Object.entries(declared.properties).flatMap(([name, inner]) =>
      rowsOf(inner, key === '' ? name : `${key}.${name}`, declared.required?.includes(name) ?? false),
    );
  }
  const { items } = declared;
  if (items?.properties !== undefined || items?.oneOf !== undefined)
    return rowsOf(items, `${key}[]`, required);
  if (declared.description === undefined) throw new Error(`${key} does not say what it means`);
  const standard = declared.default === undefined ? (required ? '' : 'none') : show(declared.default);
  return [{ key, range: rangeOf(declared), default: standard, meaning: declared.description }];
}

/** Tables of several kinds: first the key that tells them apart and those they share, then each kind's own. */
function kindsRows(kinds: readonly Declared[], key: string): Row[] {
  const parts = kinds.map((kind) => {
    const properties = Object.entries(kind.properties ?? {});
    const [name, { const: value, description }] = properties.find(
      ([, { const: only }]) => only !== undefined,
    ) as [string, Declared];
    const rest = properties.filter(([inner]) => inner !== name);
    const rows = rowsOf({ ...kind, properties: Object.fromEntries(rest) }, key, true);
    return { name, value, description, rows };
  });
  const texts = parts.map(({ rows }) => new Set(rows.map((row) => JSON.stringify(row))));
  const isShared = (row: Row): boolean => texts.every((each) => each.has(JSON.stringify(row)));
  const named = (row: Row, value: unknown): Row => ({
    ...row,
    key: row.key.replace(key, `${key}(${String(value)})`),
  });
  return [
    {
      key: `${key}.${parts[0]?.name}`,
      range: parts.map(({ value }) => show(value)).join(', '),
      default: '',
      meaning: parts.map(({ value, description }) => `${String(value)}: ${description}`).join('; '),
    },
    ...(parts[0]?.rows.filter(isShared) ?? []),
    ...parts.flatMap(({ rows, value }) =>
      rows.filter((row) => !isShared(row)).map((row) => named(row, value)),
    ),
  ];
}

function rangeOf(declared: Declared): string {
  const { type, minimum, exclusiveMinimum, maximum, minLength, maxLength, pattern, items } = declared;
  if (declared.enum !== undefined) return declared.enum.map(show).join(', ');
  switch (type) {
    case 'boolean':
      return 'true, false';
    case 'integer':
      return `${minimum} to ${maximum}`;
    case 'number':
      if (exclusiveMinimum !== undefined) return `above ${exclusiveMinimum} to ${maximum}`;
      if (minimum !== undefined)
        return maximum === undefined ? `from ${minimum}` : `${minimum} to ${maximum}`;
      return 'number';
    case 'array':
      return `list of ${rangeOf(items ?? {})}`;
    case 'object':
      return 'table';
    default:
      if (pattern === '^[0-9a-fA-F]{4}$') return 'four hex digits';
      return minLength === undefined ? 'text' : `text, ${minLength} to ${maxLength} characters`;
  }
}

function show(value: unknown): string {
  return `\`${JSON.stringify(value)}\``;
}
