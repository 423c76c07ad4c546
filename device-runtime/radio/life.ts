import { fstatSync, statSync } from 'node:fs';

/** Milliseconds between two looks at whether an open port's device is still there. */
const lifeMilliseconds = 250;

/**
 * A hang-up right behind data, or between the opening and the first read, leaves serialport 13 reading nothing in a
 * busy loop, with no event and the port "open" for ever. Closing ends it, so signs of life are looked for from outside:
 * the descriptor's own node must still exist, and the path must still lead to it (a name may by now be another
 * device's). `gone` is called once with the reason, in words; the function returned ends the watch.
 */
export function watchLife(fd: number, path: string, gone: (reason: string) => void): () => void {
  const timer = setInterval(() => {
    const reason = whyGone(fd, path);
    if (reason === undefined) return;
    clearInterval(timer);
    gone(reason);
  }, lifeMilliseconds);
  return () => clearInterval(timer);
}

function whyGone(fd: number, path: string): string | undefined {
  try {
    const open = fstatSync(fd);
    if (open.nlink === 0) return 'the device behind the open port is gone';
    const named = statSync(path, { throwIfNoEntry: false });
    if (named === undefined) return 'the path leads nowhere any more';
    if (named.dev !== open.dev || named.ino !== open.ino) return 'the path leads to another device now';
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
