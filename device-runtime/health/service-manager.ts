import { spawn } from 'node:child_process';

/** What systemd is told of a service: sd_notify(3). */
export interface ServiceManager {
  /** Milliseconds without a feed after which systemd ends the service; undefined where it has no watchdog. */
  readonly watchdog: number | undefined;
  ready(status: string): void;
  feed(status: string): void;
  /** Resolves when the word is given, or cannot be. */
  stopping(): Promise<void>;
}

/** The variables a service manager sets. */
export interface ServiceEnvironment {
  readonly NOTIFY_SOCKET?: string | undefined;
  readonly WATCHDOG_USEC?: string | undefined;
  readonly WATCHDOG_PID?: string | undefined;
}

export interface ServiceManagerOptions {
  readonly environment: ServiceEnvironment;
  readonly pid: number;
  /** systemd-notify, or what stands for it. */
  readonly program?: string;
  /** A word could not be given. */
  readonly onFailure: (reason: string) => void;
}

/** Milliseconds one word may take. */
const wordMilliseconds = 5000;

/**
 * systemd, where it waits for word from this process; undefined where NOTIFY_SOCKET is not set.
 *
 * That socket takes datagrams, which Node cannot send to a path: `systemd-notify` says each word, a child that lives
 * for milliseconds, so the unit needs NotifyAccess=all. It waits until systemd has read the word, and so is known to
 * belong to the service.
 */
export function serviceManager(options: ServiceManagerOptions): ServiceManager | undefined {
  const { environment, pid, program = 'systemd-notify', onFailure } = options;
  const { NOTIFY_SOCKET } = environment;
  if (NOTIFY_SOCKET === undefined || NOTIFY_SOCKET === '') return undefined;
  // One word after the other: READY=1 must not be overtaken.
  let said = Promise.resolve();
  const say = (...words: string[]): Promise<void> => {
    said = said
      .then(() => speak(program, words, NOTIFY_SOCKET))
      .catch((error: Error) => onFailure(error.message));
    return said;
  };
  const status = (text: string) => `STATUS=${text.replaceAll(/[^\x20-\x7e]+/g, ' ').slice(0, 200)}`;
  return {
    watchdog: watchdogMilliseconds(environment, pid),
    ready: (text) => void say('READY=1', status(text)),
    feed: (text) => void say('WATCHDOG=1', status(text)),
    stopping: () => say('STOPPING=1'),
  };
}

function speak(program: string, words: readonly string[], socket: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, words, {
      stdio: ['ignore', 'ignore', 'pipe'],
      // Nothing of the gateway's own environment.
      env: { PATH: process.env.PATH, NOTIFY_SOCKET: socket },
      // Not `timeout`: its timer outlives a program that is not there.
      signal: AbortSignal.timeout(wordMilliseconds),
      killSignal: 'SIGKILL',
    });
    let errors = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      errors = (errors + text).slice(-200);
    });
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(errors.trim() || `${program} ended (${signal ?? code})`));
    });
  });
}

/** As sd_watchdog_enabled(3): the watchdog of another process is none of ours. */
function watchdogMilliseconds(environment: ServiceEnvironment, pid: number): number | undefined {
  const { WATCHDOG_USEC = '', WATCHDOG_PID } = environment;
  if (WATCHDOG_PID !== undefined && Number(WATCHDOG_PID) !== pid) return undefined;
  return /^[1-9]\d*$/.test(WATCHDOG_USEC) ? Number(WATCHDOG_USEC) / 1000 : undefined;
}
