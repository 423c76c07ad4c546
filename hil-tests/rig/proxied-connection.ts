import { Socket } from 'node:net';
import type { Clock } from './clock.ts';
import { FaultyStream, type SharedWay, type StreamFaults } from './faulty-stream.ts';
import type { SeededRandom } from './random.ts';

/** Where a proxy leads to. */
export interface ProxyTarget {
  /** Default: 127.0.0.1. */
  readonly host?: string;
  readonly port: number;
  /** The address of this machine that its connections come from. Default: what the system chooses. */
  readonly localAddress?: string;
}

/** The world of a connection through a proxy. */
export interface ConnectionWorld {
  /** Where it leads to, asked when it is led on. */
  readonly target: () => ProxyTarget;
  readonly faults: () => StreamFaults;
  readonly ways: { readonly toTarget: SharedWay; readonly toClient: SharedWay };
  readonly clock: Clock;
  /** What is drawn for its segments. */
  readonly lots: { readonly toTarget: SeededRandom; readonly toClient: SeededRandom };
  /** The share of `spreadMs`, 0..1, that is this connection's. */
  readonly share: number;
  /** Called for each segment that is delayed as lost. */
  readonly lost: () => void;
  /** Called with the number of bytes handed on, each way. */
  readonly deliveredToTarget: (count: number) => void;
  readonly deliveredToClient: (count: number) => void;
  /** Called when the target cannot be reached. */
  readonly targetFailed: () => void;
}

/** A client's connection and the one that leads on from it, with what is on its way between them. */
export class ProxiedConnection {
  /** Resolves when both sides are gone. */
  readonly closed: Promise<void>;
  readonly #client: Socket;
  readonly #target = new Socket({ allowHalfOpen: true });
  readonly #toTarget: FaultyStream;
  readonly #toClient: FaultyStream;
  readonly #world: ConnectionWorld;
  #isLedOn = false;
  #isHalfOpen = false;

  constructor(client: Socket, world: ConnectionWorld) {
    this.#client = client;
    this.#world = world;
    const { ways, lots, deliveredToTarget, deliveredToClient } = world;
    const target = this.#target;
    this.#toTarget = new FaultyStream(client, target, {
      ...world,
      ...{ way: ways.toTarget, random: lots.toTarget, delivered: deliveredToTarget },
    });
    this.#toClient = new FaultyStream(target, client, {
      ...world,
      ...{ way: ways.toClient, random: lots.toClient, delivered: deliveredToClient },
    });
    let isConnected = false;
    target.once('connect', () => {
      isConnected = true;
    });
    target.on('error', () => {
      if (!isConnected) world.targetFailed();
    });
    this.#passOnErrors(client, target);
    this.#passOnErrors(target, client);
    this.closed = Promise.all([client, target].map(closing)).then(() => undefined);
  }

  /** Whether one side is gone without the other knowing. */
  get isHalfOpen(): boolean {
    return this.#isHalfOpen;
  }

  /** Bytes taken from either side and not handed on yet. */
  get heldBytes(): number {
    return this.#toTarget.heldBytes + this.#toClient.heldBytes;
  }

  /** Leads it on to the target, where that has not been done yet. */
  leadOn(): void {
    if (this.#isLedOn || this.#target.destroyed) return;
    this.#isLedOn = true;
    this.#target.connect({ host: '127.0.0.1', ...this.#world.target() });
    this.#target.setNoDelay(true);
    this.#toTarget.changed();
  }

  /** To be called when faults have changed: what was held may flow now, or must not. */
  changed(): void {
    this.#toTarget.changed();
    this.#toClient.changed();
  }

  /** Lets what is on its way arrive at once. */
  release(): void {
    this.leadOn();
    this.#toTarget.release();
    this.#toClient.release();
  }

  /** From now on everything is taken and nothing handed on, and no side hears of the other's end. For good. */
  halfOpen(): void {
    this.#isHalfOpen = true;
    this.#toTarget.swallow();
    this.#toClient.swallow();
  }

  /** Resets both sides. */
  reset(): void {
    this.#toClient.stop();
    this.#toTarget.stop();
    cut(this.#client);
    cut(this.#target);
  }

  /** A side that fails takes the other with it, unless the other is not to know. */
  #passOnErrors(from: Socket, to: Socket): void {
    from.on('error', () => {
      if (!this.#isHalfOpen) cut(to);
    });
  }
}

/** Sends an RST, where there is a connection to reset. */
function cut(socket: Socket): void {
  if (socket.destroyed) return;
  if (socket.pending) socket.destroy();
  // While libuv shuts a socket down it refuses to reset it, and Node 24 then never closes it: the descriptor stays, 'close'
  // never comes, and the process turns round for ever when it should exit.
  else if (isShuttingDown(socket)) socket.once('finish', () => cut(socket));
  else socket.resetAndDestroy();
}

/** All of it is handed on, and the end is on its way to the kernel: there within a turn of the event loop. */
function isShuttingDown({ writableEnded, writableLength, writableFinished }: Socket): boolean {
  return writableEnded && writableLength === 0 && !writableFinished;
}

function closing(socket: Socket): Promise<void> {
  return new Promise((resolve) => (socket.closed ? resolve() : socket.once('close', () => resolve())));
}
