import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parse, TomlError } from 'smol-toml';
import type { z } from 'zod';
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

/**
 * Reads a configuration from TOML text. Relative paths in it are taken from the folder of `file`, which is
 * otherwise only named in errors.
 *
 * @throws ConfigError naming every wrong key, its line and what is allowed.
 */
export function parseConfig(text: string, file: string): Config {
  let document: unknown;
  try {
    document = parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const reason = (error.message.split('\n')[0] ?? '').replace(/^Invalid TOML document: /, '');
    throw new ConfigError(file, [{ key: '', line: error.line, message: `not valid TOML: ${reason}` }]);
  }
  const result = configSchema.safeParse(document, { reportInput: true });
  if (!result.success) {
    const lineOf = findLines(text);
    const byKey = new Map<string, ConfigProblem>();
    for (const { path, message } of result.error.issues.flatMap(problemsOf)) {
      const key = keyName(path);
      if (!byKey.has(key)) byKey.set(key, { key, line: lineOf(path), message });
    }
    throw new ConfigError(
      file,
      [...byKey.values()].toSorted((one, other) => one.line - other.line),
    );
  }
  const fromFile = (path: string): string => resolve(dirname(file), path);
  const { gateway, uplink, enrolment } = result.data;
  return {
    ...result.data,
    gateway: { ...gateway, state: fromFile(gateway.state) },
    uplink: { ...uplink, authority: fromFile(uplink.authority) },
    enrolment: enrolment && { ...enrolment, secret_file: fromFile(enrolment.secret_file) },
  };
}

/**
 * Reads the configuration file of a gateway.
 *
 * @throws ConfigError where the file cannot be read or its content cannot be used.
 */
export function loadConfig(file: string): Config {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const { message } = error as Error;
    throw new ConfigError(file, [{ key: '', line: 0, message: `cannot be read: ${message}` }]);
  }
  return parseConfig(text, file);
}
