import type { Calibration, Reading } from '@loadline/sdk/telemetry';
import { Copies } from './copies.ts';
import type { Heard } from './frame.ts';
import { readingOf } from './reading.ts';
import { Sightings } from './sightings.ts';

/** What became of a frame: a reading, or the reason why it is none. */
export type Bound =
  | { readonly kind: 'reading'; readonly reading: Reading }
  /** Another base station had delivered it already. */
  | { readonly kind: 'copy' }
  /** A tag that nobody configured and that does not count as a series (yet). */
  | { readonly kind: 'suppressed'; readonly tag: number }
  /** No measurement: an answer to a command, or of an unknown type. */
  | { readonly kind: 'other' };

/** The binder's part of the gateway's ledger: `frames = readings + copies + suppressed + other`, always. */
export interface BindingLedger {
  readonly frames: number;
  readonly readings: number;
  readonly copies: number;
  readonly suppressed: number;
  readonly other: number;
}

/** What the binder has to know of a configured sensor. */
interface BoundSensor {
  readonly tag: number;
  readonly gain: number;
  readonly offset: number;
}

export interface BinderOptions {
  readonly sensors: Iterable<BoundSensor>;
  /** Frames of any other tag it takes before its readings count, and how many such tags may. */
  readonly sightings: number;
  readonly maxSeries: number;
  /** Milliseconds within which equal frames of different base stations are one; 0 is off. */
  readonly copyWindow: number;
}

const copy: Bound = { kind: 'copy' };
const other: Bound = { kind: 'other' };

/** Makes readings of frames, and accounts for every frame. Time comes with the frames. */
export class Binder {
  readonly #copies: Copies;
  readonly #sightings: Sightings;
  /** Of every configured tag; undefined where the value as heard is the physical one. */
  readonly #calibrations = new Map<number, Calibration | undefined>();
  readonly #counts = { readings: 0, copies: 0, suppressed: 0, other: 0 };

  constructor(options: BinderOptions) {
    this.#copies = new Copies(options.copyWindow);
    for (const { tag, gain, offset } of options.sensors) {
      this.#calibrations.set(tag, gain === 1 && offset === 0 ? undefined : { gain, offset });
    }
    this.#sightings = new Sightings({ ...options, configured: this.#calibrations });
  }

  get ledger(): BindingLedger {
    const { readings, copies, suppressed, other: others } = this.#counts;
    return { frames: readings + copies + suppressed + others, ...this.#counts };
  }

  bind(heard: Heard): Bound {
    const bound = this.#judge(heard);
    switch (bound.kind) {
      case 'reading':
        this.#counts.readings++;
        break;
      case 'copy':
        this.#counts.copies++;
        break;
      case 'suppressed':
        this.#counts.suppressed++;
        break;
      case 'other':
        this.#counts.other++;
        break;
    }
    return bound;
  }

  #judge(heard: Heard): Bound {
    const { content, port, at } = heard;
    if (content.kind === 'other') return other;
    const reading = readingOf(content, port, at, this.#calibrations.get(content.tag));
    // Copies first: one transmission heard by three base stations is one sighting.
    if (this.#copies.isCopy(reading)) return copy;
    if (!this.#sightings.counts(reading.tag)) return { kind: 'suppressed', tag: reading.tag };
    return { kind: 'reading', reading };
  }
}
