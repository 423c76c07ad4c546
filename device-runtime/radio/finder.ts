import type { Log } from '@loadline/sdk/platform';
import type { Clock } from '../clock/index.ts';
import type { PortConfig } from '../config/index.ts';
import { byIdLinkOf, type Candidate, candidatesOf } from './candidates.ts';

export interface FinderOptions {
  readonly port: PortConfig;
  /** The devices that a path leads to. */
  readonly find: (path: string) => Candidate[] | Promise<Candidate[]>;
  /** Where udev keeps links by id. */
  readonly byIdFolder: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** Which devices may be a port's: those its path leads to, the one it had last under whatever name, none refused lately. */
export class Finder {
  readonly #options: FinderOptions;
  /** Appearances of devices that were refused, and until when (monotonic milliseconds). */
  readonly #refusals = new Map<string, number>();
  /** The link by id of the device that was open last. */
  #alias: string | undefined;

  constructor(options: FinderOptions) {
    this.#options = options;
  }

  /** The device that was open last comes first: by its id it is the same under any name. */
  async candidates(): Promise<Candidate[]> {
    const { find, port } = this.#options;
    const named = await find(port.path);
    const last = this.#alias === undefined ? [] : candidatesOf(this.#alias);
    return [...last, ...named.filter(({ device }) => device !== last[0]?.device)];
  }

  isRefused({ appearance }: Candidate): boolean {
    return (this.#refusals.get(appearance) ?? 0) > this.#options.clock.monotonic();
  }

  /** Leaves this appearance of a device alone for a while. One that was replugged is another. */
  refuse({ appearance }: Candidate, milliseconds: number): void {
    const now = this.#options.clock.monotonic();
    for (const [each, until] of this.#refusals) if (until <= now) this.#refusals.delete(each);
    this.#refusals.set(appearance, now + milliseconds);
  }

  /** This device is the port's. Where the path says a number that may be another's tomorrow, its id is remembered. */
  recognised({ device }: Candidate): void {
    const { port, byIdFolder, log } = this.#options;
    if (port.path.includes('*') || port.path.startsWith(byIdFolder)) return;
    const alias = byIdLinkOf(device, byIdFolder);
    if (alias !== undefined && alias !== this.#alias) {
      log.info('port-advice', {
        port: port.name,
        advice: `ports.path should be ${alias}: ${port.path} may be another device after a restart`,
      });
    }
    this.#alias = alias;
  }
}
