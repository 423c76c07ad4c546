import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';

/**
 * A far end that has not answered for so long is gone, whatever the connection looks like. The socket's own time-out is
 * none: what is sent into the void keeps it awake.
 */
const PATIENCE_MS = 1000;

/** Delivers lines over TCP: `NUMBER LINE`, and keeps each until the far end has answered with its number. */
export class Uplink {
  readonly #host: string;
  readonly #port: number;
  readonly #waiting = new Map<number, string>();
  #socket: Socket | undefined;
  #last = 0;

  constructor(address: string) {
    const { hostname, port } = new URL(`tcp://${address}`);
    this.#host = hostname;
    this.#port = Number(port);
    this.#connect();
  }

  deliver(line: string): void {
    this.#last += 1;
    this.#waiting.set(this.#last, line);
    this.#socket?.write(`${this.#last} ${line}\n`);
  }

  #connect(): void {
    const socket = connect({ host: this.#host, port: this.#port });
    const patience = setInterval(() => {
      if (this.#waiting.size > 0) socket.destroy();
    }, PATIENCE_MS);
    socket.on('connect', () => {
      for (const [number, line] of this.#waiting) socket.write(`${number} ${line}\n`);
      this.#socket = socket;
    });
    const answers = createInterface({ input: socket });
    answers.on('line', (number) => {
      this.#waiting.delete(Number(number));
      patience.refresh();
    });
    answers.on('error', () => undefined);
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearInterval(patience);
      this.#socket = undefined;
      setTimeout(() => this.#connect(), 100);
    });
  }
}
