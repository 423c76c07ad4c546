import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { until } from '../rig/index.ts';

/** The beginning or the return of a system call on a descriptor or a path, as strace saw it. */
export interface CallEvent {
  readonly kind: 'begins' | 'returns';
  readonly thread: number;
  readonly call: string;
  /** Milliseconds since 1970, where times were asked for; else NaN. */
  readonly at: number;
  /** What the descriptor is: a path, or `TCP:[127.0.0.1:8883->127.0.0.1:40000]`; or the path that the call names. */
  readonly target: string;
  /** What it returned; undefined where it begins. */
  readonly result: number | undefined;
  /** Its arguments behind the descriptor or the path, as strace shows them. */
  readonly rest: string;
}

/** How much of the bytes that are read and written is kept: none, or all, as strace shows strings in hex. */
export type TracedData = 'none' | 'all';

/** Longer than any write of the cloud's. */
const allBytes = 64 * 1024 * 1024;

/** Calls that read, write and sync, by every name they have. */
const traced = [
  ...['read', 'readv', 'pread64', 'preadv', 'recvfrom', 'recvmsg'],
  ...['write', 'writev', 'pwrite64', 'pwritev', 'pwritev2', 'sendto', 'sendmsg'],
  ...['ftruncate', 'fsync', 'fdatasync', 'sync_file_range', 'msync', 'syncfs', 'sync'],
].join(',');

/** Calls that make, name and remove files, and say who may do what with them. */
const naming = [
  ...['openat', 'rename', 'renameat', 'renameat2', 'link', 'linkat'],
  ...['unlink', 'unlinkat', 'mkdir', 'mkdirat', 'rmdir'],
  ...['chmod', 'fchmod', 'fchmodat'],
].join(',');

/** Longer than a process takes to end, and strace after it. */
const endMs = 10_000;

/**
 * Words to start a program under that has every change it makes to a disk traced, from its first on, with times. What
 * is started is still the program itself: strace is its child.
 */
export function tracedFromStart(file: string): string[] {
  const options = ['-D', '-f', '-ttt', '-yy', '-xx', '-s', String(allBytes)];
  return ['strace', ...options, '-e', `trace=${traced},${naming}`, '-o', file];
}

/** What `tracedFromStart` wrote of a process that has been ended, once all of it is there. */
export async function readTrace(pid: number, file: string): Promise<CallEvent[]> {
  const last = new RegExp(`^${pid} +\\S+ \\+\\+\\+ (killed|exited)`, 'm');
  const text = await until(
    async () => {
      const found = await readFile(file, 'utf8');
      return last.test(found.slice(-10_000)) ? found : undefined;
    },
    { limitMs: endMs, what: `the end of process ${pid} in its trace` },
  );
  return parseTrace(text);
}

/** strace at work on every thread of a process. */
export class SystemCalls {
  readonly #strace: ChildProcess;
  readonly #file: string;

  private constructor(strace: ChildProcess, file: string) {
    this.#strace = strace;
    this.#file = file;
  }

  /** Attaches to a process; its trace goes to `file`. @returns one line where the system does not allow it. */
  static async of(pid: number, file: string, data: TracedData = 'none'): Promise<SystemCalls | string> {
    const strings = data === 'none' ? ['-s', '0'] : ['-xx', '-s', String(allBytes)];
    const options = ['-f', '-yy', ...strings, '-e', `trace=${traced}`, '-o', file, '-p', String(pid)];
    const strace = spawn('strace', options, { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    const attached = new Promise<true>((resolve) => {
      strace.stderr.setEncoding('utf8').on('data', (text: string) => {
        said += text;
        if (/Process \d+ attached/.test(said)) resolve(true);
      });
    });
    const isAttached = await Promise.race([attached, once(strace, 'exit').then(() => false)]);
    return isAttached ? new SystemCalls(strace, file) : said.trim().replaceAll('\n', '; ');
  }

  /** Lets the process go on alone; what was seen, in the order it was seen in. */
  async end(): Promise<CallEvent[]> {
    const ended = once(this.#strace, 'exit');
    this.#strace.kill('SIGINT');
    await ended;
    return parseTrace(await readFile(this.#file, 'utf8'));
  }
}

/**
 * Reads what `strace -f -yy` writes. A call that others came in between of has two lines (`<unfinished ...>`, `<... resumed>`);
 * any other one, for a beginning and a return with nothing between them.
 */
function parseTrace(text: string): CallEvent[] {
  const events: CallEvent[] = [];
  const unfinished = new Map<number, Pick<CallEvent, 'call' | 'target' | 'rest'>>();
  let at = Number.NaN;
  for (const line of text.split('\n')) {
    const [, id = '', time, rest = ''] = /^(\d+) +(?:(\d+\.\d+) )?(.*)$/.exec(line) ?? [];
    if (time !== undefined) at = Number(time) * 1000;
    const thread = Number(id);
    // From the end: with all its data a line is long.
    const result = Number(/^ = (-?\d+)/.exec(rest.slice(rest.lastIndexOf(' = ')))?.[1] ?? Number.NaN);
    if (rest.startsWith('<... ')) {
      const begun = unfinished.get(thread);
      if (begun !== undefined) events.push({ kind: 'returns', thread, at, ...begun, result });
      unfinished.delete(thread);
      continue;
    }
    // A target may hold `->`, and ends at the first `>` that is not part of one.
    const [head, call, target] =
      /^(\w+)\(\d+<((?:->|[^>])*)>/.exec(rest) ?? /^(\w+)\((?:AT_FDCWD<[^>]*>, )?"([^"]*)"/.exec(rest) ?? [];
    if (head === undefined || call === undefined || target === undefined) continue;
    const begun = { call, target: inLetters(target), rest: rest.slice(head.length) };
    events.push({ kind: 'begins', thread, at, ...begun, result: undefined });
    if (rest.endsWith('<unfinished ...>')) unfinished.set(thread, begun);
    else events.push({ kind: 'returns', thread, at, ...begun, result });
  }
  return events;
}

/** The second path of a call that names two: `, "\x2f…"`. */
export function otherPath(rest: string): string {
  return inLetters(/^, (?:AT_FDCWD<[^>]*>, )?"([^"]*)"/.exec(rest)?.[1] ?? '');
}

/** A path as it is: with -xx strace shows it in hex, as all else. */
function inLetters(target: string): string {
  return target.replaceAll(/\\x([0-9a-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}
