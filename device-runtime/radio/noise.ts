/** Milliseconds of one slot, and how many are looked at together. */
const slotMilliseconds = 60_000;
const slotCount = 3;
/** Fewer bytes than these are no noise worth a word: an adapter being plugged in sends some. */
const leastBytes = 256;

/** What has just become of a line: `bad` of `all` bytes of the last minutes, or of the last one, were no frames. */
export interface NoiseVerdict {
  readonly kind: 'noisy' | 'clear';
  readonly bad: number;
  readonly all: number;
}

interface Slot {
  readonly number: number;
  good: number;
  bad: number;
}

/**
 * Judges a line by the last minutes: noisy when most of its bytes were no frames. It says so once, at the end of a
 * minute, and again only after a minute in which most were. Time is passed in.
 */
export class NoiseMeter {
  #slots: Slot[] = [];
  #isNoisy = false;

  get isNoisy(): boolean {
    return this.#isNoisy;
  }

  /**
   * Takes note of bytes at `at` (monotonic milliseconds).
   *
   * @returns what the line has just become, if that is another thing than it was
   */
  add(at: number, good: number, bad: number): NoiseVerdict | undefined {
    const number = Math.floor(at / slotMilliseconds);
    let slot = this.#slots.at(-1);
    let verdict: NoiseVerdict | undefined;
    if (slot === undefined || slot.number !== number) {
      verdict = this.#judge(number);
      slot = { number, good: 0, bad: 0 };
      this.#slots.push(slot);
    }
    slot.good += good;
    slot.bad += bad;
    return verdict;
  }

  #judge(now: number): NoiseVerdict | undefined {
    this.#slots = this.#slots.filter(({ number }) => now - number <= slotCount);
    const bad = this.#slots.reduce((sum, slot) => sum + slot.bad, 0);
    const all = this.#slots.reduce((sum, slot) => sum + slot.good + slot.bad, 0);
    const last = this.#slots.at(-1);
    if (this.#isNoisy) {
      if (last === undefined || last.bad * 2 > last.good + last.bad) return undefined;
      this.#isNoisy = false;
      return { kind: 'clear', bad: last.bad, all: last.good + last.bad };
    }
    this.#isNoisy = all >= leastBytes && bad * 2 > all;
    return this.#isNoisy ? { kind: 'noisy', bad, all } : undefined;
  }
}
