import { setTimeout as elapsed } from 'node:timers/promises';
import { type ByteSink, RigError } from '../rig/index.ts';
import { counterFrame } from '../scenarios/counter.ts';

/** Frames of one write: their values are their numbers, and each stands under the tag of its turn. */
export interface Written {
  readonly first: number;
  readonly count: number;
  /** When the line was offered the first byte, and when it had taken the last: milliseconds. */
  readonly begunAt: number;
  readonly takenAt: number;
  /** Whether the port took all of it. */
  readonly isWhole: boolean;
}

const stepMs = 20;
/** Frames of one write, at most. */
const framesAtOnce = 64;

/** Simulated transmitters that count together: value n is the nth frame of all, so what is missing or twice shows. */
export class Load {
  readonly #line: ByteSink;
  readonly #tags: readonly number[];
  readonly #written: Written[] = [];
  readonly #stop = new AbortController();
  #next = 0;
  #running: Promise<void> = Promise.resolve();

  constructor(line: ByteSink, tags: readonly number[]) {
    this.#line = line;
    this.#tags = tags;
  }

  get written(): readonly Written[] {
    return this.#written;
  }

  get count(): number {
    return this.#next;
  }

  /** The tag that carries a value. */
  tagOf(value: number): number {
    return this.#tags[value % this.#tags.length] as number;
  }

  /** Begins to send so many frames a second, whether anybody listens or not. */
  start(perSecond: number): void {
    this.#running = this.#run(perSecond);
    // Who stops it hears of it.
    this.#running.catch(() => undefined);
  }

  /** Sends nothing more. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(perSecond: number): Promise<void> {
    let owed = 0;
    let then = performance.now();
    while (!this.#stop.signal.aborted) {
      const now = performance.now();
      // What the port took late is not made up for.
      owed += (Math.min(now - then, 10 * stepMs) / 1000) * perSecond;
      then = now;
      const count = Math.min(Math.floor(owed), framesAtOnce);
      owed -= count;
      if (count > 0) await this.#write(count);
      await elapsed(stepMs);
    }
  }

  async #write(count: number): Promise<void> {
    const first = this.#next;
    this.#next += count;
    const frames = Array.from({ length: count }, (_, at) => counterFrame(this.tagOf(first + at), first + at));
    const begunAt = performance.now();
    const isWhole = await this.#line.write(Buffer.concat(frames)).then(
      () => true,
      (error: unknown) => {
        if (error instanceof RigError && error.code === 'unplugged') return false;
        throw error;
      },
    );
    this.#written.push({ first, count, begunAt, takenAt: performance.now(), isWhole });
  }
}
