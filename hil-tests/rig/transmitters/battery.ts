import { inRange } from '../errors.ts';

/** Options of a simulated battery. */
export interface BatteryOptions {
  /** Charge of a fresh battery in mAh, as far as it is usable: down to 2.1 V. Two alkaline AA cells: some 2000. */
  readonly milliampHours: number;
  /** Charge that is used up already, 0..1. Default: 0. */
  readonly used?: number;
  /** Volts at and below which the module says that its battery is low (its parameter 110). Default: 2.3. */
  readonly lowVolts?: number;
}

/** Under this many volts no module works (T24-RA user manual: 2.1 to 3.6 V). */
const flatVolts = 2.1;
const milliampSecondsInHour = 3600;
/** What a voltage that was computed there and back may be off by. */
const ROUNDING_VOLTS = 1e-9;

/** Volts of two alkaline cells in series under load, by the share of their usable charge that has been taken. */
const discharge = [
  [0, 3.1],
  [0.1, 2.8],
  [0.3, 2.6],
  [0.6, 2.45],
  [0.85, 2.3],
  [1, flatVolts],
] as const;

/**
 * What a simulated module runs on: two alkaline cells in series, or (without options) a supply that lasts for ever.
 */
export class VirtualBattery {
  readonly lowVolts: number;
  readonly #milliampSeconds: number;
  #used: number;

  constructor(options?: BatteryOptions) {
    const milliampHours =
      options === undefined
        ? Number.POSITIVE_INFINITY
        : inRange('milliampHours', options.milliampHours, 0.001, 1_000_000);
    this.#milliampSeconds = milliampHours * milliampSecondsInHour;
    this.#used = inRange('used', options?.used ?? 0, 0, 1);
    this.lowVolts = inRange('lowVolts', options?.lowVolts ?? 2.3, flatVolts, 3.6);
  }

  /** Share of its charge that is used up, 0..1. */
  get used(): number {
    return this.#used;
  }

  get volts(): number {
    let [before, voltsBefore] = discharge[0] as readonly [number, number];
    for (const [share, volts] of discharge) {
      if (this.#used <= share) {
        const part = share === before ? 0 : (this.#used - before) / (share - before);
        return voltsBefore + part * (volts - voltsBefore);
      }
      [before, voltsBefore] = [share, volts];
    }
    return flatVolts;
  }

  /** `good`; `low`: it says so, and goes on; `flat`: nothing goes on. */
  get state(): 'good' | 'low' | 'flat' {
    if (this.#used >= 1) return 'flat';
    return this.volts <= this.lowVolts + ROUNDING_VOLTS ? 'low' : 'good';
  }

  /** Takes charge out of it: a current for a time. */
  drain(milliamps: number, milliseconds: number): void {
    this.#used = Math.min(1, this.#used + (milliamps * milliseconds) / 1000 / this.#milliampSeconds);
  }

  /** `good`: fresh cells. `low`: used up so far that it is just low. `flat`: used up. */
  become(state: 'good' | 'low' | 'flat'): void {
    switch (state) {
      case 'good':
        this.#used = 0;
        return;
      case 'low':
        this.#used = usedAt(this.lowVolts);
        return;
      case 'flat':
        this.#used = 1;
        return;
    }
  }
}

/** The share of its charge that is gone when it has come down to so many volts. */
function usedAt(volts: number): number {
  let [before, voltsBefore] = discharge[0] as readonly [number, number];
  for (const [share, lower] of discharge) {
    if (volts >= lower) {
      if (share === before) return share;
      return before + ((voltsBefore - volts) / (voltsBefore - lower)) * (share - before);
    }
    [before, voltsBefore] = [share, lower];
  }
  return 1;
}
