import fc from 'fast-check';
import * as z from 'zod';

/** The part of JSON Schema that zod writes for the operations. */
interface Schema {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly format?: string;
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly items?: Schema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
}

/** Values of a schema's shape: most of them it takes. */
export function shapedBy(type: z.ZodType): fc.Arbitrary<unknown> {
  return shaped(z.toJSONSchema(type, { io: 'input', unrepresentable: 'any' }) as Schema);
}

function shaped(schema: Schema): fc.Arbitrary<unknown> {
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices !== undefined) return fc.oneof(...choices.map(shaped));
  switch (schema.type) {
    case 'string':
      return text(schema);
    case 'integer':
    case 'number':
      return fc.integer({
        min: Math.max(schema.minimum ?? -1000, Number.MIN_SAFE_INTEGER),
        max: Math.min(schema.maximum ?? 1000, Number.MAX_SAFE_INTEGER),
      });
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    case 'array':
      return fc.array(shaped(schema.items ?? {}), {
        minLength: schema.minItems ?? 0,
        maxLength: Math.min(schema.maxItems ?? 3, 3),
      });
    case 'object':
      return fc.record(
        Object.fromEntries(Object.entries(schema.properties ?? {}).map(([name, one]) => [name, shaped(one)])),
        { requiredKeys: [...(schema.required ?? [])] },
      );
    default:
      return fc.jsonValue({ maxDepth: 2 });
  }
}

function text({ format, pattern, minLength = 0, maxLength = 40 }: Schema): fc.Arbitrary<string> {
  if (format === 'uuid') return fc.uuid();
  if (format === 'date-time') {
    const [min, max] = [new Date('1970-01-01'), new Date('2100-01-01')];
    return fc.date({ min, max, noInvalidDate: true }).map((date) => date.toISOString());
  }
  if (pattern !== undefined) return fc.stringMatching(new RegExp(pattern), { maxLength: 64 });
  return fc.string({
    unit: 'grapheme',
    minLength: Math.max(minLength, 1),
    maxLength: Math.min(maxLength, 40),
  });
}

const deep = (depth: number): unknown => JSON.parse('['.repeat(depth) + ']'.repeat(depth)) as unknown;
const deepObject = (depth: number): unknown =>
  JSON.parse(`${'{"a":'.repeat(depth)}0${'}'.repeat(depth)}`) as unknown;

/** Values that nobody expects. */
export const hostile: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(
    ...[null, true, 0, -1, 1.5, 1e308, -1e-308, 2 ** 53, Number.MIN_SAFE_INTEGER, 4294967296],
    ...[
      '',
      ' ',
      '\u0000',
      'a\u0000b',
      '\ud800',
      '\u202e',
      '\ufeff',
      'İ',
      '__proto__',
      'constructor',
      'toString',
    ],
    ...["'; drop table person; --", '" or 1=1', '%', '_', '%s%n%x', '{{7*7}}', '<script>', '../../x', 'NaN'],
    ...['1e400', '0x10', '١٢', '-0', 'null', 'undefined', '2026-13-45T99:99:99Z', '9999-12-31T23:59:59Z'],
    ...[[], {}, [[]], [null], { $ne: null }, { length: 1 }, { toString: 1 }, { toJSON: {} }],
  ),
  fc.constantFrom(100, 2000).map((length) => 'a'.repeat(length)),
  fc.constantFrom(50, 1000).map(deep),
  fc.constantFrom(50, 500).map(deepObject),
  fc.constantFrom(300, 3000).map((length) => Array.from({ length }, (_, at) => at)),
  fc.string({ unit: 'binary', maxLength: 50 }),
  fc.jsonValue({ maxDepth: 3 }),
);

/** A value with something in it that is not of its shape. */
export function spoiled(value: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  return fc
    .tuple(value, hostile, fc.nat(), fc.constantFrom('replace', 'remove', 'add', 'whole'))
    .map(([one, other, at, how]) => {
      if (how === 'whole' || typeof one !== 'object' || one === null) return other;
      const names = Object.keys(one);
      const name = names[at % Math.max(names.length, 1)];
      const copy: Record<string, unknown> = { ...(one as Record<string, unknown>) };
      if (how === 'add') {
        const strange = ['__proto__', 'constructor', 'prototype', '', '\u0000', 'a'.repeat(500)][
          at % 6
        ] as string;
        Object.defineProperty(copy, strange, { value: other, enumerable: true });
        return copy;
      }
      if (name === undefined) return other;
      if (how === 'remove') delete copy[name];
      else copy[name] = other;
      return copy;
    });
}
