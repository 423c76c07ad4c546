import { mkdir } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { FolderInUse, lockFolder } from '@loadline/sdk/platform';

/** Milliseconds from one look whether the other build has ended to the next. */
const lookMilliseconds = 200;

/**
 * Builds in a folder, which is made, while nobody else does: waits for a build that is at work there, and says so. One that
 * was killed is not waited for.
 */
export async function inTurn<T>(
  folder: string,
  tell: (line: string) => void,
  work: () => Promise<T>,
): Promise<T> {
  await mkdir(folder, { recursive: true });
  const leave = await takeTurn(folder, tell);
  try {
    return await work();
  } finally {
    await leave();
  }
}

async function takeTurn(folder: string, tell: (line: string) => void): Promise<() => Promise<void>> {
  for (let looks = 0; ; looks++) {
    try {
      return await lockFolder(folder);
    } catch (error) {
      if (!(error instanceof FolderInUse)) throw error;
      if (looks === 0) tell(`another build is at work in ${folder}: this one waits for it`);
      await delay(lookMilliseconds);
    }
  }
}
