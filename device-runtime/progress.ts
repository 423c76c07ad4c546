/** Latencies kept of one second; more are not needed to know its percentiles. */
const maxSamples = 65_536;

/** How long readings took from their frame's last byte to their acknowledgement, a second at a time. */
export class Latencies {
  #samples: number[] = [];

  /** Readings that were heard at `times` were acknowledged at `now` (monotonic milliseconds). */
  acknowledged(times: Float64Array, now: number): void {
    for (const time of times.subarray(0, maxSamples - this.#samples.length)) this.#samples.push(now - time);
  }

  /** Median and 99th percentile since the last call, in milliseconds; null where nothing was acknowledged. */
  take(): { p50: number | null; p99: number | null } {
    const sorted = Float64Array.from(this.#samples).sort();
    this.#samples = [];
    const at = (share: number): number | null => {
      const value = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
      return value === undefined ? null : Math.round(value * 10) / 10;
    };
    return { p50: at(0.5), p99: at(0.99) };
  }
}
