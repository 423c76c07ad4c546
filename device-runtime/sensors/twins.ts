import { rssiDecibels, type Value } from '@loadline/sdk/t24';
import type { Quality, Reading } from '@loadline/sdk/telemetry';

/** Intervals over which one judgement is made, and how many judgements in a row it takes. */
const blockIntervals = 30;
const blocksNeeded = 3;
/** Frames an interval, past which it is the configured interval that is wrong. */
const mostRate = 3.5;
/** How far from one interval ago a frame may lie and still be the same transmitter's, in intervals. */
const tolerance = 0.15;
/** Comparisons a judgement needs, and how much nearer the frame of an interval ago must be than the one before. */
const leastPairs = 8;
const nearer = 0.5;
/** Decibels that two transmitters must be apart on average: less is fading. */
const leastDecibels = 1.5;
/** Changes of the type of value, each soon after the one before. One transmitter changes it when it is set up. */
const typeChangesNeeded = 6;
const patienceMilliseconds = 600_000;
const patienceIntervals = 20;
/** Silence after which another base station is followed, without a configured interval. */
const leaveMilliseconds = 60_000;
/** Frames remembered: at `mostRate`, more than an interval. */
const remembered = 8;

/** What one frame before and the frame of an interval before are compared by. */
interface Channel {
  readonly history: Float64Array;
  /** Least mean difference to the frame before. */
  readonly least: number;
  readonly words: string;
  pairs: number;
  /** Sums of absolute differences to the frame before, and to the frame of an interval before. */
  before: number;
  interval: number;
}

/**
 * Looks for two transmitters under one tag, on one base station at a time: the one it hears the tag by.
 *
 * A stated heuristic, for a frame has no sender. Either the type of value changes to and fro. Or frames come in
 * between two that are an interval apart, and are like the one an interval ago, but unlike the one just before, by signal strength
 * or by value: of one transmitter that merely sends more often than configured, the nearer frame is the more
 * alike, or both are alike or unlike. Two that are alike in all of it are not found.
 */
export class TwinWatch {
  readonly #interval: number;
  readonly #patience: number;
  readonly #leave: number;
  #port = '';
  #base = -1;
  #lastAt = Number.NEGATIVE_INFINITY;

  #type: Value['type'] | undefined;
  #types = '';
  #typeChanges = 0;
  #typeChangedAt = Number.NEGATIVE_INFINITY;

  readonly #times: Float64Array | undefined;
  readonly #channels: readonly Channel[] = [];
  #count = 0;
  #blockStart = 0;
  #blockFrames = 0;
  #found = 0;
  #notFound = 0;
  #groups = '';
  #byGroups = false;

  /** @param interval milliseconds between two frames, as configured; undefined: only types of values tell */
  constructor(interval: number | undefined) {
    this.#interval = interval ?? Number.POSITIVE_INFINITY;
    this.#patience = Math.max(patienceMilliseconds, patienceIntervals * (interval ?? 0));
    this.#leave = interval === undefined ? leaveMilliseconds : Math.max(3 * interval, 1000);
    if (interval === undefined) return;
    this.#times = new Float64Array(remembered);
    this.#channels = [
      channel(leastDecibels, 'their signal strength'),
      channel(Number.MIN_VALUE, 'their values'),
    ];
  }

  /** What speaks for two transmitters, in words; undefined where nothing does. */
  get evidence(): string | undefined {
    if (this.#typeChanges >= typeChangesNeeded) return `values of ${this.#types} by turns`;
    return this.#byGroups ? this.#groups : undefined;
  }

  /** @param physical the number it stands for; NaN where it is none */
  take(reading: Reading, physical: number): void {
    const { port, base, monotonic: now, value, quality } = reading;
    if (port !== this.#port || base !== this.#base) {
      if (now - this.#lastAt <= this.#leave) return;
      this.#port = port;
      this.#base = base;
      this.#type = undefined;
      this.#typeChanges = 0;
      this.#restart(now);
    }
    this.#takeType(value, now);
    if (this.#times !== undefined) this.#takeTime(this.#times, now, signalOf(quality), physical);
    this.#lastAt = now;
  }

  #takeType(value: Value, now: number): void {
    const type = value.type === 'nonFinite' ? 'float32' : value.type;
    if (now - this.#typeChangedAt > this.#patience) this.#typeChanges = 0;
    if (type === 'none' || type === this.#type) return;
    if (this.#type !== undefined) {
      this.#typeChanges++;
      this.#typeChangedAt = now;
      this.#types = `type ${this.#type} and ${type}`;
    }
    this.#type = type;
  }

  #takeTime(times: Float64Array, now: number, signal: number, physical: number): void {
    const slot = this.#count % remembered;
    const mate = this.#mateOf(times, now);
    const before = (this.#count - 1) % remembered;
    times[slot] = now;
    this.#channels.forEach((each, index) => {
      const at = index === 0 ? signal : physical;
      each.history[slot] = at;
      if (mate === undefined || mate === before) return;
      const toBefore = Math.abs(at - (each.history[before] as number));
      const toMate = Math.abs(at - (each.history[mate] as number));
      if (!Number.isFinite(toBefore) || !Number.isFinite(toMate)) return;
      each.pairs++;
      each.before += toBefore;
      each.interval += toMate;
    });
    this.#count++;
    this.#blockFrames++;
    if (now - this.#blockStart >= blockIntervals * this.#interval) this.#judge(now);
  }

  /** Slot of the frame of one interval ago. */
  #mateOf(times: Float64Array, now: number): number | undefined {
    const wanted = now - this.#interval;
    let best: number | undefined;
    let distance = tolerance * this.#interval;
    for (let slot = 0; slot < Math.min(this.#count, remembered); slot++) {
      const off = Math.abs((times[slot] as number) - wanted);
      if (off > distance) continue;
      distance = off;
      best = slot;
    }
    return best;
  }

  #judge(now: number): void {
    const rate = (this.#blockFrames * this.#interval) / (now - this.#blockStart);
    const apart =
      rate > mostRate
        ? undefined
        : this.#channels.find(
            ({ pairs, before, interval, least }) =>
              pairs >= leastPairs && before >= least * pairs && interval < nearer * before,
          );
    if (apart === undefined) {
      this.#found = 0;
      if (++this.#notFound >= blocksNeeded) this.#byGroups = false;
    } else {
      this.#notFound = 0;
      if (++this.#found >= blocksNeeded) {
        this.#byGroups = true;
        this.#groups = `${rate.toFixed(1)} frames in an interval, in groups by ${apart.words}`;
      }
    }
    this.#startBlock(now);
  }

  #restart(now: number): void {
    this.#count = 0;
    this.#found = 0;
    this.#startBlock(now);
  }

  #startBlock(now: number): void {
    this.#blockStart = now;
    this.#blockFrames = 0;
    for (const each of this.#channels) {
      each.pairs = 0;
      each.before = 0;
      each.interval = 0;
    }
  }
}

function channel(least: number, words: string): Channel {
  return { history: new Float64Array(remembered), least, words, pairs: 0, before: 0, interval: 0 };
}

/** Decibels; of a GW1, half a percent of link quality for one. NaN where there is none. */
function signalOf(quality: Quality): number {
  switch (quality.kind) {
    case 'radio':
      return rssiDecibels(quality.rssi);
    case 'lqi':
      return quality.percent / 2;
    case 'none':
      return Number.NaN;
  }
}
