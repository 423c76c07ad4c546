import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { RigError } from './errors.ts';

/**
 * How a rival has a port. `locks`: with flock(2), as serialport and most terminals do, and only programs that lock too
 * are refused. `excludes`: with TIOCEXCL, so that everybody but root gets EBUSY. `reads`: with nothing, like a getty or
 * ModemManager, and takes bytes away from the host.
 */
export type RivalGrip = 'locks' | 'excludes' | 'reads';

type Line = { readonly holds: string } | { readonly failed: string } | { readonly took: number };

/**
 * Another process that has a port: the port is busy until it is let go, or stuck so for good. It is a process of its own,
 * `simulated-rival` to those who look who has the port; it ends with this process, however that ends.
 */
export class Rival {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  #bytesTaken = 0;

  private constructor(child: ChildProcess, stdout: Readable) {
    this.#child = child;
    this.#lines = createInterface(stdout)[Symbol.asyncIterator]();
  }

  /**
   * Opens a port from another process, and resolves when that has it.
   *
   * @param path the port's own path, or any other serial device's
   * @throws RigError `rival` when it cannot have it
   */
  static async start(path: string, grip: RivalGrip): Promise<Rival> {
    const program = fileURLToPath(new URL('./rival-program.ts', import.meta.url));
    const child = spawn(process.execPath, [program, path, grip], { stdio: ['pipe', 'pipe', 'inherit'] });
    const rival = new Rival(child, child.stdout);
    const said = await rival.#next();
    if (said === undefined || !('holds' in said)) {
      await rival.stop();
      throw new RigError('rival', `no rival for ${path}: ${JSON.stringify(said ?? 'it ended at once')}`);
    }
    void rival.#count();
    return rival;
  }

  /** Its process, as it stands in what a host says about who has its port. */
  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Bytes that it took away from the host; only one that `reads` takes any. */
  get bytesTaken(): number {
    return this.#bytesTaken;
  }

  /** Lets the port go; resolves when its process is gone. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, 'exit');
    this.#child.stdin?.end();
    await gone;
  }

  /** So that `await using` stops it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #count(): Promise<void> {
    for (let line = await this.#next(); line !== undefined; line = await this.#next()) {
      if ('took' in line) this.#bytesTaken += line.took;
    }
  }

  async #next(): Promise<Line | undefined> {
    const { value, done } = await this.#lines.next();
    return done ? undefined : (JSON.parse(value) as Line);
  }
}
