import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/**
 * A TCP port that is always there, as a load balancer's is: while what it leads to is down, new connections wait
 * in it. So a client that backs off counts one failure a crash, and not one for each try while the cloud starts.
 */
export class WaitingDoor {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #waiting = new Set<Socket>();
  readonly #port: number;
  #isOpen = false;

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.#port = port;
    server.on('connection', (client) => {
      this.#keep(client);
      if (this.#isOpen) this.#lead(client);
      else this.#waiting.add(client);
    });
  }

  /** A door on a free port of 127.0.0.1 to `port` there; shut. */
  static async make(port: number): Promise<WaitingDoor> {
    // Paused, so that nothing a waiting client says is lost before there is somebody to hear it.
    const server = createServer({ pauseOnConnect: true, noDelay: true });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new WaitingDoor(server, port);
  }

  /** The port that clients connect to. */
  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Leads on whoever waits, and whoever comes. */
  open(): void {
    this.#isOpen = true;
    for (const client of this.#waiting) this.#lead(client);
    this.#waiting.clear();
  }

  /** Whoever comes now waits. */
  shut(): void {
    this.#isOpen = false;
  }

  /** Ends every connection and stops listening. */
  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #lead(client: Socket): void {
    const target = connect({ host: '127.0.0.1', port: this.#port, noDelay: true });
    this.#keep(target);
    client.pipe(target).pipe(client);
    client.once('close', () => target.destroy());
    // What the target sent before it died still goes to the client: an acknowledgement must not be lost here.
    target.once('close', () => client.end(() => client.destroy()));
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => this.#sockets.delete(socket));
  }
}
