import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** Where the runtime takes all time from. Injected, so that a test may set it to 1970. */
export interface Clock {
  /** 32 hex digits: the boot whose monotonic clock `monotonic` is. */
  readonly boot: string;
  /** Milliseconds since boot, with fractions; never steps. */
  monotonic(): number;
  /** Milliseconds since 1970 as the system believes them to be; may step either way. */
  wall(): number;
  /** How far `wall` may be off, in milliseconds. */
  uncertainty(): number;
}

/**
 * What is said of the system's clock while nothing judges it: NTP over a mobile link stays well within it, and
 * it is no claim to more.
 */
const unjudgedUncertainty = 1000;

/** Linux gives every boot an id; elsewhere each start of the process counts as a boot of its own. */
function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'ascii').trim().replaceAll('-', '');
  } catch {
    return randomBytes(16).toString('hex');
  }
}

/** The machine's own clock. `process.hrtime` is CLOCK_MONOTONIC on Linux, which counts from boot. */
export function systemClock(): Clock {
  return {
    boot: bootId(),
    monotonic: () => {
      const [seconds, nanoseconds] = process.hrtime();
      return seconds * 1000 + nanoseconds / 1e6;
    },
    wall: () => Date.now(),
    uncertainty: () => unjudgedUncertainty,
  };
}
