import type { Reading } from '@loadline/sdk/telemetry';
import { sameValue } from './same-value.ts';

/** A reading that may yet be heard again, and who has delivered it so far. */
interface Original {
  readonly reading: Reading;
  readonly sources: number[];
}

/** Originals of one tag that are remembered; the oldest goes first. At 200 frames a second, 1.3 s. */
const maxOriginals = 256;

/**
 * Recognises what several base stations heard of one transmission.
 *
 * A stated heuristic, because T24 has no sequence number: a frame is a copy if another (port, base address)
 * delivered one with the same tag, value, flags and status within the window, and every other base station
 * delivers one copy of it at most. Frames of one base station are never copies of each other: transmitters do
 * repeat themselves.
 */
export class Copies {
  readonly #window: number;
  readonly #originals = new Map<number, Original[]>();
  /** Which number stands for a port and base address. */
  readonly #ports = new Map<string, number>();
  #sweptAt = Number.NEGATIVE_INFINITY;

  /** @param window milliseconds; 0 recognises nothing */
  constructor(window: number) {
    this.#window = window;
  }

  /** Tags of which something is remembered: those heard within two windows, whatever noise brings. */
  get tags(): number {
    return this.#originals.size;
  }

  /** Whether this reading is a copy; if it is not, it is the original of copies to come. */
  isCopy(reading: Reading): boolean {
    if (this.#window === 0) return false;
    const source = this.#source(reading);
    this.#sweep(reading.monotonic);
    let recent = this.#originals.get(reading.tag);
    if (recent === undefined) {
      recent = [];
      this.#originals.set(reading.tag, recent);
    }
    const oldest = reading.monotonic - this.#window;
    while (recent[0] !== undefined && recent[0].reading.monotonic < oldest) recent.shift();
    for (const { reading: first, sources } of recent) {
      if (
        first.status === reading.status &&
        first.flags === reading.flags &&
        sameValue(first.value, reading.value) &&
        !sources.includes(source)
      ) {
        sources.push(source);
        return true;
      }
    }
    if (recent.length === maxOriginals) recent.shift();
    recent.push({ reading, sources: [source] });
    return false;
  }

  #source({ port, base }: Reading): number {
    let number = this.#ports.get(port);
    if (number === undefined) {
      number = this.#ports.size;
      this.#ports.set(port, number);
    }
    // A base address is one byte.
    return number * 256 + base;
  }

  /** Forgets tags that have not been heard for a window: noise brings ever new ones. */
  #sweep(now: number): void {
    if (now - this.#sweptAt <= this.#window) return;
    this.#sweptAt = now;
    for (const [tag, originals] of this.#originals) {
      const newest = originals.at(-1);
      if (newest === undefined || now - newest.reading.monotonic > this.#window) this.#originals.delete(tag);
    }
  }
}
