import type { Socket } from 'node:net';
import type { Clock } from './clock.ts';
import type { SeededRandom } from './random.ts';

/** What loss means on a byte stream. */
export interface Loss {
  /** Share of segments that are lost, 0..0.9. */
  readonly rate: number;
  /** Milliseconds until a lost segment has been sent again; doubled for each time it is lost again. Default: 200. */
  readonly retransmitMs?: number;
}

/** Faults of a stream, both directions alike. */
export interface StreamFaults {
  /** Milliseconds each byte is on its way, one way: a round trip takes twice that. Default: 0. */
  readonly latencyMs: number;
  /**
   * Milliseconds more that a segment takes, drawn anew for each from 0 to this. Within a connection what is behind it
   * waits; bytes of other connections overtake it. Default: 0.
   */
  readonly jitterMs: number;
  /**
   * Milliseconds more that all of a connection takes, drawn once for each from 0 to this: connections opened one after
   * the other reach the target in another order, and so do bytes sent over several. Default: 0.
   */
  readonly spreadMs: number;
  /** Bytes a second, each way, that all connections share. Default: undefined, as fast as it goes. */
  readonly bytesPerSecond: number | undefined;
  /**
   * Segments (1460 bytes at most) that are lost. No byte of a TCP stream ever is: the kernel sends the segment
   * again, and it and everything behind it come late. That delay is what is simulated. Default: undefined, none.
   */
  readonly loss: Loss | undefined;
  /**
   * `freeze`: connections are accepted and stay open, and nothing passes, neither bytes nor ends. Nothing is lost: it
   * all flows again after `forward`. Default: `forward`.
   */
  readonly flow: 'forward' | 'freeze';
}

/** One way of the link that all connections share. */
export interface SharedWay {
  /** The moment at which a line of the set bandwidth has carried all it was given. */
  freeAt: number;
}

/** The world of one direction of a connection. */
export interface StreamWorld {
  readonly faults: () => StreamFaults;
  readonly way: SharedWay;
  /** The share of `spreadMs`, 0..1, that is this connection's. */
  readonly share: number;
  readonly clock: Clock;
  readonly random: SeededRandom;
  /** Called for each segment that is delayed as lost. */
  readonly lost: () => void;
  /** Called with the number of bytes handed on. */
  readonly delivered: (count: number) => void;
}

/** Linux's least retransmission time-out. */
const RETRANSMIT_MS = 200;
/** What Ethernet leaves of its 1500 bytes. */
const SEGMENT_BYTES = 1460;
/** Past so many bytes on their way the source is not read, so a fault costs the sender and not memory. */
const IN_FLIGHT_BYTES = 256 * 1024;

interface Segment {
  /** Undefined: the end of the stream. */
  readonly bytes: Uint8Array | undefined;
  /** Not before this moment, and not before the segments ahead of it: a stream keeps its order. */
  readonly dueAt: number;
}

/** One direction of a connection: takes what `source` sends and hands it to `sink`, late or not at all. */
export class FaultyStream {
  readonly #source: Socket;
  readonly #sink: Socket;
  readonly #world: StreamWorld;
  #segments: Segment[] = [];
  #inFlightBytes = 0;
  #cancelTimer: (() => void) | undefined;
  #state: 'forwarding' | 'swallowing' | 'stopped' = 'forwarding';

  constructor(source: Socket, sink: Socket, world: StreamWorld) {
    this.#source = source;
    this.#sink = sink;
    this.#world = world;
    source.on('data', (bytes: Uint8Array) => this.#take(bytes));
    source.on('end', () => this.#schedule(undefined));
    sink.on('drain', () => this.#deliver());
  }

  /** Bytes taken and not handed on. */
  get heldBytes(): number {
    return this.#inFlightBytes;
  }

  /** To be called when faults have changed, or the sink is being connected: what was held may flow now, or must not. */
  changed(): void {
    this.#deliver();
  }

  /** Lets what is on its way arrive at once. */
  release(): void {
    this.#segments = this.#segments.map(({ bytes }) => ({ bytes, dueAt: 0 }));
    this.#deliver();
  }

  /** From now on everything is taken and nothing handed on. For good. */
  swallow(): void {
    if (this.#state === 'forwarding') this.#state = 'swallowing';
    this.#forget();
    this.#readOrNot();
  }

  /** Takes and hands on nothing more. For good. */
  stop(): void {
    this.#state = 'stopped';
    this.#forget();
  }

  #forget(): void {
    this.#segments = [];
    this.#inFlightBytes = 0;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }

  #take(bytes: Uint8Array): void {
    if (this.#state !== 'forwarding') return;
    for (let start = 0; start < bytes.length; start += SEGMENT_BYTES) {
      this.#schedule(bytes.subarray(start, start + SEGMENT_BYTES));
    }
    this.#readOrNot();
  }

  #schedule(bytes: Uint8Array | undefined): void {
    if (this.#state !== 'forwarding') return;
    const { way, clock } = this.#world;
    const { bytesPerSecond } = this.#world.faults();
    const size = bytes?.length ?? 0;
    const carrying = bytesPerSecond === undefined ? 0 : (size * 1000) / bytesPerSecond;
    way.freeAt = Math.max(way.freeAt, clock.now()) + carrying;
    this.#segments.push({ bytes, dueAt: way.freeAt + this.#delay() + this.#retransmission() });
    this.#inFlightBytes += size;
    this.#deliver();
  }

  #delay(): number {
    const { latencyMs, jitterMs, spreadMs } = this.#world.faults();
    const jitter = jitterMs === 0 ? 0 : jitterMs * this.#world.random.uniform();
    return latencyMs + jitter + spreadMs * this.#world.share;
  }

  /** Milliseconds that one segment comes late because it was lost, perhaps several times. */
  #retransmission(): number {
    const { loss } = this.#world.faults();
    if (loss === undefined || this.#world.random.uniform() >= loss.rate) return 0;
    this.#world.lost();
    let timeout = loss.retransmitMs ?? RETRANSMIT_MS;
    let late = timeout;
    while (this.#world.random.uniform() < loss.rate) {
      timeout *= 2;
      late += timeout;
    }
    return late;
  }

  #deliver(): void {
    if (this.#state !== 'forwarding' || this.#world.faults().flow === 'freeze') return;
    // A connection whose turn to be led on has not come.
    if (this.#sink.pending && !this.#sink.connecting) return;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    const { clock } = this.#world;
    while (!this.#sink.writableNeedDrain) {
      const segment = this.#segments[0];
      if (segment === undefined) break;
      const wait = segment.dueAt - clock.now();
      if (wait > 0) {
        this.#cancelTimer = clock.after(wait, () => this.#deliver());
        break;
      }
      this.#segments.shift();
      this.#handOn(segment.bytes);
    }
    this.#readOrNot();
  }

  #handOn(bytes: Uint8Array | undefined): void {
    if (!this.#sink.writable) return;
    if (bytes === undefined) {
      this.#sink.end();
      return;
    }
    this.#inFlightBytes -= bytes.length;
    this.#sink.write(bytes);
    this.#world.delivered(bytes.length);
  }

  /** A full stream does not read: the sender's kernel fills, as it would. */
  #readOrNot(): void {
    if (this.#inFlightBytes > IN_FLIGHT_BYTES) this.#source.pause();
    else this.#source.resume();
  }
}
