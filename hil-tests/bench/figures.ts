import { readFileSync } from 'node:fs';

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
  // The name, field 2, may hold anything; fields 14 and 15 are utime and stime (proc_pid_stat(5)).
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
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
