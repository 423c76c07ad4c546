import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { databaseFiles, heldKey, type KeySources } from './at-rest/index.ts';

/** What a command is given to say its words to, and where a key may be. */
export interface CheckIo {
  readonly out: { write(text: string): void };
  readonly err: { write(text: string): void };
  readonly sources: KeySources;
}

/** `loadline-cloud NAME check --state DIR [--json]`. */
export interface CheckCommand {
  readonly name: string;
  readonly usage: string;
  /** Compares, and says what came of it; whether everything agrees. */
  readonly check: (
    database: { readonly file: string; readonly key: string },
    io: Omit<CheckIo, 'sources'> & { readonly json: boolean },
  ) => boolean;
}

/** Runs such a command with the arguments after its name; the code to exit with: 0 agrees, 1 does not, 2 not found out. */
export function runCheck({ name, usage, check }: CheckCommand, args: readonly string[], io: CheckIo): number {
  const { out, err, sources } = io;
  try {
    const [verb, ...rest] = args;
    if (verb === undefined || verb === '--help') {
      out.write(usage);
      return verb === undefined ? 2 : 0;
    }
    if (verb !== 'check') throw new Error(`${name} ${verb}: no such command; there is ${name} check`);
    const { values } = parseArgs({
      args: rest,
      options: {
        state: { type: 'string' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    if (values.help) {
      out.write(usage);
      return 0;
    }
    const { state, json } = values;
    if (state === undefined) throw new Error('--state is missing: whose accounts shall be checked?');
    const { database: file } = databaseFiles(state);
    if (!existsSync(file)) throw new Error(`${state} is not the state folder of a cloud: ${file} is missing`);
    return check({ file, key: heldKey(state, sources) }, { out, err, json }) ? 0 : 1;
  } catch (error) {
    err.write(`loadline-cloud: ${(error as Error).message}\n`);
    return 2;
  }
}
