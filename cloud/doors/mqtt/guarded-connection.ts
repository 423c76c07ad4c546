import { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { limits } from '@loadline/sdk/contract';
import type { ShortWay } from './short-way.ts';

/** The first four bits of a PUBLISH, and the first two bytes of a PUBACK (sections 3.3 and 3.4). */
const publishType = 0x30;
const acknowledgement = [0x40, 0x02] as const;

/** The first byte of a PINGREQ, and a whole PINGRESP (MQTT 3.1.1, sections 3.12 and 3.13). */
const pingRequestByte = 0xc0;
const pingResponse = Buffer.from([0xd0, 0x00]);

/** Milliseconds a notice is given to leave before the link is closed. */
export const noticeMilliseconds = 500;

/** What came while a connection is slowed. */
interface Kept {
  readonly chunks: Buffer[];
  bytes: number;
  readonly onAlive: () => void;
}

/**
 * A TLS socket as the broker sees it. The broker itself buffers a packet of any size, and reads on while
 * publishes wait for their commit; this stands before it, follows the packets' lengths (MQTT 3.1.1,
 * section 2.2) and holds back what is too much.
 */
export class GuardedConnection extends Duplex {
  readonly #socket: TLSSocket;
  #packetBytes: number = limits.mqttConnectBytes;
  /** Bytes of the current packet still to come; its fixed header is being read while undefined. */
  #rest: number | undefined;
  #length = 0;
  #scale = 0;
  #held = false;
  #wanted = false;
  /** Told of a packet that is too long; before anybody is known, the connection just ends. */
  #tooLarge: (() => void) | undefined;
  /** Nothing that comes is passed on any more. */
  #deaf = false;
  #lastWord: Uint8Array | undefined;
  /** While it is slowed: what has come, in its order, and is not passed on yet. */
  #kept: Kept | undefined;
  /** Where in the chunk that is looked at there are PINGREQs. */
  readonly #pings: number[] = [];
  #shortWay: { readonly way: ShortWay; readonly onAlive: () => void } | undefined;
  /** Publishes that went to the broker, or are on their way, and that it has not handed on yet. */
  #withBroker = 0;
  /** PUBACKs of the short way since the last turn are written together. */
  #gathering = false;
  /** The other end does not take what it is sent: nothing more is read meanwhile. */
  #blocked = false;

  constructor(socket: TLSSocket) {
    // The socket has buffers of its own: these are kept small.
    super({ readableHighWaterMark: 64 * 1024, writableHighWaterMark: 64 * 1024, allowHalfOpen: false });
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => {
      if (this.#deaf) return;
      const isSlowed = this.#kept !== undefined;
      const rest = this.#shorten(chunk);
      if (rest === undefined || !this.#inspect(rest)) return;
      // What came before it was slowed goes on: the pings among it have been waiting since.
      if (isSlowed) this.#keep(rest);
      else if (!this.push(rest)) this.#stop();
    });
    socket.on('end', () => this.push(null));
    socket.on('error', (error) => this.destroy(error));
    socket.on('close', () => this.destroy());
  }

  /** Its sender is known now: packets of so many bytes may come, and `tooLarge` is told of one past that. */
  admit(packetBytes: number, tooLarge: () => void): void {
    this.#packetBytes = packetBytes;
    this.#tooLarge = tooLarge;
  }

  /**
   * Has publishes go the short way from now on, where they can. What comes by it is acknowledged by `acknowledge`.
   * `onAlive`: something has come that the broker does not hear of.
   */
  shorten(way: ShortWay, onAlive: () => void): void {
    this.#shortWay = { way, onAlive };
  }

  /** The broker has handed on a publish. */
  publishTaken(): void {
    this.#withBroker -= 1;
  }

  /** Sends a PUBACK, in its order with what the broker writes. */
  acknowledge(packetId: number): void {
    if (this.destroyed || this.writableEnded) return;
    if (!this.#gathering) {
      this.#gathering = true;
      this.cork();
      process.nextTick(() => {
        this.#gathering = false;
        this.uncork();
      });
    }
    if (this.write(Buffer.from([...acknowledgement, packetId >> 8, packetId & 0xff])) || this.#blocked)
      return;
    this.#blocked = true;
    this.#steer();
    this.once('drain', () => {
      this.#blocked = false;
      this.#steer();
    });
  }

  /** When this is destroyed, these bytes are given a moment to leave. */
  lastWord(bytes: Uint8Array): void {
    this.#lastWord = bytes;
  }

  /** Reads nothing more until `release`. */
  hold(): void {
    this.#held = true;
    this.#steer();
  }

  release(): void {
    this.#held = false;
    this.#steer();
  }

  /**
   * Passes nothing on until `quicken`, and reads only as far as limits.mqttSlowedBytes: then TCP pushes back. The other
   * end's pings are answered meanwhile, out of their turn; once nothing more is read, that it might send one is enough.
   * `onAlive`: it has been heard, or cannot be.
   */
  slow(onAlive: () => void): void {
    if (this.#kept !== undefined) return;
    this.#kept = { chunks: [], bytes: 0, onAlive };
    this.#steer();
  }

  /** To be called while it is slowed, twice in the time in which the other end pings. */
  tickSlowed(): void {
    if (!this.#isKeptFull) return;
    this.#kept?.onAlive();
    this.#socket.write(pingResponse);
  }

  quicken(): void {
    const kept = this.#kept;
    if (kept === undefined) return;
    this.#kept = undefined;
    let isTaken = true;
    for (const chunk of kept.chunks) isTaken = this.push(chunk);
    if (kept.chunks.length > 0) this.#wanted = isTaken;
    this.#steer();
  }

  override _read(): void {
    this.#wanted = true;
    this.#steer();
  }

  /** Reads on, or not. */
  #steer(): void {
    const isWanted = this.#kept === undefined ? this.#wanted : !this.#isKeptFull;
    if (isWanted && !this.#held && !this.#blocked) this.#socket.resume();
    else this.#socket.pause();
  }

  get #isKeptFull(): boolean {
    return (this.#kept?.bytes ?? 0) >= limits.mqttSlowedBytes;
  }

  /** Keeps a chunk that has been looked at, but for its pings: they are answered. */
  #keep(chunk: Buffer): void {
    const kept = this.#kept as Kept;
    kept.onAlive();
    let from = 0;
    for (const at of this.#pings) {
      this.#socket.write(pingResponse);
      // One that is cut in two stays, and is answered again.
      if (at + 1 >= chunk.length) break;
      if (at > from) kept.chunks.push(chunk.subarray(from, at));
      from = at + 2;
    }
    if (from < chunk.length) kept.chunks.push(chunk.subarray(from));
    kept.bytes += chunk.length - 2 * this.#pings.length;
    this.#steer();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.write(chunk, done);
  }

  override _writev(chunks: { chunk: Buffer }[], done: (error?: Error | null) => void): void {
    this.#socket.write(Buffer.concat(chunks.map(({ chunk }) => chunk)), done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#socket.end(done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#deaf = true;
    if (this.#lastWord === undefined || this.#socket.destroyed) this.#socket.destroy();
    else {
      this.#socket.end(this.#lastWord);
      // What it still sends is read and forgotten: a socket closed over unread bytes takes back what it sent.
      this.#socket.resume();
      setTimeout(() => this.#socket.destroy(), noticeMilliseconds);
    }
    done(error);
  }

  #stop(): void {
    this.#wanted = false;
    this.#steer();
  }

  /** Takes what can go the short way; what is left for the broker. */
  #shorten(chunk: Buffer): Buffer | undefined {
    if (this.#shortWay === undefined) return chunk;
    const { way, onAlive } = this.#shortWay;
    const isBetweenPackets = this.#rest === 0 || (this.#rest === undefined && this.#scale === 0);
    if (!isBetweenPackets || this.#withBroker > 0) return chunk;
    if (this.#kept !== undefined) return way.giveBack(chunk);
    onAlive();
    return way.take(chunk);
  }

  /** Follows packet boundaries through a chunk; ends the connection at a packet that is too long. */
  #inspect(chunk: Buffer): boolean {
    let at = 0;
    this.#pings.length = 0;
    while (at < chunk.length) {
      if (this.#rest !== undefined && this.#rest > 0) {
        const taken = Math.min(this.#rest, chunk.length - at);
        this.#rest -= taken;
        at += taken;
        continue;
      }
      if (this.#rest === 0 || this.#rest === undefined) at = this.#header(chunk, at);
      if (at < 0) return false;
    }
    return true;
  }

  /** Reads header bytes from `at`; where to go on, or -1 after ending the connection. */
  #header(chunk: Buffer, start: number): number {
    let at = start;
    if (this.#rest === 0 || (this.#rest === undefined && this.#scale === 0)) {
      this.#rest = undefined;
      this.#length = 0;
      this.#scale = 1;
      if (((chunk[at] as number) & 0xf0) === publishType) this.#withBroker += 1;
      if (this.#kept !== undefined && chunk[at] === pingRequestByte) this.#pings.push(at);
      at++;
    }
    while (at < chunk.length) {
      const byte = chunk[at++] as number;
      this.#length += (byte & 0x7f) * this.#scale;
      this.#scale *= 0x80;
      if (this.#length > this.#packetBytes || (byte >= 0x80 && this.#scale > 0x200000)) {
        this.#deaf = true;
        if (this.#tooLarge !== undefined) this.#tooLarge();
        else this.destroy(new Error(`packet-too-large: more than ${this.#packetBytes} bytes`));
        return -1;
      }
      if (byte < 0x80) {
        this.#rest = this.#length;
        this.#scale = 0;
        return at;
      }
    }
    return at;
  }
}
