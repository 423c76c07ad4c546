import { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { limits } from '@loadline/sdk/contract';

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

  constructor(socket: TLSSocket) {
    // The socket has buffers of its own: these are kept small.
    super({ readableHighWaterMark: 64 * 1024, writableHighWaterMark: 64 * 1024, allowHalfOpen: false });
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => {
      if (this.#inspect(chunk) && !this.push(chunk)) this.#stop();
    });
    socket.on('end', () => this.push(null));
    socket.on('error', (error) => this.destroy(error));
    socket.on('close', () => this.destroy());
  }

  /** Its sender is known now: packets of the size of a batch may come. */
  admit(): void {
    this.#packetBytes = limits.mqttPacketBytes;
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
    this.#socket.destroy();
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
        this.destroy(new Error(`packet-too-large: more than ${this.#packetBytes} bytes`));
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
