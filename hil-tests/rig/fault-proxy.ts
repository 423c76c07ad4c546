import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { type Clock, realClock } from './clock.ts';
import { inRange, RigError } from './errors.ts';
import type { SharedWay, StreamFaults } from './faulty-stream.ts';
import { ProxiedConnection, type ProxyTarget } from './proxied-connection.ts';
import { SeededRandom } from './random.ts';

/** Options of a fault proxy. */
export interface FaultProxyOptions {
  readonly target: ProxyTarget;
  /** Port on 127.0.0.1. Default: 0, one that is free. */
  readonly port?: number;
  /** Faults from the beginning. Default: none. */
  readonly faults?: Partial<Faults>;
  /**
   * Seed of everything that is drawn, for each connection and each way by itself: which of its segments are lost, their
   * jitter, its share of the spread. Default: 1.
   */
  readonly seed?: number;
  /** Default: the computer's own clock. */
  readonly clock?: Clock;
}

/** Faults that last until they are set otherwise. Each holds for both directions and for every connection. */
export interface Faults extends StreamFaults {
  /**
   * What meets new connections: they are accepted and led on, or refused as by a host on which nothing listens.
   * Default: `accept`.
   */
  readonly newConnections: 'accept' | 'refuse';
}

/** What a proxy has seen since it was opened. */
export interface ProxyCounts {
  /** Connections accepted, and of these those open now. */
  readonly accepted: number;
  readonly open: number;
  /** Connections that were accepted and found the target refusing or unreachable. */
  readonly targetFailed: number;
  /** Bytes handed to the target's kernel, and to the clients'. */
  readonly bytesToTarget: number;
  readonly bytesToClient: number;
  /** Bytes taken from either side and not handed on yet. */
  readonly bytesHeld: number;
  /** Segments that were delayed as if lost. */
  readonly lostSegments: number;
}

/** A network without a fault: what `clear` sets. */
export const noFaults: Faults = {
  latencyMs: 0,
  jitterMs: 0,
  spreadMs: 0,
  bytesPerSecond: undefined,
  loss: undefined,
  flow: 'forward',
  newConnections: 'accept',
};

/**
 * A small TCP proxy on 127.0.0.1 that makes a good network bad on purpose. Faults are set and taken back while it
 * runs. It works on the byte stream, above the kernel's TCP: what that means for each fault is said there.
 */
export class FaultProxy {
  #target: ProxyTarget;
  readonly #clock: Clock;
  /** Asked at each new connection, and at nothing else: the nth has the same lots, whatever became of the others. */
  readonly #random: SeededRandom;
  readonly #ways = { toTarget: { freeAt: 0 } as SharedWay, toClient: { freeAt: 0 } as SharedWay };
  readonly #server: Server;
  readonly #connections = new Set<ProxiedConnection>();
  #faults: Faults = noFaults;
  /** Listening or not as the faults say, one change after the other. */
  #heeding: Promise<void> = Promise.resolve();
  #port = 0;
  #closed = false;
  #accepted = 0;
  #targetFailed = 0;
  #bytesToTarget = 0;
  #bytesToClient = 0;
  #lostSegments = 0;

  private constructor(options: FaultProxyOptions) {
    const { target, clock = realClock, seed = 1 } = options;
    this.#target = target;
    this.#clock = clock;
    this.#random = new SeededRandom(seed);
    // Half-open allowed, so that an end of one side travels to the other in its turn and not by itself.
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => this.#accept(client));
  }

  /** Opens a proxy. Errors: RigError `proxy` if its port cannot be had, `option`. */
  static async open(options: FaultProxyOptions): Promise<FaultProxy> {
    const proxy = new FaultProxy(options);
    await proxy.#listen(options.port ?? 0);
    proxy.#port = (proxy.#server.address() as AddressInfo).port;
    if (options.faults !== undefined) await proxy.set(options.faults);
    return proxy;
  }

  /** The port on 127.0.0.1 that clients connect to; it stays the same while new connections are refused. */
  get port(): number {
    return this.#port;
  }

  /** The faults in force. */
  get faults(): Faults {
    return this.#faults;
  }

  get counts(): ProxyCounts {
    return {
      accepted: this.#accepted,
      open: this.#connections.size,
      targetFailed: this.#targetFailed,
      bytesToTarget: this.#bytesToTarget,
      bytesToClient: this.#bytesToClient,
      bytesHeld: [...this.#connections].reduce((sum, { heldBytes }) => sum + heldBytes, 0),
      lostSegments: this.#lostSegments,
    };
  }

  /**
   * Sets the faults that are named, and leaves the others. Resolves when they are in force, for what is sent from
   * then on; what is on its way already keeps its delay.
   */
  async set(faults: Partial<Faults>): Promise<void> {
    if (this.#closed) throw new RigError('closed', `fault proxy on port ${this.#port} has been closed`);
    const next = checked({ ...this.#faults, ...faults });
    this.#faults = next;
    for (const connection of this.#connections) connection.changed();
    const heeding = this.#heeding.then(() => this.#heed());
    this.#heeding = heeding.catch(() => undefined);
    await heeding;
  }

  /**
   * Takes all faults back. What was only held or late arrives at once. Connections that were made half-open cannot heal, since
   * bytes of theirs are gone: they are reset, as by a peer that comes back and knows nothing of them.
   */
  async clear(): Promise<void> {
    for (const connection of this.#connections) if (connection.isHalfOpen) connection.reset();
    await this.set(noFaults);
    for (const way of Object.values(this.#ways)) way.freeAt = 0;
    for (const connection of this.#connections) connection.release();
  }

  /** Leads new connections elsewhere from now on; open ones stay where they are. */
  leadTo(target: ProxyTarget): void {
    this.#target = target;
  }

  /** Resets every open connection, both sides (TCP RST). New ones are met as before. */
  reset(): void {
    for (const connection of this.#connections) connection.reset();
  }

  /**
   * Makes every open connection half-open: one side is gone, and the other is not told. Nothing is forwarded any
   * more; what the side that is left sends is accepted and vanishes; the end of the other does not reach it. (On a
   * real network its kernel would retransmit for minutes; to a program both look the same.) New connections are met
   * as before. Lasts until `clear` or `reset`.
   */
  halfOpen(): void {
    for (const connection of this.#connections) connection.halfOpen();
  }

  /** Resets what is open and stops listening. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const gone = [...this.#connections].map((connection) => connection.closed);
    this.#stopListening();
    this.reset();
    await Promise.all([...gone, this.#heeding]);
    // It may just have been about to listen again.
    this.#stopListening();
  }

  /** So that `await using` closes it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #accept(client: Socket): void {
    this.#accepted += 1;
    const share = this.#random.uniform();
    const lots = () => new SeededRandom(this.#random.integer(0, 0x7fffffff));
    const connection = new ProxiedConnection(client, {
      target: () => this.#target,
      faults: () => this.#faults,
      ways: this.#ways,
      clock: this.#clock,
      lots: { toTarget: lots(), toClient: lots() },
      share,
      lost: () => {
        this.#lostSegments += 1;
      },
      deliveredToTarget: (count) => {
        this.#bytesToTarget += count;
      },
      deliveredToClient: (count) => {
        this.#bytesToClient += count;
      },
      targetFailed: () => {
        this.#targetFailed += 1;
      },
    });
    this.#connections.add(connection);
    void connection.closed.then(() => this.#connections.delete(connection));
    const turn = share * this.#faults.spreadMs;
    if (turn === 0) connection.leadOn();
    else this.#clock.after(turn, () => connection.leadOn());
  }

  /** Refusing is done by not listening: the kernel then answers as it does for a host without a server. */
  async #heed(): Promise<void> {
    if (this.#closed || this.#faults.newConnections === 'refuse') this.#stopListening();
    else if (!this.#server.listening) await this.#listen(this.#port);
  }

  async #listen(port: number): Promise<void> {
    this.#server.listen(port, '127.0.0.1');
    try {
      await once(this.#server, 'listening');
    } catch (error) {
      throw new RigError('proxy', `cannot listen on 127.0.0.1:${port}: ${String(error)}`, { cause: error });
    }
  }

  #stopListening(): void {
    // Its callback would wait for the open connections; the port itself is given up at once.
    if (this.#server.listening) this.#server.close();
  }
}

function checked(faults: Faults): Faults {
  for (const name of ['latencyMs', 'jitterMs', 'spreadMs'] as const) {
    inRange(name, faults[name], 0, 3_600_000);
  }
  if (faults.bytesPerSecond !== undefined) inRange('bytesPerSecond', faults.bytesPerSecond, 1, 1e12);
  if (faults.loss !== undefined) {
    inRange('loss.rate', faults.loss.rate, 0, 0.9);
    inRange('loss.retransmitMs', faults.loss.retransmitMs ?? 0, 0, 3_600_000);
  }
  return faults;
}
