import { readFileSync } from 'node:fs';
import type { Operation } from '@loadline/sdk/api';
import { Option } from 'commander';
import * as z from 'zod';
import { CalledWrongly } from './outcome.ts';

/** Something that an operation takes in its query or body, as a command line says it. */
export interface Field {
  /** In query or body, and where it stands in them: `administrator.email` is `['administrator', 'email']`. */
  readonly in: 'query' | 'body';
  readonly path: readonly string[];
  readonly kind: 'text' | 'number' | 'truth' | 'list' | 'json';
  /** What it may be, where that is a few words. */
  readonly choices?: readonly string[];
  /** `none` is null. */
  readonly nullable: boolean;
  readonly required: boolean;
  /** What the table says of it. */
  readonly says: string;
}

interface Schema {
  readonly description?: string;
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly const?: unknown;
}

/** Pages are gone through by the command itself. */
const pageFields = new Set(['limit', 'after']);
/** More choices than these are not listed with the option. */
const mostChoices = 8;

/** Everything an operation takes but the parameters of its path. */
export function fieldsOf({ query, body }: Operation): Field[] {
  return [
    ...(query === undefined ? [] : fieldsIn('query', [], schemaOf(query))),
    ...(body === undefined ? [] : fieldsIn('body', [], schemaOf(body))),
  ].filter((field) => field.in === 'body' || !pageFields.has(nameOf(field)));
}

/** What it is called on a command line, and among the command's flags. */
export function nameOf({ path }: Field): string {
  return path
    .map((part, at) => (at === 0 ? part : part.replace(/^./, (first) => first.toUpperCase())))
    .join('');
}

/** The option by which it is given. */
export function optionOf(field: Field): Option {
  const flag = nameOf(field).replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  const { kind, choices, nullable, required, says } = field;
  const word = {
    text: '<text>',
    number: '<number>',
    truth: '<true|false>',
    list: '<a,b,…>',
    json: '<json or file>',
  }[kind];
  const few = choices !== undefined && choices.length <= mostChoices;
  const all = [
    says,
    few ? choices.join(', ') : '',
    kind === 'list' ? 'separated by commas' : '',
    kind === 'json' ? 'JSON, or a file of it' : '',
    nullable ? '“none” for none' : '',
    required ? 'needed' : '',
  ].filter((part) => part !== '');
  const option = new Option(`--${flag} ${word}`, all.join('; '));
  return required ? option.makeOptionMandatory() : option;
}

/** A value off the command line. @throws CalledWrongly */
export function read(field: Field, text: string): unknown {
  if (field.nullable && text === 'none') return null;
  switch (field.kind) {
    case 'text':
      return text;
    case 'number': {
      const number = Number(text);
      if (text.trim() === '' || !Number.isFinite(number)) {
        throw new CalledWrongly(`${nameOf(field)}: ${text} is not a number`);
      }
      return number;
    }
    case 'truth':
      if (text === 'true' || text === 'false') return text === 'true';
      throw new CalledWrongly(`${nameOf(field)}: ${text} is neither true nor false`);
    case 'list':
      return text
        .split(',')
        .map((part) => part.trim())
        .filter((part) => part !== '');
    case 'json':
      return jsonOf(field, text);
  }
}

/** Puts a value into a query or body, where it belongs. */
export function put(target: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [first = '', ...rest] = path;
  if (rest.length === 0) {
    target[first] = value;
    return;
  }
  const inner = (target[first] ?? {}) as Record<string, unknown>;
  target[first] = inner;
  put(inner, rest, value);
}

function jsonOf(field: Field, text: string): unknown {
  try {
    return JSON.parse(/^\s*[[{]/.test(text) ? text : readFileSync(text, 'utf8'));
  } catch (error) {
    throw new CalledWrongly(
      `${nameOf(field)}: ${text} is no JSON, nor a file of it: ${(error as Error).message}`,
    );
  }
}

function fieldsIn(place: Field['in'], path: readonly string[], schema: Schema): Field[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, whole]) => {
    const { inner, nullable } = withoutNull(whole);
    const at = [...path, name];
    const required = schema.required?.includes(name) === true;
    if (inner.type === 'object' && inner.properties !== undefined && !nullable)
      return fieldsIn(place, at, inner);
    const choices = inner.enum?.map(String);
    const says = whole.description ?? inner.description ?? '';
    return [
      { in: place, path: at, kind: kindOf(inner), nullable, required, says, ...(choices && { choices }) },
    ];
  });
}

function kindOf({ type, anyOf, oneOf }: Schema): Field['kind'] {
  const several = anyOf ?? oneOf;
  if (several !== undefined) return several.every((one) => kindOf(one) === 'text') ? 'text' : 'json';
  switch (type) {
    case 'array':
      return 'list';
    case 'integer':
    case 'number':
      return 'number';
    case 'boolean':
      return 'truth';
    case 'object':
      return 'json';
    default:
      return 'text';
  }
}

function withoutNull(schema: Schema): { readonly inner: Schema; readonly nullable: boolean } {
  const { anyOf } = schema;
  const others = anyOf?.filter(({ type }) => type !== 'null');
  if (anyOf === undefined || others === undefined || others.length === anyOf.length)
    return { inner: schema, nullable: false };
  const [only] = others;
  return { inner: others.length === 1 && only !== undefined ? only : { anyOf: others }, nullable: true };
}

function schemaOf(schema: z.ZodType): Schema {
  return z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Schema;
}
