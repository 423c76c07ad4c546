import { parse, TomlError } from 'smol-toml';
import type * as z from 'zod';
import { findLines, type KeyPath } from './lines.ts';

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

/** The name of a key as one would write it, lists counted from 1: `sensors[2].tag`. */
export function keyName(path: KeyPath): string {
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

/** What is wrong with a key, before it is known on which line it stands. */
export interface KeyIssue {
  readonly path: KeyPath;
  readonly message: string;
}

/** Checks a document by its schema; of several issues with one key the first is told. */
export function checkTable<Schema extends z.ZodType>(
  table: Readonly<Record<string, unknown>>,
  schema: Schema,
): { readonly value: z.output<Schema> } | { readonly issues: readonly KeyIssue[] } {
  const result = schema.safeParse(table, { reportInput: true });
  if (result.success) return { value: result.data };
  const byKey = new Map<string, KeyIssue>();
  for (const issue of result.error.issues.flatMap(problemsOf)) {
    const key = keyName(issue.path);
    if (!byKey.has(key)) byKey.set(key, issue);
  }
  return { issues: [...byKey.values()] };
}

/** A TOML document as it stands, and a way to complain about it. */
export interface TomlDocument {
  readonly table: Readonly<Record<string, unknown>>;
  /** The error that tells these issues, each with its line, in the order of the file. */
  error(issues: readonly KeyIssue[]): ConfigError;
}

/**
 * Reads TOML text; `file` is only named in errors.
 *
 * @throws ConfigError where the text is not TOML.
 */
export function parseToml(text: string, file: string): TomlDocument {
  let table: Record<string, unknown>;
  try {
    table = parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const reason = (error.message.split('\n')[0] ?? '').replace(/^Invalid TOML document: /, '');
    throw new ConfigError(file, [{ key: '', line: error.line, message: `not valid TOML: ${reason}` }]);
  }
  return {
    table,
    error: (issues) => {
      const lineOf = findLines(text);
      const problems = issues.map(({ path, message }) => ({
        key: keyName(path),
        line: lineOf(path),
        message,
      }));
      return new ConfigError(
        file,
        problems.toSorted((one, other) => one.line - other.line),
      );
    },
  };
}
