import type { Server, Socket } from 'node:net';
import { sourceOf } from '../guard/index.ts';
import { addressList } from './addresses.ts';
import { Bucket } from './bucket.ts';
import type { FleetLimits } from './settings.ts';

/** Addresses whose recent connections are remembered: beyond them those that have none open are forgotten. */
const mostPlaces = 20_000;

interface Place {
  open: number;
  readonly recent: Bucket | undefined;
}

/**
 * Which connections are taken at all: counted for all doors together, before a byte is read and before TLS costs anything.
 * What is too much is closed without a word; there is nobody yet who could be told.
 */
export class Arrivals {
  readonly #limits: Pick<FleetLimits, 'address' | 'cloud'>;
  readonly #monotonic: () => number;
  readonly #exempt: (address: string) => boolean;
  readonly #places = new Map<string, Place>();
  readonly #known = new WeakSet<Socket>();
  readonly #recent: Bucket;
  #open = 0;
  #refused = 0;

  /** `monotonic`: ms. */
  constructor({
    limits,
    monotonic,
  }: { limits: Pick<FleetLimits, 'address' | 'cloud'>; monotonic: () => number }) {
    this.#limits = limits;
    this.#monotonic = monotonic;
    this.#exempt = addressList(limits.address.exempt);
    const { connectionsPerSecond: rate } = limits.cloud;
    this.#recent = new Bucket(rate, rate, monotonic());
  }

  /** Connections that are open now, and how many were not taken. */
  get counts(): { readonly open: number; readonly refused: number } {
    return { open: this.#open, refused: this.#refused };
  }

  /** Stands before whatever a server does with its connections. To be called once all that listens for them is there. */
  guard(server: Server): void {
    const listeners = server.listeners('connection') as ((this: Server, socket: Socket) => void)[];
    server.removeAllListeners('connection');
    server.on('connection', (socket: Socket) => {
      if (this.admit(socket)) for (const listener of listeners) listener.call(server, socket);
    });
  }

  /** Takes a connection, or closes it. One that came in by another door, and was counted there, is not counted again. */
  admit(socket: Socket): boolean {
    if (this.#known.has(socket)) return true;
    const now = this.#monotonic();
    const { remoteAddress = '' } = socket;
    const place = this.#exempt(remoteAddress) ? undefined : this.#place(sourceOf(remoteAddress).place);
    if (!this.#mayCome(place, now)) {
      this.#refused += 1;
      socket.destroy();
      return false;
    }
    this.#known.add(socket);
    this.#open += 1;
    this.#recent.take(1, now);
    if (place !== undefined) {
      place.open += 1;
      place.recent?.take(1, now);
    }
    socket.once('close', () => {
      this.#open -= 1;
      if (place !== undefined) place.open -= 1;
    });
    return true;
  }

  #mayCome(place: Place | undefined, now: number): boolean {
    if (this.#open >= this.#limits.cloud.connections || this.#recent.wait(now) > 0) return false;
    if (place === undefined) return true;
    const { connections } = this.#limits.address;
    if (connections !== null && connections !== undefined && place.open >= connections) return false;
    return place.recent === undefined || place.recent.wait(now) === 0;
  }

  #place(name: string): Place {
    const known = this.#places.get(name);
    if (known !== undefined) return known;
    if (this.#places.size >= mostPlaces) this.#forget();
    const perMinute = this.#limits.address.connectionsPerMinute;
    const recent =
      perMinute === null || perMinute === undefined
        ? undefined
        : new Bucket(perMinute / 60, perMinute, this.#monotonic());
    const place = { open: 0, recent };
    this.#places.set(name, place);
    return place;
  }

  /** The oldest half of those that have nothing open. */
  #forget(): void {
    let left = mostPlaces / 2;
    for (const [name, { open }] of this.#places) {
      if (open > 0) continue;
      this.#places.delete(name);
      left -= 1;
      if (left <= 0) return;
    }
  }
}
