import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../../tools/main.ts', import.meta.url));

/** What it printed, and what it ended with. */
export interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs `loadline` on the command line, to its end, with nobody at a terminal. */
export function loadline(...args: string[]): Promise<Ended> {
  return loadlineBy({}, ...args);
}

/** The same with these variables, by which a program says who it is. */
export function loadlineBy(variables: Readonly<Record<string, string>>, ...args: string[]): Promise<Ended> {
  const env = { ...process.env, ...variables };
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [...process.execArgv, main, ...args],
      { env },
      (_error, out, err) => resolve({ code: child.exitCode ?? -1, out, err }),
    );
    child.stdin?.end();
  });
}
