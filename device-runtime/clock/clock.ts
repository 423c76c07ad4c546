import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** The machine's own clocks. Injected, so that a test may set them to 1970. */
export interface Clock {
  /** 32 hex digits: the boot whose monotonic clock `monotonic` is. */
  readonly boot: string;
  /** Milliseconds since boot, with fractions; never steps. */
  monotonic(): number;
  /** Milliseconds since 1970 as the system believes them to be; may step either way, and nobody vouches for it. */
  wall(): number;
}

/** Linux gives every boot an id; elsewhere each start of the process counts as a boot of its own. */
function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'ascii').trim().replaceAll('-', '');
  } catch {
    return randomBytes(16).toString('hex');
  }
}

/**
 * The machine's own clocks. `process.hrtime` is CLOCK_MONOTONIC on Linux, which counts from boot, and which NTP slews
 * together with the wall clock: the difference of the two changes by steps only.
 */
export function systemClock(): Clock {
  return {
    boot: bootId(),
    monotonic: () => {
      const [seconds, nanoseconds] = process.hrtime();
      return seconds * 1000 + nanoseconds / 1e6;
    },
    wall: () => Date.now(),
  };
}
