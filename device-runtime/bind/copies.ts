import type { Value } from '@loadline/sdk/t24';
import type { Reading } from '@loadline/sdk/telemetry';

/** A reading that may yet be heard again, and who has delivered it so far. */
interface Original {
  readonly reading: Reading;
  readonly sources: string[];
}

function sameValue(one: Value, other: Value): boolean {
  if (one.type !== other.type) return false;
  if (one.type === 'none') return true;
  if (one.type === 'nonFinite') return one.bits === (other as typeof one).bits;
  if (one.type === 'binary') return Buffer.compare(one.value, (other as typeof one).value) === 0;
  return Object.is(one.value, (other as typeof one).value);
}

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

  /** @param window milliseconds; 0 recognises nothing */
  constructor(window: number) {
    this.#window = window;
  }

  /** Whether this reading is a copy; if it is not, it is the original of copies to come. */
  isCopy(reading: Reading): boolean {
    if (this.#window === 0) return false;
    const source = `${reading.base}@${reading.port}`;
    const recent = (this.#originals.get(reading.tag) ?? []).filter(
      (original) => reading.monotonic - original.reading.monotonic <= this.#window,
    );
    const original = recent.find(
      ({ reading: first, sources }) =>
        !sources.includes(source) &&
        first.status === reading.status &&
        first.flags === reading.flags &&
        sameValue(first.value, reading.value),
    );
    if (original === undefined) recent.push({ reading, sources: [source] });
    else original.sources.push(source);
    this.#originals.set(reading.tag, recent);
    return original !== undefined;
  }
}
