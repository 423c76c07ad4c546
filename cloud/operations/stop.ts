import type { Log } from '@loadline/sdk/platform';

/** Milliseconds in which a cloud that is told to stop has stopped; what is not done by then is left. */
const stopMilliseconds = 15_000;

/**
 * What becomes of the signals that end a process. The first ends the cloud in order, and the process with 0; with 1 where
 * that fails or takes longer than `stopMilliseconds`. A second one ends it at once: what was acknowledged is on disk all
 * the same, and what was not comes again.
 */
export function stopper(parts: {
  readonly close: () => Promise<void>;
  readonly exit: (code: number) => void;
  readonly log: Log;
}): (signal: string) => void {
  const { close, exit, log } = parts;
  let isStopping = false;
  return (signal) => {
    if (isStopping) {
      log.warn('stopping-at-once', { signal });
      exit(1);
      return;
    }
    isStopping = true;
    log.info('stopping', { signal });
    const overdue = setTimeout(() => {
      log.error('stop-overdue', { milliseconds: stopMilliseconds });
      exit(1);
    }, stopMilliseconds);
    close().then(
      () => {
        clearTimeout(overdue);
        exit(0);
      },
      (error: Error) => {
        clearTimeout(overdue);
        log.error('stop-failed', { reason: error.message });
        exit(1);
      },
    );
  };
}
