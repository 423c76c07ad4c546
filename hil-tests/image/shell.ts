import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { appendFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { until } from '../rig/index.ts';

/** Milliseconds that a machine may take until its shell is there. */
const bootPatience = 300_000;
/** Milliseconds that a command may take. */
const patience = 120_000;
/** How often a shell that has not answered is asked again: it reads nothing before it is there. */
const askEvery = 2000;

/**
 * A root shell in an emulated machine, on a serial port that no real one has. It is systemd's own (debug-shell.service), asked
 * for in the kernel's command line of one start: nothing on the disk is another.
 */
export class Shell {
  /** What the kernel's command line says for it: the first port of a PCI card is ttyS0. */
  static readonly words = 'systemd.wants=debug-shell.service systemd.debug_shell=ttyS0';
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

  static async connect(path: string, log: string): Promise<Shell> {
    const socket = connect(path);
    await once(socket, 'connect');
    return new Shell(socket, log);
  }

  /** Waits until the machine is so far that there is a shell. */
  async ready(): Promise<void> {
    let asked = Number.NEGATIVE_INFINITY;
    const mark = randomBytes(8).toString('hex');
    await until(
      () => {
        // Between quotes, so that its echo is not taken for the answer.
        if (performance.now() - asked > askEvery) {
          this.#socket.write(`stty -echo; TERM=dumb; PS1=; PS2=; export TERM\necho rea'dy' ${mark}\n`);
          asked = performance.now();
        }
        return this.#said.includes(`ready ${mark}`);
      },
      { limitMs: bootPatience, what: 'the machine has a shell' },
    );
  }

  /** Runs a command; what it printed. Throws an Error where it ends with another code than 0. */
  async run(command: string): Promise<string> {
    const mark = randomBytes(8).toString('hex');
    const from = this.#said.length;
    this.#socket.write(`{ ${command}\n} 2>&1; echo; echo "${mark.slice(0, 8)}"'${mark.slice(8)}' $?\n`);
    const ended = new RegExp(`([\\s\\S]*)\\r?\\n${mark} (\\d+)\\r?\\n`);
    const [, out = '', code] = await until(() => ended.exec(this.#said.slice(from)), {
      limitMs: patience,
      what: `an answer to ${command}`,
    });
    const said = out.replaceAll('\r', '').replace(/^.*@.*[#$] /gm, '');
    if (code !== '0') throw new Error(`${command} ended with ${code}: ${said}`);
    return said.trimEnd();
  }

  close(): void {
    this.#socket.destroy();
  }
}
