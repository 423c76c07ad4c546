import type { Counts } from '../store/index.ts';

/** What a quota can be of. `milliseconds`: of being connected. */
export type Spent = 'messages' | 'readings' | 'bytes' | 'milliseconds';

/**
 * What a device, or the devices of an organisation together, have used of the day and of the month (UTC): the same
 * counts that accounting writes down, what is not written yet included.
 */
export class Spending {
  /** Of this day. */
  messages = 0;
  readings = 0;
  bytes = 0;
  milliseconds = 0;
  /** Of the days of this month before this one. */
  readonly #before = { messages: 0, readings: 0, bytes: 0, milliseconds: 0 };

  ofDay(what: Spent): number {
    return this[what];
  }

  ofMonth(what: Spent): number {
    return this.#before[what] + this[what];
  }

  /** Adds what was used before this process was: of this day, or of those before it in this month. */
  remember(used: Counts & { readonly milliseconds: number }, when: 'day' | 'before'): void {
    const to = when === 'day' ? this : this.#before;
    to.messages += used.messagesIn;
    to.readings += used.readings;
    to.bytes += used.bytesIn + used.bytesOut;
    to.milliseconds += used.milliseconds;
  }

  /** Another day begins, and maybe another month. */
  turn(to: 'day' | 'month'): void {
    for (const what of ['messages', 'readings', 'bytes', 'milliseconds'] as const) {
      this.#before[what] = to === 'month' ? 0 : this.#before[what] + this[what];
      this[what] = 0;
    }
  }
}
