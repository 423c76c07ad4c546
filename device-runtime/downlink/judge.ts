import { limits } from '@loadline/sdk/contract';
import type { Time } from '../clock/index.ts';
import type { Outcome } from './command-memory.ts';

/** Whether a command may be carried out by what is known of the time. */
export type Judgement =
  /** It surely has not expired, for so many milliseconds from now on. */
  | { readonly kind: 'valid'; readonly left: number; readonly now: number }
  | { readonly kind: 'not'; readonly outcome: Outcome };

/** Judges the expiry of a command, ms since 1970. What may have expired counts as expired. */
export function judge(expires: number, time: Time): Judgement {
  if (time.kind === 'at-least') {
    if (expires <= time.wall) return not('expired', `it expired at ${at(expires)}`);
    return not('refused', 'nobody vouches for the time here: whether it has expired is not known');
  }
  const { wall, uncertainty } = time;
  const left = expires - wall - uncertainty;
  if (left <= 0) return not('expired', `it expired at ${at(expires)}, and it is ${at(wall)} here`);
  if (expires > wall + uncertainty + limits.commandMilliseconds + limits.futureMilliseconds) {
    return not('refused', `it expires at ${at(expires)}: more than a day from now`);
  }
  return { kind: 'valid', left, now: wall + uncertainty };
}

const not = (outcome: Outcome['outcome'], detail: string): Judgement => ({
  kind: 'not',
  outcome: { outcome, detail },
});

function at(wall: number): string {
  return wall <= limits.wallMilliseconds ? new Date(wall).toISOString() : 'the end of time';
}
