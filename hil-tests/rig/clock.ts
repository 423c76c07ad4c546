import { performance } from 'node:perf_hooks';
import { RigError } from './errors.ts';

/** The time everything in the rig goes by. Injected, so that an hour can pass in seconds. */
export interface Clock {
  /** Milliseconds since a fixed but arbitrary moment; never goes back. May have a fraction. */
  now(): number;
  /**
   * Calls `run` once, `milliseconds` from now, and as soon as may be where that is in the past. Returns a function
   * that cancels it.
   */
  after(milliseconds: number, run: () => void): () => void;
  /**
   * Work of the outside world (bytes on their way into a kernel port) that must end before time may go on.
   * A real clock waits for nobody and does not have this.
   */
  hold?(work: Promise<unknown>): void;
}

/** The computer's own monotonic clock. */
export const realClock: Clock = {
  now: () => performance.now(),
  after(milliseconds, run) {
    const timer = setTimeout(run, Math.max(0, milliseconds));
    return () => clearTimeout(timer);
  },
};

interface Appointment {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

/** A clock that stands still until it is advanced. Starts at 0. */
export class SimulatedClock implements Clock {
  #now = 0;
  #order = 0;
  #appointments: Appointment[] = [];
  readonly #held = new Set<Promise<unknown>>();

  now(): number {
    return this.#now;
  }

  after(milliseconds: number, run: () => void): () => void {
    const appointment = { at: this.#now + Math.max(0, milliseconds), order: this.#order++, run };
    // Kept sorted: nearly always the new one belongs at or near the end.
    let place = this.#appointments.length;
    while (place > 0 && (this.#appointments[place - 1]?.at ?? 0) > appointment.at) place--;
    this.#appointments.splice(place, 0, appointment);
    return () => {
      this.#appointments = this.#appointments.filter((other) => other !== appointment);
    };
  }

  hold(work: Promise<unknown>): void {
    const release = (): void => {
      this.#held.delete(settled);
    };
    const settled: Promise<void> = work.then(release, release);
    this.#held.add(settled);
  }

  /**
   * Lets `milliseconds` pass: runs what is due, in order, each at its own moment, and between two moments waits
   * for promises and held work to settle.
   */
  async advance(milliseconds: number): Promise<void> {
    if (!(milliseconds >= 0)) throw new RigError('option', `cannot advance a clock by ${milliseconds} ms`);
    const end = this.#now + milliseconds;
    await this.#settle();
    for (;;) {
      const next = this.#appointments[0];
      if (next === undefined || next.at > end) break;
      this.#appointments.shift();
      this.#now = next.at;
      next.run();
      await this.#settle();
    }
    this.#now = end;
  }

  async #settle(): Promise<void> {
    do {
      await Promise.all(this.#held);
      // One turn of the event loop runs every promise continuation that is ready, and lets I/O through.
      await new Promise((resolve) => setImmediate(resolve));
    } while (this.#held.size > 0);
  }
}
