import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { RigError } from './errors.ts';

/** Options of a program. */
export interface ProgramOptions {
  /** Folder it runs in. Default: this process's own. */
  readonly cwd?: string;
  /** Variables that are added to this process's environment. Default: none. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** Options of `said` and `says`. */
export interface SaidOptions {
  /** How many lines must fit. Default: 1. */
  readonly times?: number;
  /** Milliseconds after which it is given up. Default: 10 000. */
  readonly limitMs?: number;
}

/** How a program ended. */
export interface ProgramEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A program that was told to end is killed after this long. */
const PATIENCE_MS = 5000;
/** Ends a process group as soon as nothing more can come by its standard input: `sh -c GUARD sh GROUP`. */
const GUARD = 'read -r _; kill -s KILL -- "-$1"';
/** As many of its last lines stand in the message of an error. */
const LAST_LINES = 8;

/**
 * Your own program, of any language, as a process that a test watches by what it prints. In a process group of its own:
 * what it starts ends with it, and so does all of it with this process, however that ends.
 */
export class Program {
  /** Settles when it has ended and everything it printed has been read. */
  readonly ended: Promise<ProgramEnd>;
  readonly #words: string;
  readonly #child: ChildProcess;
  readonly #lines: string[] = [];
  readonly #listeners = new Set<() => void>();
  #guard: ChildProcess | undefined;
  #end: ProgramEnd | undefined;

  /** Starts it, as `spawn` does: no shell takes the arguments apart. A command that there is not ends at once. */
  constructor(command: string, args: readonly string[] = [], options: ProgramOptions = {}) {
    const { cwd, environment } = options;
    this.#words = [command, ...args].join(' ');
    this.#child = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
      env: { ...process.env, ...environment },
      ...(cwd !== undefined && { cwd }),
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) this.#read(stream);
    if (this.#child.pid !== undefined) this.#guard = guard(this.#child.pid);
    this.ended = new Promise((resolve) => {
      this.#child.once('error', (error) => {
        this.#take(error.message);
        if (this.#child.pid === undefined) resolve(this.#close({ code: null, signal: null }));
      });
      this.#child.once('close', (code, signal) => resolve(this.#close({ code, signal })));
    });
  }

  /** 0 for a command that there is not. */
  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** How it ended; undefined while it runs. */
  get end(): ProgramEnd | undefined {
    return this.#end;
  }

  /** Every line it printed so far, on standard output and standard error, as they came. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  /**
   * Waits until it has printed so many lines that fit, since it was started; gives the last of them. Rejects with RigError
   * `ended` where it ends before, `timeout` where they do not come; both show its last lines.
   */
  async said(pattern: RegExp, options: SaidOptions = {}): Promise<string> {
    return await this.#wait(pattern, options, 0);
  }

  /** As `said`, of lines that it prints from now on. */
  async says(pattern: RegExp, options: SaidOptions = {}): Promise<string> {
    return await this.#wait(pattern, options, this.#lines.length);
  }

  /** Sends it a signal (default SIGTERM), and its children too; kills them where it has not ended within 5 s. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<ProgramEnd> {
    this.#send(signal);
    const killing = setTimeout(() => this.#send('SIGKILL'), PATIENCE_MS);
    const end = await this.ended;
    clearTimeout(killing);
    return end;
  }

  /** So that `await using` stops it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #wait(pattern: RegExp, options: SaidOptions, from: number): Promise<string> {
    const { times = 1, limitMs = 10_000 } = options;
    // Without the flags that make a pattern remember where it was.
    const fits = new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, ''));
    let at = from;
    let found = 0;
    return new Promise((resolve, reject) => {
      const done = (settle: () => void) => {
        clearTimeout(timer);
        this.#listeners.delete(look);
        settle();
      };
      const look = () => {
        for (; at < this.#lines.length; at++) {
          const line = this.#lines[at] as string;
          if (fits.test(line)) found += 1;
          if (found === times) {
            done(() => resolve(line));
            return;
          }
        }
        if (this.#end !== undefined) {
          const { code, signal } = this.#end;
          const what = `ended (${signal ?? code}) before it said ${fits}`;
          done(() => reject(new RigError('ended', this.#report(what))));
        }
      };
      const timer = setTimeout(() => {
        const what = `said ${fits} ${found} times in ${limitMs} ms, and not ${times}`;
        done(() => reject(new RigError('timeout', this.#report(what))));
      }, limitMs);
      this.#listeners.add(look);
      look();
    });
  }

  #report(what: string): string {
    const last = this.#lines.slice(-LAST_LINES).map((line) => `\n  ${line}`);
    return `${this.#words}: ${what}; its last lines:${last.join('') || ' none'}`;
  }

  #read(stream: Readable | null): void {
    if (stream === null) return;
    createInterface({ input: stream }).on('line', (line) => this.#take(line));
  }

  #take(line: string): void {
    this.#lines.push(line);
    for (const listener of this.#listeners) listener();
  }

  #close(end: ProgramEnd): ProgramEnd {
    // What it started and left behind.
    this.#send('SIGKILL');
    this.#guard?.kill('SIGKILL');
    this.#end = end;
    for (const listener of this.#listeners) listener();
    return end;
  }

  #send(signal: NodeJS.Signals): void {
    if (this.#child.pid === undefined || this.#end !== undefined) return;
    try {
      process.kill(-this.#child.pid, signal);
    } catch (error) {
      // It ended a moment ago, and is about to say so.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}

/**
 * Whoever stops a test (Ctrl-C, a runner at its time limit) gives it no moment to end what it started. So another process
 * waits for its end, which the kernel tells it by the pipe between them.
 */
function guard(group: number): ChildProcess {
  const shell = spawn('/bin/sh', ['-c', GUARD, 'sh', String(group)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    // Ctrl-C is for the test's own group.
    detached: true,
  });
  shell.on('error', () => undefined);
  shell.unref();
  (shell.stdin as Socket).unref();
  return shell;
}
