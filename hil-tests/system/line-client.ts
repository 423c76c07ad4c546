import { once } from 'node:events';
import { type Socket, connect as tcpConnect } from 'node:net';
import { createInterface, type Interface } from 'node:readline';
import { connect as tlsConnect } from 'node:tls';
import { until } from '../rig/index.ts';

/** Milliseconds that an answer may take. */
const patience = 15_000;

/** One line out, one line back, over TCP or TLS. */
export class LineClient {
  readonly #socket: Socket;
  readonly #lines: Interface;
  readonly #heard: string[] = [];
  #read = 0;
  #closed = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#lines = createInterface({ input: socket });
    this.#lines.on('line', (line) => this.#heard.push(line));
    socket.on('error', () => socket.destroy());
    // It hears of the same, and would end this process.
    this.#lines.on('error', () => {});
    socket.on('close', () => {
      this.#closed = true;
    });
  }

  static async tcp(port: number): Promise<LineClient> {
    const socket = tcpConnect({ host: '127.0.0.1', port });
    await once(socket, 'connect');
    return new LineClient(socket);
  }

  static async tls(port: number, ca: string): Promise<LineClient> {
    const socket = tlsConnect({ host: 'localhost', port, ca });
    await once(socket, 'secureConnect');
    return new LineClient(socket);
  }

  /** This end's port. */
  get localPort(): number {
    return this.#socket.localPort ?? 0;
  }

  /** Sends a line, and waits for the next one that comes back. */
  async ask(line: string): Promise<string> {
    if (this.#closed) throw new Error('closed before it was asked');
    this.#socket.write(`${line}\n`);
    const at = this.#read++;
    return await until(
      () => {
        if (this.#closed && this.#heard.length <= at) throw new Error('closed without an answer');
        return this.#heard[at];
      },
      { limitMs: patience, what: 'the answer to a line' },
    );
  }

  close(): void {
    this.#lines.close();
    this.#socket.destroy();
  }
}
