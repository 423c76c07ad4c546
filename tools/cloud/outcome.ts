import { CloudError, UnreachableError } from '@loadline/sdk/client';

/** What a command ends with. */
const exitCodes = { done: 0, refused: 1, calledWrongly: 2, noCloud: 3 } as const;

/** What was asked for cannot be asked of a cloud: the message says what to do about it. */
export class CalledWrongly extends Error {}

/** Nobody is logged in, so that no cloud is asked. */
export class NotLoggedIn extends Error {}

/** Runs a command's work; an error is told on standard error and decides what the command ends with. */
export async function attempt(name: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const { code, words } = judge(error);
    process.stderr.write(`loadline ${name}: ${words}\n`);
    process.exitCode = code;
  }
}

/** What an error means to who called: an exit code, and words that say what to do. */
export function judge(error: unknown): { readonly code: number; readonly words: string } {
  if (error instanceof CalledWrongly) return { code: exitCodes.calledWrongly, words: error.message };
  if (error instanceof NotLoggedIn) return { code: exitCodes.noCloud, words: error.message };
  if (error instanceof UnreachableError) return { code: exitCodes.noCloud, words: error.message };
  if (error instanceof CloudError) {
    const { status, code, message, retryAfterSeconds } = error;
    const wait = retryAfterSeconds === null ? '' : `; try again in ${retryAfterSeconds} s`;
    const words = `${message} (${code})${wait}`;
    if (status !== 401) return { code: exitCodes.refused, words };
    return { code: exitCodes.noCloud, words: `${words}: loadline login opens a new session` };
  }
  return { code: exitCodes.refused, words: (error as Error).message };
}
