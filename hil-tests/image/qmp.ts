import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { until } from '../rig/index.ts';

/** Milliseconds that an emulator may take for an answer: a machine that emulates another is slow now and then. */
const patience = 30_000;

interface Answer {
  readonly resolve: (value: unknown) => void;
  readonly reject: (reason: Error) => void;
}

/** An event of the emulator, such as DEVICE_DELETED. */
export interface QmpEvent {
  readonly event: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

/**
 * What an emulator is told while it runs: the QEMU Machine Protocol, lines of JSON over a socket. One command after the other.
 * Source: docs/interop/qmp-spec.txt of QEMU.
 */
export class Qmp {
  readonly #socket: Socket;
  readonly #log: (line: string) => void;
  readonly #answers: Answer[] = [];
  readonly #events: QmpEvent[] = [];

  private constructor(socket: Socket, log: (line: string) => void) {
    this.#socket = socket;
    this.#log = log;
    const lines = createInterface({ input: socket });
    lines.on('line', (line) => this.#read(line));
    // The emulator ends, or is ended: whoever waits for an answer is told by `close`.
    lines.on('error', () => {});
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      for (const { reject } of this.#answers.splice(0)) reject(new Error('the emulator has ended'));
    });
  }

  /** @param log is given each line of both directions */
  static async connect(path: string, log: (line: string) => void): Promise<Qmp> {
    const socket = await until(
      async () => {
        const attempt = connect(path);
        return await once(attempt, 'connect').then(
          () => attempt,
          () => undefined,
        );
      },
      { limitMs: patience, what: `the emulator answers on ${path}` },
    );
    const qmp = new Qmp(socket, log);
    await qmp.run('qmp_capabilities');
    return qmp;
  }

  /** Has the emulator do something. Throws an Error that says why it did not. */
  async run(command: string, parameters: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    const line = JSON.stringify({ execute: command, arguments: parameters });
    this.#log(`> ${line}`);
    const answered = new Promise((resolve, reject) => this.#answers.push({ resolve, reject }));
    if (this.#socket.destroyed) throw new Error('the emulator has ended');
    this.#socket.write(`${line}\n`);
    return await answered;
  }

  /** Has it do something that is over with an event. */
  async runUntil(
    command: string,
    parameters: Readonly<Record<string, unknown>>,
    wanted: (event: QmpEvent) => boolean,
  ): Promise<void> {
    const before = this.#events.length;
    await this.run(command, parameters);
    await until(() => this.#events.slice(before).some(wanted), {
      limitMs: patience,
      what: `the event that ends ${command} ${JSON.stringify(parameters)}`,
    });
  }

  /** How many such events there were. */
  count(wanted: (event: QmpEvent) => boolean): number {
    return this.#events.filter(wanted).length;
  }

  close(): void {
    this.#socket.destroy();
  }

  #read(line: string): void {
    this.#log(`< ${line}`);
    const said = JSON.parse(line) as Partial<QmpEvent> & {
      return?: unknown;
      error?: { desc: string };
    };
    if (said.event !== undefined) this.#events.push(said as QmpEvent);
    else if (said.error !== undefined) this.#answers.shift()?.reject(new Error(said.error.desc));
    else if ('return' in said) this.#answers.shift()?.resolve(said.return);
  }
}
