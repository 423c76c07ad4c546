import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync, readFileSync, readlinkSync } from 'node:fs';
import { promisify } from 'node:util';
import { until } from '../rig/index.ts';
import { lastLine } from '../runner/debian.ts';

const run = promisify(execFile);
/** Milliseconds that a boot or a command may take. */
const patience = 90_000;

/** A root file system that was booted: systemd as its first process, its own processes, network and control groups. */
export class Container {
  readonly #child: ChildProcess;
  readonly #init: number;

  private constructor(child: ChildProcess, init: number) {
    this.#child = child;
    this.#init = init;
  }

  /**
   * Boots it.
   *
   * @param log is given its console
   * @param given the two ends of the wire that it brings to this network, and devices of this machine by their path there
   */
  static async boot(
    root: string,
    log: string,
    given: {
      readonly wire: { readonly near: string; readonly far: string };
      readonly devices: Readonly<Record<string, string>>;
    },
  ): Promise<Container> {
    const out = openSync(log, 'a');
    const words = [
      ...['--boot', `--directory=${root}`, `--machine=loadline-${process.pid}`, '--console=read-only'],
      // There may be no systemd outside that could be told of it.
      ...['--register=no', '--keep-unit', `--network-veth-extra=${given.wire.near}:${given.wire.far}`],
      ...Object.entries(given.devices).map(([there, here]) => `--bind=${here}:${there}`),
    ];
    const child = spawn('systemd-nspawn', words, {
      stdio: ['ignore', out, out],
      env: { ...process.env, SYSTEMD_NSPAWN_UNIFIED_HIERARCHY: '1', SYSTEMD_LOG_TARGET: 'console' },
    });
    await once(child, 'spawn');
    const init = await until(() => initOf(child, log), {
      limitMs: patience,
      what: `systemd-nspawn has started the system in ${root}; ${log} says more`,
    });
    const container = new Container(child, init);
    process.once('exit', container.#abandon);
    return container;
  }

  /** Runs a command of a shell in it; what it printed. Throws an Error where it ends with another code than 0. */
  async run(command: string): Promise<string> {
    const within = [
      '--target',
      String(this.#init),
      '--mount',
      '--uts',
      '--ipc',
      '--net',
      '--pid',
      '--cgroup',
    ];
    const words = [...within, '--', '/bin/sh', '-c', command];
    const env = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' };
    const { stdout } = await run('nsenter', words, { env, timeout: patience });
    return stdout.trim();
  }

  /** Waits until a command of a shell in it ends with 0. */
  async until(command: string): Promise<void> {
    await until(
      async () => {
        await new Promise((resolve) => setTimeout(resolve, 200));
        return await this.run(command).then(
          () => true,
          () => false,
        );
      },
      { limitMs: patience, what: command },
    );
  }

  /** Ends it at once: whatever is its first process takes all others with it. */
  async close(): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#abandon();
    if (this.#child.exitCode === null && this.#child.signalCode === null) await ended;
    process.off('exit', this.#abandon);
  }

  readonly #abandon = () => {
    try {
      process.kill(this.#init, 'SIGKILL');
    } catch {
      // It has ended.
    }
  };
}

/** The first process of the container: the one below systemd-nspawn with processes of its own. */
function initOf(child: ChildProcess, log: string): number | undefined {
  if (child.exitCode !== null) {
    const said = lastLine(readFileSync(log, 'utf8'));
    throw new Error(`systemd-nspawn ended with ${child.exitCode}: ${said}`);
  }
  try {
    const below = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim().split(' ');
    const own = readlinkSync('/proc/self/ns/pid');
    return below.map(Number).find((pid) => pid > 0 && readlinkSync(`/proc/${pid}/ns/pid`) !== own);
  } catch {
    return undefined;
  }
}
