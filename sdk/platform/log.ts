import { Secret } from './secret.ts';

type LogValue = string | number | boolean | null | undefined;

/** Fields of a log line, picked one by one: never a secret, a payload, or a whole object of anything else. */
export type LogFields = Readonly<Record<string, LogValue | Readonly<Record<string, LogValue>>>>;

/** The log: one JSON object a line. */
export interface Log {
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
}

/**
 * A log that writes lines with `write`, the time taken from `now` (ms since 1970). What has none of the types that a
 * field may have is not written, whatever the compiler was told: a `Secret` is `[secret]`, and a buffer, an error or
 * an object of any class its kind alone, `[refused: Buffer]`. It never throws.
 */
export function jsonLog(write: (line: string) => void, now: () => number): Log {
  const at =
    (level: string) =>
    (event: string, fields: LogFields = {}) => {
      write(`${JSON.stringify({ at: new Date(now()).toISOString(), level, event, ...fieldsOf(fields) })}\n`);
    };
  return { info: at('info'), warn: at('warn'), error: at('error') };
}

/** What of the fields may be printed; of objects in them, one level. */
function fieldsOf(fields: LogFields): Record<string, unknown> {
  return isPlain(fields)
    ? each(fields, (value) => (isPlain(value) ? each(value, printable) : printable(value)))
    : {};
}

function each(fields: object, change: (value: unknown) => unknown): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, change(value)]));
}

function printable(value: unknown): unknown {
  switch (typeof value) {
    case 'string':
    case 'number':
    case 'boolean':
    case 'undefined':
      return value;
    case 'object':
      if (value === null) return null;
      return value instanceof Secret ? `${value}` : refused(kindOf(value));
    default:
      return refused(typeof value);
  }
}

function refused(kind: string): string {
  return `[refused: ${kind}]`;
}

/** Its class, as long as that is a name: nothing that the object says of itself is printed. */
function kindOf(value: object): string {
  const made = (Object.getPrototypeOf(value) as { constructor?: unknown } | null)?.constructor;
  const name = typeof made === 'function' ? made.name : '';
  return /^\w{1,40}$/.test(name) ? name : 'object';
}

function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
