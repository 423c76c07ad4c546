import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:tls';
import { limits } from '@loadline/sdk/contract';
import type { Log } from '@loadline/sdk/platform';
import { writeReply } from '@loadline/sdk/socket';
import type { ServerIdentity } from '../../authority/index.ts';
import type { Arrivals } from '../../limits/index.ts';
import { serverTls } from '../tls.ts';
import { Admissions } from './admissions.ts';
import { SocketConnection } from './connection.ts';
import { Datagrams } from './datagrams.ts';
import { Room } from './room.ts';
import { errorReply, LineTaker, type TakerParts } from './taker.ts';

/** Where it listens; a transport that has no port is not there. 0 takes a free one. */
export interface SocketPorts {
  readonly tcp?: number | undefined;
  readonly tls?: number | undefined;
  readonly udp?: number | undefined;
}

export interface SocketDoorOptions extends TakerParts {
  readonly host: string;
  readonly ports: SocketPorts;
  readonly identity: ServerIdentity;
  /** Which connections are taken at all. */
  readonly arrivals?: Arrivals | undefined;
  /** Told of handshakes that come to nothing. */
  readonly onTlsFailed: () => void;
  readonly log: Log;
  /** Milliseconds. */
  readonly monotonic: () => number;
}

/** Milliseconds between two looks at connections: whoever was revoked is gone within two of them. */
const tickMilliseconds = 500;
/** Milliseconds between two looks at whether all that was read is settled. */
const settlingMilliseconds = 10;
/** Milliseconds that connections are given to take their last word when the door closes. */
const farewellMilliseconds = 1000;

/** The socket door: one line a delivery over TCP, TLS and UDP. The protocol is `sdk/socket`. */
export class SocketDoor {
  readonly #options: SocketDoorOptions;
  readonly #taker: LineTaker;
  readonly #room = new Room(limits.socketPendingAll);
  readonly #admissions = new Admissions();
  readonly #connections = new Set<SocketConnection>();
  /** The connections of each device that has some, the newest last. */
  readonly #ofDevice = new Map<string, Set<SocketConnection>>();
  readonly #timer: NodeJS.Timeout;
  #tcp: Server | undefined;
  #tls: TlsServer | undefined;
  #udp: Datagrams | undefined;
  #isClosing = false;
  #closed: Promise<void> | undefined;

  private constructor(options: SocketDoorOptions) {
    this.#options = options;
    this.#taker = new LineTaker(options);
    this.#timer = setInterval(() => {
      for (const connection of this.#connections) connection.tick();
    }, tickMilliseconds);
  }

  static async open(options: SocketDoorOptions): Promise<SocketDoor> {
    const door = new SocketDoor(options);
    try {
      await door.#open();
    } catch (error) {
      await door.close(0);
      throw error;
    }
    return door;
  }

  /** Where it listens now. */
  get ports(): SocketPorts {
    const portOf = (server: Server | undefined) => (server?.address() as AddressInfo | undefined)?.port;
    return { tcp: portOf(this.#tcp), tls: portOf(this.#tls), udp: this.#udp?.port };
  }

  /** Open connections; `unknown` has brought no good line yet. */
  connections(): { readonly kind: 'device' | 'unknown'; readonly count: number }[] {
    const known = [...this.#ofDevice.values()].reduce((sum, { size }) => sum + size, 0);
    return [
      { kind: 'device', count: known },
      { kind: 'unknown', count: Math.max(0, this.#admissions.sockets.size - known) },
    ];
  }

  /** Takes another key and certificate: connections that begin from now on get them. */
  renew(identity: ServerIdentity): void {
    this.#tls?.setSecureContext(serverTls(identity, 'socket'));
  }

  /**
   * Takes no more connections and reads nothing more, waits until what was read is settled, tells everybody and closes
   * every connection; what is not settled within so many milliseconds is not acknowledged, and will be sent again.
   */
  close(milliseconds = farewellMilliseconds): Promise<void> {
    this.#closed ??= this.#close(milliseconds);
    return this.#closed;
  }

  async #close(milliseconds: number): Promise<void> {
    this.#isClosing = true;
    const servers = [this.#tcp, this.#tls].filter((server) => server?.listening === true) as Server[];
    const closed = servers.map((server) => once(server, 'close'));
    for (const server of servers) server.close();
    for (const connection of this.#connections) connection.end('cloud-stopping', 'connect again in a moment');
    const silent = this.#udp?.close(milliseconds);
    const { monotonic } = this.#options;
    const until = monotonic() + milliseconds;
    while (this.#isSettling() && monotonic() < until) await delay(settlingMilliseconds);
    for (const connection of this.#connections) {
      if (connection.isSettling) connection.cut('cloud-stopping', 'connect again and resend');
    }
    clearInterval(this.#timer);
    const impatient = setTimeout(() => {
      for (const socket of this.#admissions.sockets) socket.destroy();
    }, farewellMilliseconds);
    await Promise.all([...closed, silent]);
    clearTimeout(impatient);
  }

  #isSettling(): boolean {
    return [...this.#connections].some((connection) => connection.isSettling);
  }

  async #open(): Promise<void> {
    const { host, ports, identity } = this.#options;
    const parts = { taker: this.#taker, room: this.#room, log: this.#options.log };
    if (ports.tcp !== undefined) {
      const server = createServer({ allowHalfOpen: true, noDelay: true });
      this.#tcp = server;
      server.on('connection', (socket: Socket) => {
        if (!this.#admissions.admit(socket)) refuse(socket);
        else this.#connect(socket, 'tcp');
      });
      this.#options.arrivals?.guard(server);
      await listening(server, ports.tcp, host);
    }
    if (ports.tls !== undefined) {
      const server = createTlsServer({
        ...serverTls(identity, 'socket'),
        allowHalfOpen: true,
        handshakeTimeout: limits.connectMilliseconds,
      });
      this.#tls = server;
      this.#listenTls(server);
      this.#options.arrivals?.guard(server);
      await listening(server, ports.tls, host);
    }
    if (ports.udp !== undefined) this.#udp = await Datagrams.open({ ...parts, host, port: ports.udp });
  }

  #listenTls(server: TlsServer): void {
    server.prependListener('connection', (socket: Socket) => {
      // Before a handshake nothing can be said.
      if (!this.#admissions.admit(socket)) socket.destroy();
    });
    // A handshake that times out leaves its socket open, unless it is destroyed here.
    server.on('tlsClientError', (failure, socket) => {
      this.#options.onTlsFailed();
      this.#options.log.info('socket-handshake-refused', {
        from: socket.remoteAddress,
        reason: failure.message,
      });
      socket.destroy();
    });
    server.on('secureConnection', (socket) => this.#connect(socket, 'tls'));
  }

  #connect(socket: Socket, transport: 'tcp' | 'tls'): void {
    const { monotonic } = this.#options;
    const onKnown = (known: SocketConnection) => {
      this.#admissions.proven(socket);
      this.#known(known);
    };
    const parts = { taker: this.#taker, room: this.#room, monotonic, onKnown };
    const connection = new SocketConnection({ socket, transport, ...parts });
    this.#connections.add(connection);
    socket.once('close', () => this.#gone(connection));
    if (this.#isClosing) connection.end('cloud-stopping', 'connect again in a moment');
  }

  /** Of more connections than a device may have the oldest ends: it is likely one that its device has lost. */
  #known(connection: SocketConnection): void {
    const { device } = connection;
    if (device === undefined) return;
    const others = this.#ofDevice.get(device) ?? new Set();
    this.#ofDevice.set(device, others.add(connection));
    // All that are too many: the oldest may be on its way out, and still be there when the next one comes.
    const excess = Math.max(0, others.size - limits.socketConnectionsPerDevice);
    for (const oldest of [...others].slice(0, excess)) {
      oldest.end(
        'too-many-connections',
        `a device has ${limits.socketConnectionsPerDevice} at most: the oldest ends`,
      );
    }
  }

  #gone(connection: SocketConnection): void {
    this.#connections.delete(connection);
    const { device } = connection;
    const others = device === undefined ? undefined : this.#ofDevice.get(device);
    others?.delete(connection);
    if (device !== undefined && others?.size === 0) this.#ofDevice.delete(device);
  }
}

async function listening(server: Server, port: number, host: string): Promise<void> {
  const listens = once(server, 'listening');
  server.listen(port, host);
  await listens;
}

/** There are too many: says so, and closes. */
function refuse(socket: Socket): void {
  socket.on('error', () => socket.destroy());
  const words = writeReply(errorReply('too-many-connections', 'as many connections are open as may be'));
  socket.end(`${words}\n`);
  socket.destroySoon();
}
