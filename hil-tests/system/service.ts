import { type ChildProcess, spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

/** A line of a service's log. */
export interface LogLine {
  readonly at: string;
  readonly level: string;
  readonly event: string;
  readonly [field: string]: unknown;
}

/** A program of the system, and how it is started. */
export interface ServiceOptions {
  readonly name: string;
  readonly file: string;
  readonly args: readonly string[];
  /** A file that gets a copy of everything the service prints. Default: none. */
  readonly logFile?: string;
  /** The Node that runs it. Default: this process's own. */
  readonly node?: string;
  /** Flags for Node itself. Default: those of this process. */
  readonly nodeFlags?: readonly string[];
  /** Words that come before it: a program that starts it in a place of its own, and becomes it. Default: none. */
  readonly under?: readonly string[];
  /** Variables added to the environment. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** How a service ended. */
export interface ServiceEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/**
 * One of the system's programs in a process of its own: the shipped thing, watched from outside by the log it
 * prints. In a process group of its own, so that Ctrl-C reaches whoever started it, who then ends it in order.
 */
export class Service {
  readonly name: string;
  /** Settles when the process has ended. */
  readonly ended: Promise<ServiceEnd>;
  readonly #child: ChildProcess;
  readonly #lines: LogLine[] = [];
  readonly #listeners = new Set<(line: LogLine) => void>();
  /** What may stand in nothing that it prints, by what it is. */
  readonly #secrets = new Map<string, string>();
  /** Every line of its log that is kept, as it was printed. */
  readonly #printed: string[] = [];
  #errors = '';
  #end: ServiceEnd | undefined;

  constructor(options: ServiceOptions) {
    const { name, file, args, logFile, nodeFlags = process.execArgv, under = [], environment } = options;
    const { node = process.execPath } = options;
    this.name = name;
    const [program = node, ...words] = [...under, node, ...nodeFlags, file, ...args];
    this.#child = spawn(program, words, {
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
      env: { ...process.env, ...environment },
    });
    const keep = (text: string) => {
      if (logFile !== undefined) appendFileSync(logFile, text, { mode: 0o600 });
    };
    const { stdout, stderr } = this.#child;
    if (stdout !== null)
      createInterface({ input: stdout }).on('line', (line) => {
        keep(`${line}\n`);
        this.#read(line);
      });
    stderr?.setEncoding('utf8').on('data', (text: string) => {
      keep(text);
      this.#errors = (this.#errors + text).slice(-10_000);
    });
    this.ended = new Promise((resolve) => {
      this.#child.once('error', (error) => {
        this.#errors += error.message;
        resolve(this.#close({ code: null, signal: null }));
      });
      this.#child.once('close', (code, signal) => resolve(this.#close({ code, signal })));
    });
    process.once('exit', this.#abandon);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** How it ended; undefined while it runs. */
  get end(): ServiceEnd | undefined {
    return this.#end;
  }

  /** The log so far. */
  get log(): readonly LogLine[] {
    return this.#lines;
  }

  /** What it printed on standard error. */
  get errors(): string {
    return this.#errors;
  }

  /** Hears every line of the log from now on; the function it returns ends that. */
  onLine(listener: (line: LogLine) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * The first line of this event, past or coming. Throws where the service ends before, or after
   * `milliseconds` (default 30 000).
   */
  async line(event: string, milliseconds = 30_000): Promise<LogLine> {
    const past = this.#lines.find((one) => one.event === event);
    if (past !== undefined) return past;
    return await new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => finish(() => reject(new Error(`${this.name}: no "${event}" within ${milliseconds} ms`))),
        milliseconds,
      );
      const unhear = this.onLine((line) => {
        if (line.event === event) finish(() => resolve(line));
      });
      const finish = (settle: () => void) => {
        clearTimeout(timer);
        unhear();
        settle();
      };
      void this.ended.then(({ code, signal }) => {
        finish(() =>
          reject(new Error(`${this.name} ended (${signal ?? code}) before "${event}": ${this.#errors}`)),
        );
      });
    });
  }

  /** Says of something that it is a secret: where it stands in what the service printed, `stop` fails. `what` it is. */
  watchFor(secret: string, what: string): void {
    this.#secrets.set(secret, what);
  }

  /**
   * Sends a signal (default SIGTERM) and waits for the end.
   * @throws Error where something that is a secret stood in what it printed
   */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<ServiceEnd> {
    if (this.#end === undefined) this.#child.kill(signal);
    const end = await this.ended;
    const printed = [...this.#printed, this.#errors].join('\n');
    const leaks = new Set(
      [...this.#secrets].filter(([secret]) => printed.includes(secret)).map(([, what]) => what),
    );
    if (leaks.size > 0) throw new Error(`${this.name}: its log holds ${[...leaks].join(', ')}`);
    return end;
  }

  readonly #abandon = () => {
    this.#child.kill('SIGKILL');
  };

  #close(end: ServiceEnd): ServiceEnd {
    this.#end = end;
    process.off('exit', this.#abandon);
    return end;
  }

  #read(text: string): void {
    let line: LogLine;
    try {
      line = JSON.parse(text) as LogLine;
    } catch {
      this.#printed.push(text);
      return;
    }
    // Progress comes every second for as long as it runs: it is told, not kept.
    if (line.event !== 'progress') {
      this.#lines.push(line);
      this.#printed.push(text);
    }
    for (const listener of this.#listeners) listener(line);
  }
}
