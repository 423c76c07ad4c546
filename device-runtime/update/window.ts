import type { Time } from '../clock/index.ts';
import type { Window } from '../config/index.ts';

/** What is said of updates in the configuration, as far as it says when. */
export interface Terms {
  readonly enabled: boolean;
  readonly window: Window | undefined;
}

/** Whether an update may go on now, or why it waits. */
export type Gate = { readonly open: true } | { readonly open: false; readonly why: string };

/** Whether an instant (milliseconds since 1970) lies in the window. */
export function isWithin({ from, to }: Window, wall: number): boolean {
  const minute = Math.floor(wall / 60_000) % 1440;
  return from < to ? minute >= from && minute < to : minute >= from || minute < to;
}

/**
 * Whether an update may go on. Nothing is fetched, and nothing is switched to, without a time that somebody vouches for:
 * signed metadata is judged by it, and so is the window.
 */
export function gateOf({ enabled, window }: Terms, time: Time): Gate {
  if (!enabled)
    return { open: false, why: 'updates are switched off in its configuration (`update.enabled`)' };
  if (time.kind !== 'known') {
    return {
      open: false,
      why: 'nobody vouches for the time yet: neither a time server (NTP, UDP port 123) nor the cloud has told it',
    };
  }
  if (window !== undefined && !isWithin(window, time.wall)) {
    return {
      open: false,
      why: `its maintenance window is ${clockTime(window.from)} to ${clockTime(window.to)} UTC`,
    };
  }
  return { open: true };
}

function clockTime(minutes: number): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}
