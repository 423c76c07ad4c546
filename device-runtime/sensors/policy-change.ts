import type { Reading } from '@loadline/sdk/telemetry';
import { sameValue } from '../bind/index.ts';
import type { SensorConfig } from '../config/index.ts';
import type { Outbox } from './outbox.ts';

type Options = Omit<Extract<SensorConfig['send'], { policy: 'change' }>, 'policy'>;

/**
 * Gives out a reading that says something new.
 *
 * New is: the first; any with a defect, and the first without after it; other flags, status or type of value; a value
 * that differs from the one given out last by more than the band; any after `max_seconds`. A value that differs
 * sooner than `min_seconds` after the one given out last waits until then, unless a later one takes its place,
 * or the value has come back meanwhile.
 */
export class ChangePolicy {
  readonly #band: number | undefined;
  readonly #share: number | undefined;
  readonly #least: number;
  readonly #most: number;
  #given: Reading | undefined;
  #givenPhysical = Number.NaN;
  #givenDefective = false;
  #givenAt = 0;
  #waiting: Reading | undefined;
  #waitingPhysical = Number.NaN;

  constructor({ band, band_percent, min_seconds, max_seconds }: Options) {
    this.#band = band;
    this.#share = band_percent === undefined ? undefined : band_percent / 100;
    this.#least = (min_seconds ?? 0) * 1000;
    this.#most = max_seconds === undefined ? Number.POSITIVE_INFINITY : max_seconds * 1000;
  }

  get due(): number {
    return this.#waiting === undefined ? Number.POSITIVE_INFINITY : this.#givenAt + this.#least;
  }

  take(reading: Reading, physical: number, found: number, out: Outbox): void {
    const now = reading.monotonic;
    if (found !== 0) {
      // What was there before the defect goes with it: nothing that differed is lost in between.
      this.finish(now, out);
      this.#give(reading, physical, now, out);
      this.#givenDefective = true;
      return;
    }
    const last = this.#given;
    if (
      last === undefined ||
      this.#givenDefective ||
      last.flags !== reading.flags ||
      last.status !== reading.status ||
      last.value.type !== reading.value.type ||
      now - this.#givenAt >= this.#most
    ) {
      this.#give(reading, physical, now, out);
    } else if (!this.#differs(last, reading, physical)) {
      this.#waiting = undefined;
    } else if (now - this.#givenAt < this.#least) {
      this.#waiting = reading;
      this.#waitingPhysical = physical;
    } else {
      this.#give(reading, physical, now, out);
    }
  }

  tick(now: number, out: Outbox): void {
    if (now >= this.due) this.finish(now, out);
  }

  finish(now: number, out: Outbox): void {
    if (this.#waiting !== undefined) this.#give(this.#waiting, this.#waitingPhysical, now, out);
  }

  #give(reading: Reading, physical: number, now: number, out: Outbox): void {
    this.#given = reading;
    this.#givenPhysical = physical;
    this.#givenDefective = false;
    this.#givenAt = now;
    this.#waiting = undefined;
    out.heard(reading);
  }

  #differs(last: Reading, reading: Reading, physical: number): boolean {
    // Text and bytes have no distance.
    if (Number.isNaN(physical) || (this.#band === undefined && this.#share === undefined)) {
      return !sameValue(last.value, reading.value);
    }
    const distance = Math.abs(physical - this.#givenPhysical);
    return (
      (this.#band !== undefined && distance > this.#band) ||
      (this.#share !== undefined && distance > Math.abs(this.#givenPhysical) * this.#share)
    );
  }
}
