import { readdirSync, readFileSync } from 'node:fs';

/** The middle one; the upper of the two where their number is even. */
export function median(numbers: readonly number[]): number {
  return percentile(numbers, 0.5);
}

/** The value that a share (0 to 1) of the numbers is below. NaN where there is none. */
export function percentile(numbers: readonly number[], share: number): number {
  const sorted = Float64Array.from(numbers).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

export function rounded(number: number, places = 0): number {
  return Number(number.toFixed(places));
}

/** Ticks a second of /proc/PID/stat: 100 on every Linux that Node runs on. */
const ticksPerSecond = 100;

/** User and system time of a process, all threads, in seconds; a hundredth is the finest it knows. */
export function cpuSecondsOf(pid: number): number {
  return spent(`/proc/${pid}/stat`).seconds;
}

/**
 * The same of its first thread, and of those named `name`, together. Linux keeps 15 characters of a name, and Node
 * gives that of a worker to its thread.
 */
export function threadSecondsOf(
  pid: number,
  name: string,
): { readonly first: number; readonly named: number } {
  let named = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const { name: own, seconds } = spent(`/proc/${pid}/task/${thread}/stat`);
    if (own === name.slice(0, 15)) named += seconds;
  }
  return { first: spent(`/proc/${pid}/task/${pid}/stat`).seconds, named };
}

function spent(file: string): { readonly name: string; readonly seconds: number } {
  // The name, field 2, may hold anything; fields 14 and 15 are utime and stime (proc_pid_stat(5)).
  const stat = readFileSync(file, 'latin1');
  const nameEnd = stat.lastIndexOf(')');
  const fields = stat.slice(nameEnd + 2).split(' ');
  return {
    name: stat.slice(stat.indexOf('(') + 1, nameEnd),
    seconds: (Number(fields[11]) + Number(fields[12])) / ticksPerSecond,
  };
}

/** Memory a process has resident now, in MiB. */
export function residentOf(pid: number): number {
  return numberIn(`/proc/${pid}/status`, 'VmRSS') / 1024;
}

/** Bytes a process has caused to be sent to a disk (proc_pid_io(5)): whole pages, what the file system adds left out. */
export function writtenBy(pid: number): number {
  return numberIn(`/proc/${pid}/io`, 'write_bytes');
}

/** Milliseconds of the monotonic clock, the same in all processes of this machine. */
export function monotonic(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

function numberIn(file: string, name: string): number {
  const found = new RegExp(`^${name}:\\s*(\\d+)`, 'm').exec(readFileSync(file, 'latin1'))?.[1];
  if (found === undefined) throw new Error(`${file} has no ${name}`);
  return Number(found);
}
