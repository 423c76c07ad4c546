import { createHash, timingSafeEqual } from 'node:crypto';
import { inspect } from 'node:util';

const shown = '[secret]';

/**
 * A secret that does not print: in a log, a template, JSON or an inspected object it is `[secret]`, and a copy of it
 * (a spread, a message to a thread) is empty. Only `reveal` gives it out, so that each place that does is found by that
 * word. It is put into one where it enters: a header, a packet, a file, the environment.
 */
export class Secret {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** The secret itself: for what checks it or hands it on, and for nothing that keeps it or writes it down. */
  reveal(): string {
    return this.#text;
  }

  /** Whether both are the same, in a time that says nothing of where they differ, nor of their lengths. */
  equals(other: Secret): boolean {
    const [own, others] = [this, other].map((one) => createHash('sha256').update(one.reveal()).digest());
    return own !== undefined && others !== undefined && timingSafeEqual(own, others);
  }

  toString(): string {
    return shown;
  }

  toJSON(): string {
    return shown;
  }

  [Symbol.toPrimitive](): string {
    return shown;
  }

  [inspect.custom](): string {
    return shown;
  }

  get [Symbol.toStringTag](): string {
    return 'Secret';
  }
}
