import { limits } from '@loadline/sdk/contract';
import { Problem } from '../problem.ts';

/** Seconds after which to try again where too much waits: most commits take a few milliseconds. */
const retrySeconds = 1;

/**
 * Bytes that have come and wait for their commit, bounded for each device and for all: requests may come on any number of
 * connections, and many on one before the first is answered.
 */
export class UnderWay {
  readonly #ofDevices = new Map<string, number>();
  #all = 0;

  /** Does something with so many bytes of a device; throws a `Problem` (503) where they are too many now. */
  async hold<T>(device: string, bytes: number, work: () => Promise<T>): Promise<T> {
    const own = (this.#ofDevices.get(device) ?? 0) + bytes;
    if (own > limits.httpsDeviceBytes || this.#all + bytes > limits.httpsPendingBytes) {
      throw new Problem(503, 'too-much-pending', 'send it again in a moment', retrySeconds);
    }
    this.#ofDevices.set(device, own);
    this.#all += bytes;
    try {
      return await work();
    } finally {
      const rest = (this.#ofDevices.get(device) ?? 0) - bytes;
      this.#all -= bytes;
      if (rest > 0) this.#ofDevices.set(device, rest);
      else this.#ofDevices.delete(device);
    }
  }
}
