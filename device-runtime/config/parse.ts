import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parse, TomlError } from 'smol-toml';
import type * as z from 'zod';
import { findLines, type KeyPath } from './lines.ts';
import { type Config, configSchema } from './schema.ts';

/** One thing wrong with a configuration. */
export interface ConfigProblem {
  /** The key as one would name it: `uplink.port`, `sensors[2].tag`; empty where the text is not TOML at all. */
  readonly key: string;
  /** Line in the file, from 1; 0 where the file could not be read. */
  readonly line: number;
  /** What is wrong, or what is allowed. */
  readonly message: string;
}

/** A configuration that cannot be used, with everything found wrong in it, in the order of the file. */
export class ConfigError extends Error {
  readonly problems: readonly ConfigProblem[];

  constructor(file: string, problems: readonly ConfigProblem[]) {
    const said = problems.map(({ key, line, message }) => {
      const place = line > 0 ? `${file}:${line}` : file;
      return key === '' ? `${place}: ${message}` : `${place}: ${key} ${message}`;
    });
    super(said.join('\n'));
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

function keyName(path: KeyPath): string {
  return path.reduce<string>((name, part) => {
    if (typeof part === 'number') return `${name}[${part + 1}]`;
    return name === '' ? part : `${name}.${part}`;
  }, '');
}

/** Every issue as a path and what to say of it; an object's unknown keys are one problem each. */
function problemsOf(issue: z.core.$ZodIssue): { path: KeyPath; message: string }[] {
  const path = issue.path.map((part) => (typeof part === 'number' ? part : String(part)));
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ path: [...path, key], message: 'is not a key of the configuration' }));
  }
  const missing = issue.code === 'invalid_type' && issue.input === undefined;
  return [{ path, message: missing ? `is missing: it ${issue.message}` : issue.message }];
}

/** A configuration as it stands in the gateway's own file, and what it says. */
export interface LocalConfig {
  readonly file: string;
  /** The TOML document, unchecked and as it stands. */
  readonly document: Readonly<Record<string, unknown>>;
  readonly config: Config;
}

/**
 * Reads a configuration from TOML text. Relative paths in it are taken from the folder of `file`, which is
 * otherwise only named in errors.
 *
 * @throws ConfigError naming every wrong key, its line and what is allowed.
 */
export function parseConfig(text: string, file: string): LocalConfig {
  let document: Record<string, unknown>;
  try {
    document = parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const reason = (error.message.split('\n')[0] ?? '').replace(/^Invalid TOML document: /, '');
    throw new ConfigError(file, [{ key: '', line: error.line, message: `not valid TOML: ${reason}` }]);
  }
  const checked = check(document, file);
  if ('config' in checked) return { file, document, config: checked.config };
  const lineOf = findLines(text);
  const problems = checked.issues.map(({ path, message }) => ({
    key: keyName(path),
    line: lineOf(path),
    message,
  }));
  throw new ConfigError(
    file,
    problems.toSorted((one, other) => one.line - other.line),
  );
}

/**
 * Reads the configuration file of a gateway.
 *
 * @throws ConfigError where the file cannot be read or its content cannot be used.
 */
export function loadConfig(file: string): LocalConfig {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const { message } = error as Error;
    throw new ConfigError(file, [{ key: '', line: 0, message: `cannot be read: ${message}` }]);
  }
  return parseConfig(text, file);
}

/** A whole configuration, or everything that is wrong with it. */
export type Checked =
  | { readonly config: Config }
  | { readonly problems: readonly { readonly key: string; readonly message: string }[] };

/** Sections that the gateway's own file alone may say: who it is, what it runs, which files it touches. */
const ownSections = ['gateway', 'enrolment', 'drivers', 'control', 'clock', 'journal'] as const;

/**
 * The configuration that a document from the cloud makes of the gateway's own file: each section it names replaces
 * the file's, the others stay. What only the file may say is refused.
 */
export function withDesired(local: LocalConfig, desired: Readonly<Record<string, unknown>>): Checked {
  const foreign = [
    ...ownSections.filter((section) => section in desired),
    ...['uplink.authority', 'uplink.proxy.password_file'].filter((name) => has(desired, name)),
    ...switchedOn(local.config, desired.ports),
  ];
  if (foreign.length > 0) {
    const message = "is only for the gateway's own file to say";
    return { problems: foreign.map((key) => ({ key, message })) };
  }
  const document: Record<string, unknown> = { ...local.document, ...desired };
  if (isTable(desired.uplink)) {
    const { authority, proxy: own } = local.config.uplink;
    const { proxy } = desired.uplink;
    // The password was put here for that proxy, and is for no other to learn.
    const same = isTable(proxy) && own?.password_file !== undefined && proxy.url === own.url;
    document.uplink = {
      ...desired.uplink,
      authority,
      ...(same && { proxy: { ...proxy, password_file: own.password_file } }),
    };
  }
  const checked = check(document, local.file);
  if ('config' in checked) return checked;
  return { problems: checked.issues.map(({ path, message }) => ({ key: keyName(path), message })) };
}

/** Transmission that a document from the cloud would switch on: whoever may set one could then move sensors. */
function switchedOn({ ports: own }: Config, ports: unknown): string[] {
  if (!Array.isArray(ports)) return [];
  const allowed = new Set(own.filter(({ transmit }) => transmit).map(({ name }) => name));
  return ports.flatMap((port: unknown, index) =>
    isTable(port) && port.transmit === true && !allowed.has(String(port.name))
      ? [`ports[${index + 1}].transmit`]
      : [],
  );
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function has(document: Readonly<Record<string, unknown>>, name: string): boolean {
  let value: unknown = document;
  for (const part of name.split('.')) {
    if (!isTable(value) || !(part in value)) return false;
    value = value[part];
  }
  return true;
}

interface Issue {
  readonly path: KeyPath;
  readonly message: string;
}

/** Checks a document and makes its paths absolute; of several issues with one key the first is told. */
function check(
  document: Readonly<Record<string, unknown>>,
  file: string,
): { readonly config: Config } | { readonly issues: readonly Issue[] } {
  const result = configSchema.safeParse(document, { reportInput: true });
  if (!result.success) {
    const byKey = new Map<string, Issue>();
    for (const issue of result.error.issues.flatMap(problemsOf)) {
      const key = keyName(issue.path);
      if (!byKey.has(key)) byKey.set(key, issue);
    }
    return { issues: [...byKey.values()] };
  }
  const fromFile = (path: string): string => resolve(dirname(file), path);
  const { gateway, uplink, enrolment, control, clock, drivers } = result.data;
  const state = fromFile(gateway.state);
  const { proxy } = uplink;
  return {
    config: {
      ...result.data,
      gateway: { ...gateway, state },
      uplink: {
        ...uplink,
        authority: fromFile(uplink.authority),
        proxy: proxy?.password_file ? { ...proxy, password_file: fromFile(proxy.password_file) } : proxy,
      },
      enrolment: enrolment && { ...enrolment, secret_file: fromFile(enrolment.secret_file) },
      control: {
        socket: control.socket === undefined ? join(state, 'control.sock') : fromFile(control.socket),
      },
      clock: {
        synchronized_file: fromFile(clock.synchronized_file),
        saved_file: fromFile(clock.saved_file),
      },
      drivers: drivers.map((driver) => ({ ...driver, module: fromFile(driver.module) })),
    },
  };
}
