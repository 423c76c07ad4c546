import { readSync } from 'node:fs';
import koffi from 'koffi';
import { refused } from './pty.ts';

/*
 * Whether anybody has opened a tty, of whatever user and in whatever process: inotify(7), through the C library's own
 * functions, since Node's watchers do not tell of openings.
 */

// <sys/inotify.h> of Linux on x86, ARM and RISC-V; Node does not export it.
const IN_CLOEXEC = 0o2000000;
const IN_NONBLOCK = 0o4000;
const IN_OPEN = 0x20;
const IN_IGNORED = 0x8000;
const IN_ONESHOT = 0x80000000;
/** struct inotify_event: watch, mask, cookie, length of the name behind it (which a file that is watched itself has not). */
const EVENT_BYTES = 16;
const EVENTS_AT_A_TIME = 64;

interface Queue {
  readonly fd: number;
  add(fd: number, path: string, mask: number): number;
}

/** One for all ports of this process: a user may have 128 of them. */
let made: Queue | undefined;
const openings = new Map<number, { isOpened: boolean }>();

/**
 * Watches a tty from now on. What is returned tells whether it has been opened since; it throws RigError `pty` where the
 * kernel gives no watch, which only who asks need hear of.
 */
export function watchOpening(device: string): () => boolean {
  let queue: Queue;
  let watch: number;
  try {
    made ??= makeQueue();
    queue = made;
    take(queue);
    watch = queue.add(queue.fd, device, IN_OPEN | IN_ONESHOT);
    if (watch < 0) throw refused('inotify_add_watch');
  } catch (error) {
    return () => {
      throw error;
    };
  }
  const opening = { isOpened: false };
  openings.set(watch, opening);
  return () => {
    take(queue);
    return opening.isOpened;
  };
}

function makeQueue(): Queue {
  const library = koffi.load(null);
  const fd: number = library.func('int inotify_init1(int flags)')(IN_CLOEXEC | IN_NONBLOCK);
  if (fd < 0) throw refused('inotify_init1');
  return { fd, add: library.func('int inotify_add_watch(int fd, const char *path, uint32_t mask)') };
}

/** Takes what the kernel has to tell. A tty that is gone ends its watch by itself. */
function take({ fd }: Queue): void {
  const events = Buffer.alloc(EVENT_BYTES * EVENTS_AT_A_TIME);
  for (;;) {
    let length: number;
    try {
      length = readSync(fd, events);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return;
      throw error;
    }
    for (let at = 0; at < length; at += EVENT_BYTES) {
      const [watch, mask] = [events.readInt32LE(at), events.readUInt32LE(at + 4)];
      const opening = openings.get(watch);
      if (opening !== undefined && (mask & IN_OPEN) !== 0) opening.isOpened = true;
      if ((mask & IN_IGNORED) !== 0) openings.delete(watch);
    }
  }
}
