import type { Code } from '../contract/index.ts';

/** Codes a batch, or another form of readings, can be refused with. Each is permanent: so will be the same bytes again. */
export type BatchCode = Extract<Code, `batch-${string}` | `readings-${string}`>;

/** Bytes that are not a batch, nor readings of the form they are said to be, and why. Nothing of a refused batch is ever handed on. */
export class TelemetryError extends Error {
  override readonly name = 'TelemetryError';
  readonly code: BatchCode;

  constructor(code: BatchCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The bytes are not of the batch's shape at all. */
export function malformed(message: string, cause?: unknown): TelemetryError {
  return new TelemetryError('batch-malformed', message, { cause });
}

/** The body is not of the form of readings that it is said to be. */
export function malformedReadings(message: string): TelemetryError {
  return new TelemetryError('readings-malformed', message);
}

/** The shape is right and the parts contradict each other. */
export function inconsistent(message: string): TelemetryError {
  return new TelemetryError('batch-inconsistent', message);
}

/** What a value of unknown type is called in a message: short, and never its content beyond a number. */
export function label(value: unknown): string {
  return typeof value === 'number' ? String(value) : typeof value;
}

/** `value` as a whole number of 0 or more. */
export function whole(value: unknown, name: string): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw malformed(`${name} is ${label(value)}, expected a whole number of 0 or more`);
}

/** `value` as an array. */
export function list(value: unknown, name: string): unknown[] {
  if (Array.isArray(value)) return value;
  throw malformed(`${name} is ${label(value)}, expected an array`);
}
