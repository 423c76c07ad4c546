import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { appendFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { until } from '../rig/index.ts';

/** Milliseconds that a machine may take until its shell is there. */
const bootPatience = 1_200_000;
/** Milliseconds that a command may take. */
const patience = 120_000;
/** How often a shell that has not answered is asked again: it reads nothing before it is there. */
const askEvery = 2000;

/** The first port of a PCI card. */
const tty = '/dev/ttyS0';

/**
 * What makes a shell say `ready MARK`, and no echo of it does. What waits in the card when the port is opened loses its
 * first bytes, and a shell that reads a script ends at a line that is none: so each line is one wherever it begins.
 */
export function question(mark: string): string {
  return [`exec >${tty} 2>${tty}`, `stty -echo <${tty}`, 'word=ready', `echo $word ${mark}`, ''].join('\n');
}

/**
 * A root shell in an emulated machine, on a serial port that no real one has. It is asked for in the kernel's command line of
 * one start (systemd-run-generator(8)), so that nothing on the disk is another; and it starts first what would have been
 * started without it.
 */
export class Shell {
  /** What the kernel's command line says for it: a shell whose script is what comes on the port. */
  static readonly words =
    `systemd.run="/bin/sh ${tty}" systemd.run_success_action=none systemd.run_failure_action=none`;
  readonly #socket: Socket;
  #said = '';

  private constructor(socket: Socket, log: string) {
    this.#socket = socket;
    socket.setEncoding('utf8').on('data', (text: string) => {
      this.#said += text;
      appendFileSync(log, text);
    });
    socket.on('error', () => socket.destroy());
  }

  /** @param log is given all that is said */
  static async connect(path: string, log: string): Promise<Shell> {
    const socket = connect(path);
    await once(socket, 'connect');
    return new Shell(socket, log);
  }

  /** Waits until the machine is so far that there is a shell, and starts what ships. */
  async ready(): Promise<void> {
    let asked = Number.NEGATIVE_INFINITY;
    const mark = randomBytes(8).toString('hex');
    await until(
      () => {
        if (performance.now() - asked > askEvery) {
          this.#socket.write(question(mark));
          asked = performance.now();
        }
        return this.#said.includes(`ready ${mark}`);
      },
      { limitMs: bootPatience, what: 'the machine has a shell' },
    );
    await this.run('systemctl start --no-block multi-user.target');
  }

  /** Runs a command; what it printed. Throws an Error where it ends with another code than 0. */
  async run(command: string): Promise<string> {
    const mark = randomBytes(8).toString('hex');
    const from = this.#said.length;
    this.#socket.write(
      `{ ${command}\n} </dev/null; code=$?; echo; echo "${mark.slice(0, 8)}"'${mark.slice(8)}' $code\n`,
    );
    const ended = new RegExp(`([\\s\\S]*)\\r?\\n${mark} (\\d+)\\r?\\n`);
    const [, out = '', code] = await until(() => ended.exec(this.#said.slice(from)), {
      limitMs: patience,
      what: `an answer to ${command}`,
    });
    const said = out.replaceAll('\r', '').trim();
    if (code !== '0') throw new Error(`${command} ended with ${code}: ${said}`);
    return said;
  }

  close(): void {
    this.#socket.destroy();
  }
}
