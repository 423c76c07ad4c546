import type { VirtualPort } from '../rig/index.ts';
import { counterFrame } from '../scenarios/counter.ts';
import type { SentFrames } from './judge.ts';

/** What a load's frames come from. */
export const tag = 0x3a10;

const stepMs = 20;
/** Frames of one write, at most: its times are those of all of them. */
const framesAtOnce = 256;

/**
 * A simulated transmitter that counts: value n is the nth frame sent, at so many frames a second whether anybody
 * listens or not; and when each was sent is remembered.
 */
export class Frames {
  readonly #port: VirtualPort;
  readonly #sent: SentFrames[] = [];
  readonly #stop = new AbortController();
  #next = 0;
  #owed = 0;
  #running: Promise<void> = Promise.resolve();

  constructor(port: VirtualPort) {
    this.#port = port;
  }

  get sent(): readonly SentFrames[] {
    return this.#sent;
  }

  get count(): number {
    return this.#next;
  }

  /** Begins to send. */
  start(perSecond: number): void {
    this.#running = this.#run(perSecond);
    // Who stops it hears of it.
    this.#running.catch(() => undefined);
  }

  /** So many more, as fast as they are taken. */
  flood(count: number): void {
    this.#owed += count;
  }

  /** Resolves when the last frame is with the kernel. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  /** Sends nothing more; what is on its way ends with the port. */
  abandon(): void {
    this.#stop.abort();
  }

  async #run(perSecond: number): Promise<void> {
    const { signal } = this.#stop;
    let then = performance.now();
    while (!signal.aborted) {
      const now = performance.now();
      // What the port took late is not made up for.
      this.#owed += (Math.min(now - then, 10 * stepMs) / 1000) * perSecond;
      then = now;
      const count = Math.min(Math.floor(this.#owed), framesAtOnce);
      if (count > 0) await this.#write(count);
      if (this.#owed < framesAtOnce) await new Promise((resolve) => setTimeout(resolve, stepMs));
    }
  }

  async #write(count: number): Promise<void> {
    const first = this.#next;
    this.#next += count;
    this.#owed -= count;
    const frames = Array.from({ length: count }, (_, index) => counterFrame(tag, first + index));
    const begunAt = performance.now();
    await this.#port.write(Buffer.concat(frames));
    this.#sent.push({ first, count, begunAt, takenAt: performance.now() });
  }
}
