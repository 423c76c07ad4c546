import { pathToFileURL } from 'node:url';
import type { Driver } from './driver.ts';
import { drivers } from './drivers.ts';
import { guarded } from './guard.ts';

const supports: readonly unknown[] = ['supported', 'by-manual', 'untested'];

/** What a driver must be, and a module's default export is not; empty where it is one. */
function problemsOf(candidate: unknown, name: string): string[] {
  if (typeof candidate !== 'object' || candidate === null) {
    return [candidate === undefined ? 'it has no default export' : 'its default export is no object'];
  }
  const driver = candidate as Partial<Record<keyof Driver, unknown>>;
  const problems: string[] = [];
  if (driver.name !== name) {
    problems.push(
      `\`name\` must be ${JSON.stringify(name)}, as [[drivers]] says, and is ${said(driver.name)}`,
    );
  }
  if (typeof driver.label !== 'string' || driver.label === '') {
    problems.push('`label` must say in words what it is for');
  }
  if (!supports.includes(driver.support)) {
    problems.push(`\`support\` must be ${supports.map(said).join(', ')}, and is ${said(driver.support)}`);
  }
  problems.push(...transportProblems(driver.transport));
  if (typeof driver.open !== 'function') problems.push('`open` must be a function that returns a decoder');
  if (driver.encode !== undefined && typeof driver.encode !== 'function') {
    problems.push('`encode` must be a function, or left out');
  }
  return problems;
}

function said(value: unknown): string {
  return value === undefined ? 'missing' : typeof value === 'string' ? JSON.stringify(value) : String(value);
}

function transportProblems(transport: unknown): string[] {
  const { kind, ...rest } = (transport ?? {}) as Record<string, unknown>;
  if (kind === 'serial') return [];
  if (kind !== 'hid') return [`\`transport.kind\` must be "serial" or "hid", and is ${said(kind)}`];
  return ['vendorId', 'productId', 'reportBytes']
    .filter((key) => !Number.isInteger(rest[key]))
    .map((key) => `\`transport.${key}\` must be a whole number, and is ${said(rest[key])}`);
}

/** What a decoder must be, and is not. */
function decoderProblems(decoder: unknown): string[] {
  const { held, push, stalled } = (decoder ?? {}) as Record<string, unknown>;
  const problems: string[] = [];
  if (held !== 0) problems.push('`held` of a fresh decoder must be 0');
  if (typeof push !== 'function') problems.push('`push` of its decoder must be a function');
  if (typeof stalled !== 'function') problems.push('`stalled` of its decoder must be a function');
  return problems;
}

/**
 * Loads an integrator's driver (docs/drivers.md). The driver returned checks all that the module's decoders give, so
 * that what they do wrong costs the bytes it was done to, and no more.
 *
 * @param name as `[[drivers]]` says
 * @param module path of an ES module whose default export is a `Driver`
 * @throws Error naming the module and everything that is missing in it
 */
export async function loadDriver({ name, module }: { name: string; module: string }): Promise<Driver> {
  const refuse = (problems: readonly string[], cause?: unknown): never => {
    throw new Error(`driver "${name}" of ${module} cannot be used: ${problems.join('; ')}`, { cause });
  };
  if (drivers.some((own) => own.name === name))
    refuse([`"${name}" is the name of a driver of Loadline's own`]);
  let loaded: { default?: unknown };
  try {
    loaded = await import(pathToFileURL(module).href);
  } catch (error) {
    return refuse([`it cannot be loaded: ${error instanceof Error ? error.message : String(error)}`], error);
  }
  const problems = problemsOf(loaded.default, name);
  if (problems.length > 0) refuse(problems);
  const driver = loaded.default as Driver;
  const open: Driver['open'] = (options) => {
    const first = driver.open(options);
    const wrong = decoderProblems(first);
    if (wrong.length > 0) refuse(wrong);
    return guarded(name, () => driver.open(options));
  };
  // Its own methods may want their `this`.
  const { label, support, transport } = driver;
  return {
    name,
    label,
    support,
    transport,
    open,
    ...(driver.encode && { encode: driver.encode.bind(driver) }),
  };
}
