import { once } from 'node:events';
import { chmod } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import type { Log } from '@loadline/sdk/platform';
import { type Answer, type GatewayStatus, maxRequestBytes, type ShownReading } from './protocol.ts';
import { ControlError, checkPath, clearStale } from './socket-path.ts';

export interface ControlServerOptions {
  readonly path: string;
  readonly status: () => GatewayStatus;
  readonly log: Log;
}

/** Clients at a time; the system turns further ones away. */
const maxClients = 32;
/** Milliseconds a client may take to ask, and to take an answer. */
const clientMilliseconds = 5000;
/** Bytes a follower may be behind; past it it is cut. */
const followerBytes = 256 * 1024;

/** Answers on the local socket, mode 0600: whoever may read the state folder may ask, and nobody over a network. */
export class ControlServer {
  readonly #options: ControlServerOptions;
  readonly #server: Server;
  readonly #clients = new Set<Socket>();
  readonly #followers = new Set<Socket>();

  private constructor(options: ControlServerOptions) {
    this.#options = options;
    this.#server = createServer({ allowHalfOpen: true }, (socket) => this.#serve(socket));
    this.#server.maxConnections = maxClients;
  }

  /** @throws ControlError where it cannot be opened, and what to do. */
  static async open(options: ControlServerOptions): Promise<ControlServer> {
    const { path } = options;
    checkPath(path);
    await clearStale(path);
    const control = new ControlServer(options);
    // bind(2) happens within listen(), so the file is never there with another mode.
    const mask = process.umask(0o177);
    try {
      control.#server.listen(path);
    } finally {
      process.umask(mask);
    }
    try {
      await once(control.#server, 'listening');
      await chmod(path, 0o600);
    } catch (error) {
      throw new ControlError(
        `the local socket cannot be made at ${path}: its folder must be there, and the gateway's own (${(error as Error).message})`,
      );
    }
    control.#server.on('error', ({ message }) => options.log.warn('control-failed', { reason: message }));
    return control;
  }

  get isFollowed(): boolean {
    return this.#followers.size > 0;
  }

  /** Shows a reading to all who follow. A follower that does not keep up is cut: a gateway waits for nobody. */
  show(reading: ShownReading): void {
    if (this.#followers.size === 0) return;
    const line = lineOf({ reading });
    for (const socket of this.#followers) {
      if (socket.writableLength + line.length <= followerBytes) {
        socket.write(line);
        continue;
      }
      this.#options.log.warn('follower-cut', { behindBytes: socket.writableLength });
      socket.destroy();
    }
  }

  /** Ends all clients and removes the socket's file. */
  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#clients) socket.destroy();
    await closed;
  }

  #serve(socket: Socket): void {
    this.#clients.add(socket);
    const late = setTimeout(() => socket.destroy(), clientMilliseconds);
    const pieces: Buffer[] = [];
    let bytes = 0;
    let isAsked = false;
    socket.once('close', () => {
      clearTimeout(late);
      this.#clients.delete(socket);
      this.#followers.delete(socket);
    });
    // A client that goes away in the middle is no news.
    socket.on('error', () => {});
    socket.on('end', () => {
      // `follow` goes on towards a client that has nothing more to say.
      if (!isAsked) socket.destroy();
    });
    socket.on('data', (piece: Buffer) => {
      // What comes behind the one line is read, so that it is not kept, and not looked at.
      if (isAsked) return;
      const end = piece.indexOf('\n');
      pieces.push(end < 0 ? piece : piece.subarray(0, end));
      bytes += piece.length;
      if (end < 0 && bytes <= maxRequestBytes) return;
      isAsked = true;
      this.#answer(socket, end < 0 ? undefined : Buffer.concat(pieces), late);
    });
  }

  #answer(socket: Socket, line: Buffer | undefined, late: NodeJS.Timeout): void {
    const asked = line === undefined || line.length > maxRequestBytes ? undefined : askedIn(line);
    switch (asked) {
      case 'status':
        socket.end(lineOf({ answer: 'status', status: this.#options.status() }));
        return;
      case 'follow':
        clearTimeout(late);
        socket.write(lineOf({ answer: 'following' }));
        this.#followers.add(socket);
        return;
      default:
        socket.end(lineOf({ error: 'ask with one line of JSON: {"ask":"status"} or {"ask":"follow"}' }));
    }
  }
}

const lineOf = (answer: Answer): string => `${JSON.stringify(answer)}\n`;

function askedIn(line: Buffer): unknown {
  try {
    const asked: unknown = JSON.parse(line.toString('utf8'));
    return typeof asked === 'object' && asked !== null && 'ask' in asked ? asked.ask : undefined;
  } catch {
    return undefined;
  }
}
