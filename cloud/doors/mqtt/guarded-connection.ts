import { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { limits } from '@loadline/sdk/contract';

/** Milliseconds a notice is given to leave before the link is closed. */
export const noticeMilliseconds = 500;

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

  constructor(socket: TLSSocket) {
    // The socket has buffers of its own: these are kept small.
    super({ readableHighWaterMark: 64 * 1024, writableHighWaterMark: 64 * 1024, allowHalfOpen: false });
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => {
      if (!this.#deaf && this.#inspect(chunk) && !this.push(chunk)) this.#stop();
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

  /** When this is destroyed, these bytes are given a moment to leave. */
  lastWord(bytes: Uint8Array): void {
    this.#lastWord = bytes;
  }

  /** Reads nothing more until `release`. */
  hold(): void {
    this.#held = true;
    this.#socket.pause();
  }

  release(): void {
    this.#held = false;
    if (this.#wanted) this.#socket.resume();
  }

  override _read(): void {
    this.#wanted = true;
    if (!this.#held) this.#socket.resume();
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
    this.#socket.pause();
  }

  /** Follows packet boundaries through a chunk; ends the connection at a packet that is too long. */
  #inspect(chunk: Buffer): boolean {
    let at = 0;
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
