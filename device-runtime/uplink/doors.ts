import type { Link } from './link.ts';

/** The ports of the cloud, in the order to try them. */
export class Doors {
  readonly #ports: readonly number[];
  #first = 0;

  /** @param fallback another port of the same door, where firewalls close the first */
  constructor(port: number, fallback: number | undefined) {
    this.#ports = fallback === undefined || fallback === port ? [port] : [port, fallback];
  }

  /**
   * Tries each port once, first the one that answered last: where a firewall drops what goes to the other, each
   * attempt on that would cost ten seconds.
   *
   * @throws Error with why each did not answer; what is no matter of ports, as it is
   */
  async connect(attempt: (port: number) => Promise<Link>, signal: AbortSignal): Promise<Link> {
    const reasons: string[] = [];
    for (let tried = 0; tried < this.#ports.length; tried++) {
      const index = (this.#first + tried) % this.#ports.length;
      try {
        const link = await attempt(this.#ports[index] as number);
        this.#first = index;
        return link;
      } catch (error) {
        signal.throwIfAborted();
        reasons.push((error as Error).message);
      }
    }
    throw new Error([...new Set(reasons)].join('; '));
  }
}
