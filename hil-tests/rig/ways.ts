import type { Heard } from '@loadline/sdk/t24';
import type { Receiver } from './base-station.ts';
import { inRange } from './errors.ts';
import { Link, type People, pathLoss, sentDecibels } from './link.ts';
import { madeOnce } from './made-once.ts';
import { SeededRandom } from './random.ts';
import type { VirtualTransmitter } from './transmitters/index.ts';

/** Where something stands, in metres. */
export interface Place {
  readonly x: number;
  readonly y: number;
}

/** Something in the way. Without `from` or `to` it is in the way of all of them. */
export interface Obstacle {
  /** What it takes off, in dB: a brick wall some 8, a lorry some 20. */
  readonly decibels: number;
  readonly from?: VirtualTransmitter;
  /** A base station; or a transmitter, from which it hides `from`. */
  readonly to?: Receiver | VirtualTransmitter;
}

/** What can be placed. */
export type Thing = Receiver | VirtualTransmitter;

/** What the ways are made of. */
interface WaysOptions {
  /** How fast strength falls with distance. */
  readonly exponent: number;
  readonly people: People | undefined;
  /** Each way draws from numbers of its own, whose seed is drawn here. */
  readonly random: SeededRandom;
}

/**
 * The ways between transmitters and receivers: where everything stands, what is in the way, and so how strongly each hears
 * each. What has not been placed stands 4 m from everything else.
 */
export class Ways {
  readonly #exponent: number;
  readonly #people: People | undefined;
  readonly #random: SeededRandom;
  readonly #places = new Map<Thing, Place>();
  readonly #obstacles = new Set<Obstacle>();
  readonly #links = new Map<VirtualTransmitter, Map<Receiver, Link>>();

  constructor({ exponent, people, random }: WaysOptions) {
    this.#exponent = inRange('exponent', exponent, 0, 10);
    if (people !== undefined) {
      inRange('people.everyMs', people.everyMs, 1, Number.MAX_SAFE_INTEGER);
      inRange('people.forMs', people.forMs, 1, Number.MAX_SAFE_INTEGER);
      inRange('people.decibels', people.decibels ?? 12, 0, 200);
    }
    this.#people = people;
    this.#random = random;
  }

  place(what: Thing, { x, y }: Place): void {
    this.#places.set(what, {
      x: inRange('x', x, -1_000_000, 1_000_000),
      y: inRange('y', y, -1_000_000, 1_000_000),
    });
  }

  /** Returns a function that takes the obstacle away. */
  obstruct(obstacle: Obstacle): () => void {
    inRange('decibels', obstacle.decibels, 0, 200);
    const own = { ...obstacle };
    this.#obstacles.add(own);
    return () => this.#obstacles.delete(own);
  }

  /** In dB, how strongly a receiver hears what a transmitter sent, at a moment. */
  strength(transmitter: VirtualTransmitter, receiver: Receiver, sent: Heard, at: number): number {
    const loss = this.fixedLoss(transmitter, receiver) + this.#linkOf(transmitter, receiver, at).loss(at);
    return sentDecibels(sent) - loss;
  }

  /** What the distance and obstacles take off, in dB. */
  fixedLoss(from: Thing, to: Thing): number {
    const [here, there] = [this.#places.get(from), this.#places.get(to)];
    let loss =
      here === undefined || there === undefined
        ? 0
        : pathLoss(Math.hypot(here.x - there.x, here.y - there.y), this.#exponent);
    for (const obstacle of this.#obstacles) {
      if (isBetween(obstacle, from, to) || isBetween(obstacle, to, from)) loss += obstacle.decibels;
    }
    return loss;
  }

  #linkOf(transmitter: VirtualTransmitter, receiver: Receiver, at: number): Link {
    const links = madeOnce(this.#links, transmitter, () => new Map<Receiver, Link>());
    // Random numbers of its own, so that what a way does does not hang on how often others are asked.
    const random = () => new SeededRandom(this.#random.integer(0, 0x7fffffff));
    return madeOnce(links, receiver, () => new Link(random(), at, this.#people));
  }
}

/** Whether an obstacle is in the way from one to the other. */
function isBetween({ from, to }: Obstacle, one: Thing, other: Thing): boolean {
  return (from === undefined || from === one) && (to === undefined || to === other);
}
