import { spawn } from 'node:child_process';

/** What a program printed and how it ended. */
export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A program under way. */
export interface Running {
  /** What it has printed so far, on both outputs. */
  said(): string;
  /** When it has ended by itself. */
  readonly ended: Promise<Ran>;
  /** Ends it. */
  kill(): void;
}

/** Seconds after which a program of these tests is ended. */
const patience = 20;

/** Starts a program; `input` is what it reads, after which it reads the end, unless it is to stay open. */
export function start(
  command: string,
  args: readonly string[],
  { input = '', stays = false }: { readonly input?: string | Uint8Array; readonly stays?: boolean } = {},
): Running {
  const child = spawn(command, args, { timeout: patience * 1000, killSignal: 'SIGKILL' });
  const ran = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    ran.stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    ran.stderr += text;
  });
  // It may end without having read all of it.
  child.stdin.on('error', () => {});
  if (stays) child.stdin.write(input);
  else child.stdin.end(input);
  return {
    said: () => ran.stdout + ran.stderr,
    ended: new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) => resolve({ code, ...ran }));
    }),
    kill: () => child.kill(),
  };
}

/** Runs a program to its end. */
export async function run(
  command: string,
  args: readonly string[],
  input?: string | Uint8Array,
): Promise<Ran> {
  return await start(command, args, input === undefined ? {} : { input }).ended;
}
