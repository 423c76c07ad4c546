import type { Taken } from './inbox.ts';
import { Link, type LinkEvent } from './link.ts';

/** Numbers from 0 to below 1 that are the same for the same seed (mulberry32). */
export function drawn(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** So many drawn bytes. */
export function drawnBytes(draw: () => number, count: number): Uint8Array {
  return Uint8Array.from({ length: count }, () => Math.floor(draw() * 256));
}

/** What a line does to what is sent over it: probabilities for each piece of it. */
export interface LineFaults {
  readonly loss: number;
  readonly duplication: number;
  readonly corruption: number;
  readonly noise: number;
}

export interface SimulatedLineOptions {
  readonly seed: number;
  /** Bytes a millisecond in each direction. */
  readonly pace: number;
  /** Milliseconds on the way. */
  readonly latency: number;
  readonly faults: LineFaults;
  /** From then on the line does no harm. */
  readonly goodFrom: number;
  /** Times between which nothing comes through. */
  readonly cuts: readonly { readonly from: number; readonly until: number }[];
}

/** One end: the life of a process, and the program that uses its link. */
export interface End {
  readonly name: string;
  link: Link;
  /** Counts its processes. */
  life: number;
  /** Called with all that the link says; `take` gives out what came. */
  onEvents: (events: readonly LinkEvent[]) => void;
  onTaken: (taken: Taken) => void;
  /** Milliseconds from one take to the next: a slow program. */
  takeEvery: number;
}

interface Lane {
  /** Until then the sender's stream takes nothing more. */
  busyUntil: number;
  /** Pieces on their way. */
  readonly pieces: { readonly at: number; readonly bytes: Uint8Array }[];
}

const noTrouble: LineFaults = { loss: 0, duplication: 0, corruption: 0, noise: 0 };

/** Two links, the line between them, and the time, which goes as fast as it can. */
export class SimulatedLine {
  readonly ends: readonly [End, End];
  now = 0;
  readonly #options: SimulatedLineOptions;
  readonly #draw: () => number;
  readonly #lanes: readonly [Lane, Lane] = [
    { busyUntil: 0, pieces: [] },
    { busyUntil: 0, pieces: [] },
  ];
  readonly #takeAt: [number, number] = [0, 0];
  /** Bytes that were given to the line. */
  readonly sent: [number, number] = [0, 0];

  constructor(options: SimulatedLineOptions) {
    this.#options = options;
    this.#draw = drawn(options.seed);
    const end = (name: string, role: 'calls' | 'answers'): End => ({
      ...{ name, link: this.newLink(role), life: 0, takeEvery: 0 },
      ...{ onEvents: () => {}, onTaken: () => {} },
    });
    this.ends = [end('tool', 'calls'), end('gateway', 'answers')];
  }

  newLink(role: 'calls' | 'answers'): Link {
    const random = (count: number) => drawnBytes(this.#draw, count);
    return new Link({ role, capabilities: [role], random, now: this.now });
  }

  /** The process at one end is killed, and another one started. What was on its way still comes. */
  restart(side: 0 | 1): void {
    const end = this.ends[side];
    end.link = this.newLink(side === 0 ? 'calls' : 'answers');
    end.life += 1;
  }

  /** Lets time go on until `isDone`, but not beyond `limit`; whether it was done. */
  run(limit: number, isDone: () => boolean, each: () => void = () => {}): boolean {
    while (this.now < limit) {
      this.#step();
      each();
      if (isDone()) return true;
      this.now = Math.max(this.now + 0.5, Math.min(limit, this.#next()));
    }
    return isDone();
  }

  /** What an end had to say: nothing is said twice, so it is looked for in each of these. */
  #step(): void {
    for (const side of [0, 1] as const) {
      const end = this.ends[side];
      const incoming = this.#lanes[1 - side] as Lane;
      for (let first = incoming.pieces[0]; first && first.at <= this.now; first = incoming.pieces[0]) {
        incoming.pieces.shift();
        end.onEvents(end.link.receive(first.bytes, this.now));
      }
      end.onEvents(end.link.tick(this.now));
      this.#takeOf(side, end);
      this.#send(side, end);
    }
  }

  #takeOf(side: 0 | 1, end: End): void {
    while (this.now >= this.#takeAt[side]) {
      const taken = end.link.take();
      if (taken === undefined) return;
      end.onTaken(taken);
      this.#takeAt[side] = this.now + end.takeEvery;
    }
  }

  #send(side: 0 | 1, end: End): void {
    const lane = this.#lanes[side];
    while (this.now >= lane.busyUntil) {
      const frame = end.link.outgoing(this.now);
      if (frame === undefined) return;
      this.sent[side] += frame.length;
      lane.busyUntil = Math.max(lane.busyUntil, this.now - 1) + frame.length / this.#options.pace;
      this.#carry(lane, frame, lane.busyUntil + this.#options.latency);
    }
  }

  /** Puts a frame on the line in pieces, each with what happens to it. */
  #carry(lane: Lane, frame: Uint8Array, at: number): void {
    const { faults: given, goodFrom, cuts } = this.#options;
    const faults = this.now < goodFrom ? given : noTrouble;
    for (let from = 0; from < frame.length; ) {
      const until = Math.min(frame.length, from + 1 + Math.floor(this.#draw() * 400));
      const bytes = frame.slice(from, until);
      from = until;
      if (cuts.some((cut) => at >= cut.from && at < cut.until) || this.#draw() < faults.loss) continue;
      if (this.#draw() < faults.corruption) {
        const index = Math.floor(this.#draw() * bytes.length);
        bytes[index] = (bytes[index] as number) ^ (1 << Math.floor(this.#draw() * 8));
      }
      const copies = this.#draw() < faults.duplication ? 2 : 1;
      for (let copy = 0; copy < copies; copy++) lane.pieces.push({ at, bytes });
      if (this.#draw() < faults.noise) {
        lane.pieces.push({ at, bytes: drawnBytes(this.#draw, 1 + Math.floor(this.#draw() * 60)) });
      }
    }
  }

  /** When something happens next. */
  #next(): number {
    const times = [this.now + 1000];
    for (const side of [0, 1] as const) {
      const lane = this.#lanes[side];
      if (lane.pieces[0]) times.push(lane.pieces[0].at);
      if (lane.busyUntil > this.now) times.push(lane.busyUntil);
      if (this.#takeAt[side] > this.now) times.push(this.#takeAt[side]);
      const wakeAt = this.ends[side].link.wakeAt(this.now);
      if (wakeAt !== undefined) times.push(wakeAt);
    }
    return Math.min(...times);
  }
}
