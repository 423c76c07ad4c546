import type { EventCode } from '@loadline/sdk/contract';
import type { Log } from '@loadline/sdk/platform';
import type { Reading } from '@loadline/sdk/telemetry';
import type { GatewayFacts } from './protocol.ts';
import { ControlServer } from './server.ts';
import { type NameOf, shown } from './shown.ts';
import { Standing } from './standing.ts';

export interface LocalControlOptions {
  /** `control.socket` of the configuration. */
  readonly path: string;
  readonly nameOf: NameOf;
  /** Milliseconds of the monotonic clock. */
  readonly monotonic: () => number;
  readonly facts: () => GatewayFacts;
  readonly log: Log;
}

/** Series whose last reading is remembered; the one first heard goes first. */
const maxSeries = 8192;

/**
 * What the gateway shows to the people beside it. It takes note of readings and events from the first on, whether or
 * not its socket is open.
 */
export class LocalControl {
  readonly #options: LocalControlOptions;
  readonly #latest = new Map<string, Reading>();
  readonly #standing = new Standing();
  #server: ControlServer | undefined;

  constructor(options: LocalControlOptions) {
    this.#options = options;
  }

  /** Opens the socket. @throws ControlError where it cannot be; the gateway is none the worse for it. */
  async open(): Promise<void> {
    const { path, log, monotonic, nameOf, facts } = this.#options;
    this.#server = await ControlServer.open({
      path,
      log,
      status: () => {
        const now = monotonic();
        return {
          ...facts(),
          series: [...this.#latest.values()].map((reading) => shown(reading, nameOf, now)),
          standing: this.#standing.list(now),
        };
      },
    });
  }

  /** A reading was bound. */
  reading(reading: Reading): void {
    const key = `${reading.tag} ${reading.aspect}`;
    this.#latest.set(key, reading);
    if (this.#latest.size > maxSeries) {
      const [oldest] = this.#latest.keys();
      this.#latest.delete(oldest as string);
    }
    const { nameOf, monotonic } = this.#options;
    if (this.#server?.isFollowed) this.#server.show(shown(reading, nameOf, monotonic()));
  }

  /** Something happened. */
  event(event: { readonly code: EventCode; readonly subject: string; readonly detail: string }): void {
    this.#standing.note(event, this.#options.monotonic());
  }

  /** Another configuration is in force; see `Standing.configured`. */
  configured(ports: Parameters<Standing['configured']>[0]): void {
    this.#standing.configured(ports);
  }

  async close(): Promise<void> {
    await this.#server?.close();
    this.#server = undefined;
  }
}
