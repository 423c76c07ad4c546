import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, fdatasyncSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { cpus, loadavg, release, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { median, rounded } from './figures.ts';

/** What figures were taken on: without it they say nothing to anybody else. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGibibytes: number;
  readonly system: string;
  readonly kernel: string;
  readonly node: string;
  /** Median of a write of 4 KiB and its fdatasync, in the folder for temporary files, where the benches have theirs. */
  readonly syncMilliseconds: number;
  /** CPU time of a piece of work that is the same everywhere: how fast the machine is now, whatever it is called. */
  readonly yardstickMilliseconds: number;
  /** Load over the last minute: how much else there was to do. */
  readonly load: number;
}

const syncs = 101;
const yardsticks = 7;

/** Describes this machine as it is now; takes a second. */
export function describeMachine(): Machine {
  const folder = mkdtempSync(join(tmpdir(), 'loadline-machine-'));
  try {
    return {
      cpu: cpus()[0]?.model ?? 'unknown',
      cores: cpus().length,
      memoryGibibytes: rounded(totalmem() / 2 ** 30, 1),
      system: /^PRETTY_NAME="(.+)"$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'Linux',
      kernel: release(),
      node: process.version,
      syncMilliseconds: measureSync(join(folder, 'sync')),
      yardstickMilliseconds: measureYardstick(),
      load: rounded(loadavg()[0] ?? 0, 1),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** In a few words, for a line above a table. */
export function machineLine({ cpu, cores, memoryGibibytes, node, load }: Machine): string {
  return `${cores} x ${cpu}, ${memoryGibibytes} GiB, Node ${node}, load ${load}`;
}

/** What differs between two machines that figures depend on, in words; a new kernel is not another machine. */
export function differences(now: Machine, then: Machine): string[] {
  const of = ({ cpu, cores, memoryGibibytes, node }: Machine) => ({
    ...{ processor: cpu, cores, 'GiB of memory': memoryGibibytes, Node: node },
  });
  const [here, there] = [Object.entries(of(now)), Object.values(of(then))];
  return here.flatMap(([what, value], at) =>
    value === there[at] ? [] : [`${what} ${value}, then ${there[at]}`],
  );
}

/** What keeping figures writes is no change to what is measured. */
const written = [':(top,exclude)hil-tests/bench/figures', ':(top,exclude)docs/benchmarks.md'];

/** The commit that is checked out, with a `+` where something is changed; undefined outside a checkout. */
export function currentCommit(): string | undefined {
  const git = (...args: string[]) =>
    execFileSync('git', args, {
      cwd: import.meta.dirname,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  try {
    const changed = git('status', '--porcelain', '--untracked-files=no', '--', ':/', ...written);
    return `${git('rev-parse', '--short=12', 'HEAD').trim()}${changed === '' ? '' : '+'}`;
  } catch {
    return undefined;
  }
}

/** Median, in milliseconds, of a write of 4 KiB and its fdatasync to a file of this path. */
export function measureSync(path: string): number {
  const file = openSync(path, 'w', 0o600);
  try {
    const page = Buffer.alloc(4096, 1);
    const times = Array.from({ length: syncs }, () => {
      const began = performance.now();
      writeSync(file, page);
      fdatasyncSync(file);
      return performance.now() - began;
    });
    return rounded(median(times), 3);
  } finally {
    closeSync(file);
  }
}

/** The quickest of some runs: what else is at work makes one slower, and none faster. */
function measureYardstick(): number {
  const times = Array.from({ length: yardsticks }, () => {
    const before = process.cpuUsage();
    yardstick();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  });
  return rounded(Math.min(...times), 1);
}

/** JavaScript over bytes that do not stay in a cache, and a hash in native code: the two kinds of work there are here. */
function yardstick(): void {
  const bytes = new Uint8Array(16 * 1024 * 1024);
  let state = 1;
  for (let at = 0; at < bytes.length; at++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    bytes[at] = (bytes[state & (bytes.length - 1)] ?? 0) ^ (state >>> 24);
  }
  createHash('sha256').update(bytes).digest();
}
