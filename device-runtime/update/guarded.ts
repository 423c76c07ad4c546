import type { Log } from '@loadline/sdk/platform';

/** Does a piece of work on updates. Where it throws, that is logged, under `what`, and goes no further. */
export async function guarded(log: Log, what: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    log.error('update-failed', { what, reason: (error as Error).message });
  }
}
