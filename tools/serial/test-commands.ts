import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '@loadline/hil-tests';

/** The `loadline` command. */
export const main = join(import.meta.dirname, '../main.ts');

/** What a test that failed leaves at work would keep this process alive. */
const children: ChildProcess[] = [];

/** Ends whatever is still at work. */
export function endAll(): void {
  for (const child of children) child.kill('SIGKILL');
}

/** A command at work, and the lines of JSON it has printed. */
export function start(...args: string[]) {
  const child = spawn(process.execPath, [...process.execArgv, main, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = { out: '', errors: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said.out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said.errors += text;
  });
  let isOver = false;
  child.once('close', () => {
    isOver = true;
  });
  const hasEnded = () => isOver;
  children.push(child);
  return {
    child,
    said,
    /** Waits until it has ended. */
    end: () => until(hasEnded, { limitMs: 60_000, what: `the end of ${args[0]}` }),
    hasEnded,
    /** Whether it has that device open. */
    opened: (device: string | undefined) =>
      readdirSync(`/proc/${child.pid}/fd`).some(
        (fd) => linkOf(`/proc/${child.pid}/fd/${fd}`) === device && device !== undefined,
      ),
    /** Waits for its first line: it says where the port is. */
    ready: () => until(() => said.out.includes('\n'), { limitMs: 60_000 }),
    /** All its lines, once it has ended. */
    lines: async () => {
      await until(hasEnded, { limitMs: 60_000, what: `the end of ${args[0]}` });
      return said.out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>);
    },
  };
}

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    // It has just been closed.
    return undefined;
  }
}
