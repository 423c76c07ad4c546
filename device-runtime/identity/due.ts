import type { Time } from '../clock/index.ts';

/** How a certificate stands: `refused` where the cloud takes no links by it, whatever its own dates say. */
export type Standing = 'good' | 'due' | 'refused' | 'ended';

/** What its life is measured by, ms since 1970: from when it was had, or else from its own beginning. */
export interface Life {
  readonly since: number;
  readonly notAfter: number;
}

/** Share of the life after which another certificate is asked for, and the share that the jitter spreads a fleet over. */
const shareOfLife = 2 / 3;
const jitterOfLife = 1 / 12;
/** Share of the life that is left when somebody should look, if renewals keep failing. */
const shareLeft = 1 / 6;
/** Links in a row that a cloud that was believed has refused, past which the certificate may be why. */
const refusalsBorne = 3;

/** Links in a row that a cloud which was believed has refused: with a word that we may not, and altogether. */
export interface Refusals {
  readonly said: number;
  readonly all: number;
}

/**
 * Whether it is time to ask for another certificate. Only a time that somebody vouches for says so: a clock that stands at
 * 1970, or at 2099, renews nothing. Where nobody does, links are tried first, and refusals are what there is to go by. A cloud
 * that says so shuts out by a certificate that is good still, too: revoked, or unknown to it since it was restored; only who
 * asks is told why. One that hangs up may be in trouble, and a fleet that asked it for certificates then would be more of it.
 *
 * @param jitter drawn once for each certificate, 0 <= n < 1
 */
export function standingOf(life: Life, jitter: number, time: Time, refusals: Refusals): Standing {
  const { wall } = time;
  if (time.kind === 'at-least' && !isTurnedDown(refusals)) return 'good';
  if (wall > life.notAfter) return 'ended';
  if (time.kind === 'at-least' || refusals.said >= refusalsBorne) return 'refused';
  const share = shareOfLife + jitter * jitterOfLife;
  return wall >= life.since + (life.notAfter - life.since) * share ? 'due' : 'good';
}

/** Whether so little is left of it that somebody should look why it is not renewed. */
export function isExpiring({ since, notAfter }: Life, { wall }: Time): boolean {
  return notAfter - wall < (notAfter - since) * shareLeft;
}

/** Whether the cloud takes no links by a certificate, with or without a word. */
export function isTurnedDown({ all }: Refusals): boolean {
  return all >= refusalsBorne;
}
