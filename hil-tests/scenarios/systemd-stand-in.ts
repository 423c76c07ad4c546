import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { packagingPath } from '@loadline/device-runtime';
import { until } from '../rig/index.ts';
import type { Service } from '../system/index.ts';

/** Prints each datagram that comes in as one line: Node has no such socket. */
const receiver = `
  use Socket;
  $| = 1;
  socket(S, AF_UNIX, SOCK_DGRAM, 0) or die $!;
  bind(S, sockaddr_un($ARGV[0])) or die $!;
  print "listening\\n";
  while (defined recv(S, my $d, 65536, 0)) { $d =~ s/\\n/ /g; print "$d\\n"; }
`;

/** Milliseconds a word may take to come: half the watchdog's time, and a busy machine. */
const patience = 20_000;

/**
 * What systemd is to a service with a watchdog: the socket it says its words to, WatchdogSec, the end by SIGABRT,
 * and the ExecStopPost of the unit that ships.
 */
export class SystemdStandIn {
  readonly #socket: string;
  readonly #receiver: ChildProcess;
  readonly #watchdog: number;
  readonly #words: string[] = [];
  #onFed: () => void = () => {};

  private constructor(socket: string, child: ChildProcess, watchdog: number) {
    this.#socket = socket;
    this.#receiver = child;
    this.#watchdog = watchdog;
  }

  /** @param watchdog WatchdogSec, in milliseconds */
  static async open(folder: string, watchdog: number): Promise<SystemdStandIn> {
    const socket = join(folder, 'notify.sock');
    const child = spawn('perl', ['-e', receiver, socket], { stdio: ['ignore', 'pipe', 'inherit'] });
    const standIn = new SystemdStandIn(socket, child, watchdog);
    const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
    await once(lines, 'line');
    lines.on('line', (line) => {
      // How systemd-notify waits until the word before it has been read.
      if (line === 'BARRIER=1') return;
      standIn.#words.push(line);
      if (/\b(READY|WATCHDOG)=1\b/.test(line)) standIn.#onFed();
    });
    return standIn;
  }

  /** Words before a command line, so that the command finds a service manager. */
  get under(): string[] {
    return ['env', `NOTIFY_SOCKET=${this.#socket}`, `WATCHDOG_USEC=${this.#watchdog * 1000}`];
  }

  /** How many words like this were said so far. */
  heard(word: RegExp): number {
    return this.#words.filter((each) => word.test(each)).length;
  }

  /** Waits until so many more words like this have been said. */
  async hears(word: RegExp, times = 1): Promise<void> {
    const before = this.heard(word);
    await until(() => this.heard(word) >= before + times, {
      limitMs: patience,
      what: `${word} from the service; it has said ${this.#words.slice(-5).join('; ')}`,
    });
  }

  /**
   * Watches a service from its READY=1 on, for as long as it runs. Once it was not fed for WatchdogSec, it is ended
   * (SIGABRT, and SIGCONT for one that is stopped), and the unit's ExecStopPost is run. @returns which of both it was.
   */
  async watch(service: Service, state: string): Promise<'watchdog' | 'ended'> {
    let result = 'success' as 'watchdog' | 'success';
    let timer: NodeJS.Timeout | undefined;
    const end = () => {
      result = 'watchdog';
      process.kill(service.pid, 'SIGABRT');
      process.kill(service.pid, 'SIGCONT');
    };
    this.#onFed = () => {
      clearTimeout(timer);
      timer = setTimeout(end, this.#watchdog);
    };
    await service.ended;
    this.#onFed = () => {};
    clearTimeout(timer);
    await promisify(execFile)('/bin/sh', ['-c', stopPost()], {
      env: { PATH: process.env.PATH, SERVICE_RESULT: result, STATE_DIRECTORY: state },
    });
    return result === 'watchdog' ? 'watchdog' : 'ended';
  }

  async close(): Promise<void> {
    const ended = once(this.#receiver, 'exit');
    this.#receiver.kill();
    await ended;
  }
}

/** The script that the unit runs after its service has ended. */
function stopPost(): string {
  const unit = readFileSync(join(packagingPath, 'loadline-gateway.service'), 'utf8');
  const [, script] = /^ExecStopPost=\/bin\/sh -c '(.*)'$/m.exec(unit) ?? [];
  if (script === undefined) throw new Error('the unit has no ExecStopPost as expected');
  return script;
}
