import { correlation, packetFlags, rssiDecibels } from '@loadline/sdk/t24';
import type { Aspect, Quality, Reading } from '@loadline/sdk/telemetry';
import type { SensorConfig } from '../config/index.ts';
import { defects } from './judge.ts';
import type { Outbox } from './outbox.ts';

type Options = Omit<Extract<SensorConfig['send'], { policy: 'window' }>, 'policy'>;
type Statistic = Options['statistics'][number];

/**
 * Gives out statistics of all readings within a time.
 *
 * Windows begin at multiples of their length on the monotonic clock, so that those of all sensors with one length
 * close together. A reading counts in the window of its time, or in the open one where that is later. The
 * figures are of the numbers without defects; defects are given out as heard, at once, and the window's flags, status
 * and quality tell of them.
 */
export class WindowPolicy {
  readonly #length: number;
  readonly #statistics: readonly Statistic[];
  /** End of the open window. */
  #end = Number.POSITIVE_INFINITY;
  #count = 0;
  #mean = 0;
  #min = 0;
  #max = 0;
  #last: Reading | undefined;
  #flags = 0;
  #status = 0;
  #worst: Quality = { kind: 'none' };

  constructor({ seconds, statistics }: Options) {
    this.#length = Math.max(1, Math.round(seconds * 1000));
    this.#statistics = [...new Set(statistics)];
  }

  get due(): number {
    return this.#end;
  }

  take(reading: Reading, physical: number, found: number, out: Outbox): void {
    const now = reading.monotonic;
    if (this.#end === Number.POSITIVE_INFINITY) {
      this.#end = (Math.floor(now / this.#length) + 1) * this.#length;
    }
    this.#flags |= reading.flags;
    this.#status |= reading.status;
    // The frame's own bits do not tell that its value was no number.
    if ((found & defects.notFinite) !== 0) this.#flags |= packetFlags.error;
    this.#worst = worse(this.#worst, reading.quality);
    if (found !== 0 || Number.isNaN(physical)) {
      out.heard(reading);
      return;
    }
    this.#count++;
    // Divided first: the sum of large numbers would not be finite.
    this.#mean += physical / this.#count - this.#mean / this.#count;
    this.#min = this.#count === 1 ? physical : Math.min(this.#min, physical);
    this.#max = this.#count === 1 ? physical : Math.max(this.#max, physical);
    this.#last = reading;
  }

  tick(now: number, out: Outbox): void {
    if (now >= this.#end) this.#close(this.#end, out);
  }

  finish(now: number, out: Outbox): void {
    this.#close(Math.min(Math.floor(now), this.#end), out);
  }

  #close(at: number, out: Outbox): void {
    const last = this.#last;
    if (last !== undefined) {
      for (const statistic of this.#statistics) {
        switch (statistic) {
          case 'last':
            out.heard(last);
            break;
          case 'mean':
            this.#work('mean', this.#mean, at, last, out);
            break;
          case 'min':
            this.#work('min', this.#min, at, last, out);
            break;
          case 'max':
            this.#work('max', this.#max, at, last, out);
            break;
        }
      }
    }
    this.#end = Number.POSITIVE_INFINITY;
    this.#count = 0;
    this.#mean = 0;
    this.#last = undefined;
    this.#flags = 0;
    this.#status = 0;
    this.#worst = { kind: 'none' };
  }

  #work(aspect: Aspect, value: number, at: number, { port, base, tag }: Reading, out: Outbox): void {
    out.worked({
      kind: 'reading',
      port,
      base,
      tag,
      aspect,
      calibration: undefined,
      monotonic: at,
      value: { type: 'float64', value },
      flags: this.#flags,
      status: this.#status,
      quality: this.#worst,
    });
  }
}

/** The worse of two qualities, each part by itself; of different kinds the radio's own, then a GW1's. */
function worse(one: Quality, other: Quality): Quality {
  switch (one.kind) {
    case 'none':
      return other;
    case 'lqi':
      if (other.kind === 'lqi') return other.percent < one.percent ? other : one;
      return other.kind === 'radio' ? other : one;
    case 'radio': {
      if (other.kind !== 'radio') return one;
      const weaker = rssiDecibels(other.rssi) < rssiDecibels(one.rssi);
      const poorer = correlation(other.cv) < correlation(one.cv);
      if (!weaker && !poorer) return one;
      return { kind: 'radio', rssi: weaker ? other.rssi : one.rssi, cv: poorer ? other.cv : one.cv };
    }
  }
}
