import type { Word } from './word.ts';

/**
 * How far the time may be off when the system has just synchronised it, in milliseconds. systemd-timesyncd steps the
 * clock from 400 ms on and slews what is less, and NTP is off by half the round trip at most.
 */
const synchronisedUncertainty = 1000;
/** Milliseconds by which a file's time and the clock's may differ with nothing wrong. */
const grain = 1000;

/**
 * What the system says of the time: by a file that is there while it vouches for its clock, and that it touches each
 * time it has synchronised it (systemd-timesyncd(8), /run/systemd/timesync/synchronized).
 *
 * It vouches for the clock as it stood at the touch; the monotonic clock carries that on. So a clock that is set by
 * hand afterwards changes nothing here, and one that was moved between a touch and our look at it is not believed.
 */
export class SystemWord {
  #word: Word | undefined;
  #touchedAt: number | undefined;
  #lookedAt: number | undefined;

  /** What it vouches for, undefined while it does not. */
  get word(): Word | undefined {
    return this.#word;
  }

  /**
   * A look at the system.
   *
   * @param touchedAt when the file was touched last by the wall clock of that moment; undefined where there is none
   * @param now monotonic and wall clock, read in one go; milliseconds
   */
  look(touchedAt: number | undefined, now: { readonly monotonic: number; readonly wall: number }): void {
    if (touchedAt === undefined) {
      this.#word = undefined;
    } else if (touchedAt !== this.#touchedAt) {
      const age = now.wall - touchedAt;
      // The file is of this boot, and a new touch is of the time since the look before, whether there was a file then or not.
      const oldest = now.monotonic - (this.#lookedAt ?? 0);
      if (age >= -grain && age <= oldest + grain) {
        const since = Math.max(0, age);
        this.#word = {
          monotonic: now.monotonic - since,
          wall: now.wall - since,
          uncertainty: synchronisedUncertainty,
        };
      }
    }
    this.#touchedAt = touchedAt;
    this.#lookedAt = now.monotonic;
  }
}
