import { once } from 'node:events';
import { type Socket, connect as tcpConnect } from 'node:net';
import { createInterface, type Interface } from 'node:readline';
import { type ConnectionOptions, connect as tlsConnect } from 'node:tls';
import { until } from '../rig/index.ts';
import { awakeMilliseconds } from './awake.ts';

/** Milliseconds that an answer may take. */
const patience = 15_000;

/** One line out, one line back, over TCP or TLS. */
export class LineClient {
  readonly #socket: Socket;
  readonly #lines: Interface;
  readonly #heard: string[] = [];
  #read = 0;
  #ended: number | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#lines = createInterface({ input: socket });
    this.#lines.on('line', (line) => this.#heard.push(line));
    socket.on('error', () => socket.destroy());
    // It hears of the same, and would end this process.
    this.#lines.on('error', () => {});
    socket.on('close', () => {
      this.#ended = awakeMilliseconds();
    });
  }

  /** `localAddress`: where it comes from, of this machine's own. Default: the usual one. */
  static async tcp(port: number, localAddress?: string): Promise<LineClient> {
    const socket = tcpConnect({ host: '127.0.0.1', port, ...(localAddress && { localAddress }) });
    await once(socket, 'connect');
    return new LineClient(socket);
  }

  static async tls(port: number, ca: string, localAddress?: string): Promise<LineClient> {
    const to = { host: '127.0.0.1', servername: 'localhost', port, ca };
    const socket = tlsConnect({ ...to, ...(localAddress && { localAddress }) } as ConnectionOptions);
    await once(socket, 'secureConnect');
    return new LineClient(socket);
  }

  /** When it was closed, on the clock of `awakeMilliseconds`; undefined while it is open. */
  get ended(): number | undefined {
    return this.#ended;
  }

  /** Every line that came. */
  get heard(): readonly string[] {
    return this.#heard;
  }

  /** This end's port. */
  get localPort(): number {
    return this.#socket.localPort ?? 0;
  }

  /** Sends a line, and waits for the next one that comes back. */
  async ask(line: string): Promise<string> {
    if (this.#ended !== undefined) throw new Error('closed before it was asked');
    this.#socket.write(`${line}\n`);
    const at = this.#read++;
    return await until(
      () => {
        if (this.#ended !== undefined && this.#heard.length <= at)
          throw new Error('closed without an answer');
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
