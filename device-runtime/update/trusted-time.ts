import { ReleaseError } from '@loadline/sdk/release';
import type { Time } from '../clock/index.ts';

/**
 * How far the system's clock, the time that somebody vouches for, and what was known before may contradict each other, besides
 * what the voucher admits: metadata lives for days, so an hour gives nobody anything.
 */
const tolerance = 3_600_000;

/** Nothing says that it is later than this long after the software was built: see `clock/floor.ts`. */
const lifetime = 20 * 366 * 86_400_000;

/**
 * Metadata is judged by the time: by a clock in 1970 nothing is ever out of date, and one in 2099 takes nothing any more.
 * tuf-js asks the system's clock and no other, so that must be right, and somebody must vouch that it is.
 *
 * @param floor a time that was surely past, ms since 1970, and `built`, when the software was built
 * @returns a time that is surely past now
 * @throws ReleaseError `time-untrusted`
 */
export function mustKnowTheTime(
  time: Time,
  { floor, built, system }: { floor: number; built: number | undefined; system: number },
): number {
  if (time.kind === 'at-least') {
    throw new ReleaseError(
      'time-untrusted',
      `nobody vouches for the time: the system's clock says ${iso(system)}, and neither the cloud nor time synchronisation confirms it`,
    );
  }
  if (Math.abs(system - time.wall) > time.uncertainty + tolerance) {
    throw new ReleaseError(
      'time-untrusted',
      `the system's clock says ${iso(system)}, and it is ${iso(time.wall)}: let the gateway reach a time server (NTP, UDP port 123), or set its clock: updates wait for that`,
    );
  }
  const past = Math.max(floor <= (built ?? system) + lifetime ? floor : 0, built ?? 0);
  if (time.wall + time.uncertainty + tolerance < past) {
    throw new ReleaseError(
      'time-untrusted',
      `the time is said to be ${iso(time.wall)}, and it was later than ${iso(past)} before: somebody turns it back`,
    );
  }
  return Math.max(0, Math.floor(Math.min(system, time.wall - time.uncertainty)));
}

function iso(time: number): string {
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? `${time} ms` : date.toISOString();
}
