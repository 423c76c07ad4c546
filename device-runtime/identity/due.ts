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

/**
 * Whether it is time to ask for another certificate. Only a time that somebody vouches for says so: a clock that stands at
 * 1970, or at 2099, renews nothing. Where nobody does, links are tried first. The cloud's refusals of links are what there is to go
 * by then, and by a certificate that ends before its time.
 *
 * @param jitter drawn once for each certificate, 0 <= n < 1
 * @param refusals links in a row that the cloud has refused
 */
export function standingOf(life: Life, jitter: number, time: Time, refusals: number): Standing {
  const { wall } = time;
  const isRefused = isTurnedDown(refusals);
  if (time.kind === 'at-least' && !isRefused) return 'good';
  if (wall > life.notAfter) return 'ended';
  // Revoked, or unknown to a cloud that was restored: only who asks is told why, and only who asks gets another one.
  if (isRefused) return 'refused';
  const share = shareOfLife + jitter * jitterOfLife;
  return wall >= life.since + (life.notAfter - life.since) * share ? 'due' : 'good';
}

/** Whether so little is left of it that somebody should look why it is not renewed. */
export function isExpiring({ since, notAfter }: Life, { wall }: Time): boolean {
  return notAfter - wall < (notAfter - since) * shareLeft;
}

/** Whether the cloud refuses links by a certificate, one after the other. */
export function isTurnedDown(refusals: number): boolean {
  return refusals >= refusalsBorne;
}
