import { stripVTControlCharacters } from 'node:util';

/** What uvu says at its end. `total` leaves out what was skipped. */
export interface UvuSummary {
  total: number;
  passed: number;
  skipped: number;
}

const SUMMARY = /^ {2}Total: +(\d+)\n {2}Passed: +(\d+)\n {2}Skipped: +(\d+)\n {2}Duration: .*$/gm;

/** The last summary in `output`, or undefined: uvu was never imported, or the process ended before its tests did. */
export function findUvuSummary(output: string): UvuSummary | undefined {
  const last = [...stripVTControlCharacters(output).matchAll(SUMMARY)].at(-1);
  if (last === undefined) return undefined;
  return { total: Number(last[1]), passed: Number(last[2]), skipped: Number(last[3]) };
}
