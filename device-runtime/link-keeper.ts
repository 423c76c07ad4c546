import type { DownChannel, UpChannel } from '@loadline/sdk/contract';
import { noticeMessage } from '@loadline/sdk/contract';
import type { Entry } from '@loadline/sdk/telemetry';
import type { Time } from './clock/index.ts';
import type { Config } from './config/index.ts';
import type { Identity, Refusals } from './identity/index.ts';
import type { Journal } from './journal/index.ts';
import { Repeats } from './repeats.ts';
import {
  connectLink,
  type Delivered,
  type Disconnect,
  Doors,
  type Link,
  LinkRefused,
  Uplink,
} from './uplink/index.ts';
import type { World } from './world.ts';

export interface LinkKeeperOptions {
  readonly world: World;
  readonly journal: Journal;
  readonly gatewayId: string;
  /** The authorities that are believed now, PEM. */
  readonly authorityPem: () => string;
  readonly time: () => Time;
  readonly onConnected: (identity: Identity) => void;
  readonly onDisconnected: () => void;
  /** Readings that were heard at these times (monotonic milliseconds) are committed. */
  readonly onAcknowledged: (times: Float64Array, first: Delivered | undefined) => void;
  /** The cloud has acknowledged something that is no reading. */
  readonly onAnswered: () => void;
  /** The cloud says that another process has this identity; or, after that, it takes readings of this one again. */
  readonly onContest: (event: 'identity-contested' | 'identity-admitted', detail: string) => void;
  readonly onMessage: (channel: Exclude<DownChannel, 'notice'>, payload: Uint8Array) => void;
}

type Notice = { readonly code: string; readonly detail: string };

const disconnectsKept = 5;

/**
 * The one uplink there is at a time, made anew for each configuration; and what all of them together have counted.
 */
export class LinkKeeper {
  readonly #options: LinkKeeperOptions;
  /** Of every link: whoever closes each new one at once says so each time. */
  readonly #notices = new Repeats<Notice>((notice, times) =>
    this.#options.world.log.warn('notice', { ...notice, ...(times > 1 && { times }) }),
  );
  #uplink: Uplink | undefined;
  /** What the next connection is made with, and what the last one was. */
  #identity: Identity | undefined;
  #linked: Identity | undefined;
  #refusals: Refusals = { said: 0, all: 0 };
  #ended = 0;
  #contested = false;
  #past: { readonly connections: number; readonly disconnects: readonly Disconnect[] } = {
    connections: 0,
    disconnects: [],
  };

  constructor(options: LinkKeeperOptions) {
    this.#options = options;
  }

  get isConnected(): boolean {
    return this.#uplink?.isConnected ?? false;
  }

  /** Entries published and not yet acknowledged. */
  get inFlight(): number {
    return this.#uplink?.inFlight ?? 0;
  }

  get connections(): number {
    return this.#past.connections + (this.#uplink?.connections ?? 0);
  }

  /** Why the last links, or attempts at one, ended; the newest first. */
  get disconnects(): readonly Disconnect[] {
    return [...(this.#uplink?.disconnects ?? []), ...this.#past.disconnects].slice(0, disconnectsKept);
  }

  /** Links, and attempts at one, that have ended. */
  get ended(): number {
    return this.#ended;
  }

  /** Links in a row, with the identity in use, that a cloud that was believed has refused. */
  get refusals(): Refusals {
    return this.#refusals;
  }

  get windowBytes(): number {
    return this.#uplink?.windowBytes ?? 0;
  }

  get roundTripMs(): number | null {
    return this.#uplink?.roundTripMs ?? null;
  }

  /** Begins to connect as a configuration says; an earlier uplink must have been stopped. */
  start({ uplink }: Config, identity: Identity): void {
    const { world, journal, onConnected, onDisconnected, onAcknowledged } = this.#options;
    const { clock, log, random } = world;
    const doors = new Doors(uplink.port, uplink.fallback_port);
    this.#identity = identity;
    this.#uplink = new Uplink({
      journal,
      clock,
      log,
      random,
      windowBytes: uplink.window_bytes,
      maxDelay: uplink.max_delay_ms,
      connect: (signal) => doors.connect((port) => this.#connect(uplink, port, signal), signal),
      onConnected: () => onConnected(this.#linked as Identity),
      onDisconnected: (reason, notice) => {
        this.#ended++;
        if (notice === 'identity-contested') this.#contest('identity-contested', reason);
        onDisconnected();
      },
      onAcknowledged: (times, first) => {
        this.#contest('identity-admitted', '');
        onAcknowledged(times, first);
      },
    });
    this.#uplink.start();
  }

  /** Goes on with another identity, over one new connection, once nothing is in flight on the one that stands. */
  takeOver(identity: Identity): void {
    this.#identity = identity;
    this.#refusals = { said: 0, all: 0 };
    this.#uplink?.renew();
  }

  appended(entry: Entry): void {
    this.#uplink?.appended(entry);
  }

  /** Resolves to whether the cloud has acknowledged it (`clock`: whether it was sent). */
  async publish(channel: UpChannel, payload: string): Promise<boolean> {
    const done = (await this.#uplink?.publish(channel, payload)) ?? false;
    if (done && channel !== 'clock') this.#options.onAnswered();
    return done;
  }

  /** Sends what is held without further delay, and waits until all of it is acknowledged, or `limit` ms. */
  async drain(limit: number): Promise<void> {
    await this.#uplink?.drain(limit);
  }

  /** Closes the link and makes no other. */
  async stop(): Promise<void> {
    await this.#uplink?.stop();
    this.#notices.stop();
    this.#past = { connections: this.connections, disconnects: this.disconnects };
    this.#uplink = undefined;
  }

  /** Said once of each: how often it was tried meanwhile is in the log. */
  #contest(event: 'identity-contested' | 'identity-admitted', detail: string): void {
    const contested = event === 'identity-contested';
    if (this.#contested === contested) return;
    this.#contested = contested;
    this.#options.onContest(event, detail);
  }

  async #connect(uplink: Config['uplink'], port: number, signal: AbortSignal): Promise<Link> {
    const { world, journal, gatewayId, authorityPem, time, onMessage } = this.#options;
    const { clock, log } = world;
    const identity = this.#identity as Identity;
    const connecting = connectLink({
      host: uplink.host,
      port,
      proxy: uplink.proxy,
      gatewayId,
      epoch: journal.epoch,
      keepaliveSeconds: uplink.keepalive_seconds,
      authorityPem: authorityPem(),
      ...identity,
      time,
      monotonic: clock.monotonic,
      log,
      signal,
      onMessage: (channel, payload) => {
        if (channel !== 'notice') {
          onMessage(channel, payload);
          return;
        }
        const { code, detail } = noticeMessage.parse(JSON.parse(Buffer.from(payload).toString('utf8')));
        this.#notices.happened('notice', { code, detail });
      },
    });
    try {
      const link = await connecting;
      this.#linked = identity;
      this.#refusals = { said: 0, all: 0 };
      return link;
    } catch (error) {
      if (error instanceof LinkRefused && identity === this.#identity) {
        const { said, all } = this.#refusals;
        this.#refusals = { said: error.isSaid ? said + 1 : 0, all: all + 1 };
      }
      throw error;
    }
  }
}
