import { type Socket, type TcpNetConnectOpts, connect as tcpConnect } from 'node:net';
import { type ConnectionOptions, connect as tlsConnect } from 'node:tls';
import type { SeededRandom } from '../../rig/random.ts';
import type { CloudProcess } from '../../system/index.ts';

/** One way to be a nuisance. */
export interface Attack {
  readonly name: string;
  /** How often it is drawn, beside the others. */
  readonly weight: number;
  carryOut(scene: Scene): Promise<void>;
}

/** A client that is in order while others are not. */
export interface GoodClient {
  readonly device: string;
  /** Delivers something new and waits for its acknowledgement; throws where none comes. */
  deliver(): Promise<void>;
  close(): void;
}

/** A door under fire: who goes on delivering through it, and what is done to it meanwhile. */
export interface HostileDoor {
  readonly good: GoodClient;
  readonly attacks: readonly Attack[];
  /** Devices whose credentials the attacks use: their accounts have to balance too. */
  readonly devices: readonly string[];
}

/** Gets a door ready: takes in the devices that this needs. */
export type OpenDoor = (cloud: CloudProcess) => Promise<HostileDoor>;

/** What an attack draws from, and tells. */
export interface Scene {
  readonly random: SeededRandom;
  /** One of this machine's addresses, the attack's own: the cloud bounds what comes from one. */
  readonly address: string;
  /** Bytes were sent. */
  spent(bytes: number): void;
  /** What the cloud said to it, by name. */
  answered(name: string): void;
}

/** Milliseconds that an answer is waited for, and after which one that has begun is thought to be whole. */
const answerMs = 1000;
const quietMs = 100;
/** Bytes of an answer that are kept. */
const keptBytes = 16 * 1024;

/** A connection without manners: what it sends is counted, what it gets is kept, what goes wrong is expected. */
export class Rogue {
  readonly #scene: Scene;
  readonly #socket: Socket;
  #heard: Buffer = Buffer.alloc(0);
  #heardAt = Number.POSITIVE_INFINITY;
  #error: string | undefined;
  #closed = false;

  private constructor(scene: Scene, socket: Socket) {
    this.#scene = scene;
    this.#socket = socket;
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.#error ??= error.code ?? error.message;
      socket.destroy();
    });
    socket.on('close', () => {
      this.#closed = true;
    });
    socket.on('data', (bytes: Buffer) => {
      this.#heardAt = performance.now();
      if (this.#heard.length < keptBytes) this.#heard = Buffer.concat([this.#heard, bytes]);
    });
  }

  /** A bare TCP connection. */
  static async tcp(scene: Scene, port: number): Promise<Rogue> {
    const rogue = new Rogue(scene, tcpConnect(wayTo(scene, port)));
    await rogue.#happens('connect');
    return rogue;
  }

  /** A TLS connection, its handshake done, or refused. */
  static async tls(scene: Scene, port: number, options: ConnectionOptions): Promise<Rogue> {
    const tls: ConnectionOptions = { servername: 'localhost', ...options };
    const rogue = new Rogue(scene, tlsConnect(Object.assign(tls, wayTo(scene, port))));
    await rogue.#happens('secureConnect');
    return rogue;
  }

  get heard(): Buffer {
    return this.#heard;
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /** Sends; resolves when the kernel has taken it, or the other side is gone. */
  async send(bytes: string | Uint8Array): Promise<void> {
    if (this.#closed) return;
    this.#scene.spent(Buffer.byteLength(bytes));
    await new Promise<void>((resolve) => {
      this.#socket.once('close', resolve);
      this.#socket.write(bytes, () => {
        this.#socket.off('close', resolve);
        resolve();
      });
    });
  }

  /** Sends in pieces of some bytes, with time between them. */
  async drip(bytes: Uint8Array, size: number, ms: number): Promise<void> {
    for (let at = 0; at < bytes.length && !this.#closed; at += size) {
      await this.send(bytes.subarray(at, at + size));
      await moment(ms);
    }
  }

  /** Waits for an answer or the end, but no longer than a while, tells what was said as `name` reads it, and leaves without a goodbye. */
  async leave(name: (heard: Buffer) => readonly string[], ms = answerMs): Promise<void> {
    const end = performance.now() + ms;
    const isAnswered = () => this.#closed || performance.now() > this.#heardAt + quietMs;
    while (!isAnswered() && performance.now() < end) await moment(10);
    const names = name(this.#heard);
    for (const each of names) this.#scene.answered(each);
    if (names.length === 0)
      this.#scene.answered(this.#closed ? `closed (${this.#error ?? 'FIN'})` : 'nothing yet');
    this.#socket.destroy();
  }

  /** Is gone at once. */
  destroy(): void {
    this.#socket.destroy();
  }

  #happens(event: string): Promise<void> {
    return new Promise((resolve) => {
      this.#socket.once(event, () => resolve());
      this.#socket.once('close', () => resolve());
      setTimeout(resolve, 5000).unref();
    });
  }
}

function wayTo({ address }: Scene, port: number): TcpNetConnectOpts {
  return { host: '127.0.0.1', port, localAddress: address };
}

/** Waits a while that is itself part of an attack. */
export function moment(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
