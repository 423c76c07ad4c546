/** Tags under observation at a time. Noise and neighbours must not make the list grow; the oldest goes first. */
const maxCandidates = 1024;

/**
 * Which tags count as series. Configured ones always do. Any other must be heard repeatedly first, because the
 * CRC lets a little noise through and neighbours' transmitters are heard too; and only so many of them may.
 */
export class Sightings {
  readonly #configured: { has(tag: number): boolean };
  readonly #needed: number;
  readonly #maxSeries: number;
  readonly #candidates = new Map<number, number>();
  readonly #accepted = new Set<number>();

  constructor(options: {
    configured: { has(tag: number): boolean };
    sightings: number;
    maxSeries: number;
  }) {
    this.#configured = options.configured;
    this.#needed = options.sightings;
    this.#maxSeries = options.maxSeries;
  }

  /** Takes note of a frame with this tag, and says whether it counts. */
  counts(tag: number): boolean {
    if (this.#configured.has(tag) || this.#accepted.has(tag)) return true;
    if (this.#accepted.size >= this.#maxSeries) return false;
    const seen = (this.#candidates.get(tag) ?? 0) + 1;
    this.#candidates.delete(tag);
    if (seen >= this.#needed) {
      this.#accepted.add(tag);
      return true;
    }
    this.#candidates.set(tag, seen);
    if (this.#candidates.size > maxCandidates) {
      const [oldest] = this.#candidates.keys();
      this.#candidates.delete(oldest as number);
    }
    return false;
  }
}
