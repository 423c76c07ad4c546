import { readdirSync, readFileSync } from 'node:fs';

/** Set to a value of its own for every file of tests: what the file starts inherits it, in whatever session it runs. */
export const RUN_MARK = 'LOADLINE_TEST_RUN';

/** A process that still runs. */
export interface Leftover {
  pid: number;
  command: string;
}

/**
 * The live processes of group `groupId` and those that carry `mark` in their environment: a program on a pty, or
 * a detached one, has left the group. Needs /proc: elsewhere the answer is none.
 */
export function findLeftovers(groupId: number, mark: string): Leftover[] {
  return processIds().flatMap((pid) => {
    try {
      // "pid (command) state parent group ...": the command may itself hold spaces and parentheses.
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const [state, , group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (state === 'Z' || state === 'X') return [];
      const ours =
        Number(group) === groupId ||
        readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`${RUN_MARK}=${mark}`);
      if (!ours) return [];
      return [{ pid, command: readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim() }];
    } catch {
      return []; // It ended while we looked, or is another user's.
    }
  });
}

/** Ends the process group and everything else that carries the mark, without asking. */
export function killAll(groupId: number, mark: string): void {
  const leftovers = findLeftovers(groupId, mark);
  kill(-groupId);
  for (const { pid } of leftovers) kill(pid);
}

function processIds(): number[] {
  try {
    return readdirSync('/proc').map(Number).filter(Number.isInteger);
  } catch {
    return [];
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Already gone.
  }
}
