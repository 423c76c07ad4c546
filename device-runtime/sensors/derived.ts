import type { Reading } from '@loadline/sdk/telemetry';
import { type DerivedConfig, derivedPort } from '../config/index.ts';
import type { Outbox } from './outbox.ts';

/** What a series is derived from: a sensor, or another derived series. */
export interface Source {
  /** Present value in its unit. */
  readonly number: number;
  readonly flags: number;
  readonly status: number;
  /** Whether something of it was given out in this step. */
  readonly gave: boolean;
  /** Whether its value can be reckoned with now. */
  isGood(now: number): boolean;
}

/** The bits of a float that is no number. */
const noNumber = 0x7fc0_0000;

/**
 * One series worked out of others. It is worked out at every reading of its sources, and given out whenever one of them
 * gives something out: so it sees every peak, and is as talkative as their send policies.
 *
 * There is a number only while every source has one. When that ends, one reading without a number is given out
 * with the sources' flags and status, so that nobody takes the number before it for the present one.
 */
export class DerivedSeries implements Source {
  readonly config: DerivedConfig;
  /** Whoever restores its state must mean the same series: kind and sources, with their calibration. */
  readonly recipe: string;
  number = Number.NaN;
  flags = 0;
  status = 0;
  gave = false;
  /** Zero of a tare, highest value of a peak hold; undefined before the first. */
  kept: number | undefined;

  readonly #sources: readonly Source[];
  #good = false;
  #givenGood = false;

  constructor(config: DerivedConfig, sources: readonly Source[], recipe: string) {
    this.config = config;
    this.recipe = recipe;
    this.#sources = sources;
  }

  isGood(): boolean {
    return this.#good;
  }

  /** Works it out; true where `kept` has changed by it. */
  work(now: number): boolean {
    this.gave = false;
    this.flags = 0;
    this.status = 0;
    let good = true;
    for (const source of this.#sources) {
      this.flags |= source.flags;
      this.status |= source.status;
      if (!source.isGood(now)) good = false;
    }
    const kept = this.kept;
    this.number = good ? this.#worked() : Number.NaN;
    this.#good = Number.isFinite(this.number);
    return this.kept !== kept;
  }

  /** Gives it out if a source gave something out, and there is something to say. */
  give(now: number, out: Outbox): void {
    if (this.#sources.some(({ gave }) => gave)) this.#give(now, out);
  }

  /** Makes the present value of a tare its zero, of a peak hold its highest, and gives that out. */
  reset(now: number, out: Outbox): 'reset' | 'not-resettable' | 'no-value' {
    const { kind } = this.config;
    if (kind !== 'tare' && kind !== 'peak') return 'not-resettable';
    const [source] = this.#sources;
    if (source === undefined || !source.isGood(now)) return 'no-value';
    this.kept = source.number;
    this.work(now);
    this.#give(now, out);
    return 'reset';
  }

  #give(now: number, out: Outbox): void {
    if (!this.#good && !this.#givenGood) return;
    this.#givenGood = this.#good;
    this.gave = true;
    out.worked(this.#reading(now));
  }

  #worked(): number {
    const first = this.#sources[0]?.number ?? Number.NaN;
    switch (this.config.kind) {
      case 'sum':
        return this.#sources.reduce((sum, { number }) => sum + number, 0);
      case 'difference':
        return first - (this.#sources[1]?.number ?? Number.NaN);
      case 'tare':
        return first - (this.kept ?? 0);
      case 'peak':
        if (this.kept === undefined || first > this.kept) this.kept = first;
        return this.kept;
    }
  }

  #reading(now: number): Reading {
    return {
      kind: 'reading',
      port: derivedPort,
      base: 0,
      tag: this.config.tag,
      aspect: 'derived',
      calibration: undefined,
      monotonic: Math.floor(now),
      value: this.#good ? { type: 'float64', value: this.number } : { type: 'nonFinite', bits: noNumber },
      flags: this.flags,
      status: this.status,
      quality: { kind: 'none' },
    };
  }
}
