import type { Ceiling, Hold, Ladder, Limits } from './limits.ts';

/**
 * Why a block began: a subject's `ceiling` over all sources, too many failures in a row (`disabled`), a `source`, a
 * `device` that is no longer trusted, a second `factor` that is held.
 */
export type BlockKind = 'ceiling' | 'disabled' | 'source' | 'device' | 'factor';

/** Times in ms since 1970; `until: null` ends by an act only. */
export interface Held {
  readonly kind: BlockKind;
  readonly since: number;
  readonly until: number | null;
}

/** What is known of the failures behind one key. */
export interface Entry {
  /**
   * When the last failure will have faded. Failures fade one after the other, so this and the time tell how many have
   * not; and of two entries the later one is the one with more, now and at any time.
   */
  emptyAt: number;
  /** The last attempt let through, or failure. */
  last: number;
  /** Attempts under way: let through, and not known how they ended. */
  pending: number;
  /** Failures since the last success. */
  row: number;
  /** Blocks so far, as of the end of the last one. */
  repeats: number;
  held?: Held;
  /** What is to be told: since the last telling, or the first failure. */
  untold: { failures: number; refused: number; first: number; sources: Set<string> };
}

/** Sources named of one entry. */
export const sourcesNamed = 8;

export function emptyEntry(now: number): Entry {
  return { emptyAt: now, last: now, pending: 0, row: 0, repeats: 0, untold: nothingUntold(now) };
}

export function nothingUntold(now: number): Entry['untold'] {
  return { failures: 0, refused: 0, first: now, sources: new Set() };
}

/** Failures that have not faded; not a whole number while one fades. */
export function levelOf(limits: Limits, entry: Entry, now: number): number {
  return Math.max(0, entry.emptyAt - now) / limits.fadeMs;
}

/** Forgets the failures in a row where there was no attempt for long enough. */
export function forgetRow(limits: Limits, entry: Entry, now: number): void {
  if (limits.rule !== 'hold' && limits.row && now - entry.last > limits.row.forgetMs) entry.row = 0;
}

export function isHeld(entry: Entry, now: number): boolean {
  return entry.held !== undefined && (entry.held.until === null || entry.held.until > now);
}

/** Whether an entry says no more than none. */
export function isEmpty(limits: Limits, entry: Entry, now: number): boolean {
  const repeated = limits.rule === 'hold' && repeats(limits, entry, now) > 0;
  return entry.emptyAt <= now && entry.pending === 0 && entry.row === 0 && !isHeld(entry, now) && !repeated;
}

/** A wait where there is no time at which it ends by itself. */
const waitForAct = Number.POSITIVE_INFINITY;

/** A wait for attempts that are under way. */
const waitForOthersMs = 1000;

/** Milliseconds until an entry lets the next attempt through. 0: now. */
export function waitMs(limits: Limits, entry: Entry, now: number): number {
  if (entry.held && isHeld(entry, now))
    return entry.held.until === null ? waitForAct : entry.held.until - now;
  // Attempts under way count as failures, or those that come all at once would all be the first.
  if (limits.rule === 'ladder') {
    if (limits.row && entry.row + entry.pending >= limits.row.limit) return waitForOthersMs;
    const failures = Math.ceil(levelOf(limits, entry, now)) + entry.pending;
    return Math.max(0, entry.last + ladderDelay(limits, failures) - now);
  }
  const above = aboveMs(limits, entry, now);
  if (above > 0) return above;
  const inRow = limits.rule === 'ceiling' && limits.row && entry.row + entry.pending >= limits.row.limit;
  return above + entry.pending * limits.fadeMs > 0 || inRow ? waitForOthersMs : 0;
}

/** Counts one failure. A block that begins with it, or goes on, is in `held`. */
export function countFailure(limits: Limits, entry: Entry, now: number, trustedUntil?: number): void {
  entry.emptyAt = Math.max(entry.emptyAt, now) + limits.fadeMs;
  if (limits.rule === 'ladder') {
    entry.emptyAt = Math.min(entry.emptyAt, now + ladderTop(limits) * limits.fadeMs);
  }
  entry.last = now;
  if (limits.rule !== 'hold' && limits.row) entry.row += 1;
  const since = entry.held && isHeld(entry, now) ? entry.held.since : now;
  const next = blockOf(limits, entry, now, trustedUntil);
  if (next) entry.held = { ...next, since };
}

function blockOf(
  limits: Limits,
  entry: Entry,
  now: number,
  trustedUntil: number | undefined,
): Pick<Held, 'kind' | 'until'> | undefined {
  if (limits.rule === 'hold') return holdOf(limits, entry, now);
  if (limits.row && entry.row >= limits.row.limit) {
    return trustedUntil === undefined
      ? { kind: 'disabled', until: null }
      : { kind: 'device', until: trustedUntil };
  }
  return limits.rule === 'ceiling' ? ceilingOf(limits, entry, now) : delayOf(limits, entry, now);
}

function delayOf(limits: Ladder, entry: Entry, now: number): Pick<Held, 'kind' | 'until'> | undefined {
  const delay = ladderDelay(limits, Math.ceil(levelOf(limits, entry, now)));
  return limits.listedAs && delay > 0 ? { kind: limits.listedAs, until: now + delay } : undefined;
}

function ceilingOf(limits: Ceiling, entry: Entry, now: number): Pick<Held, 'kind' | 'until'> | undefined {
  const above = aboveMs(limits, entry, now);
  return above > 0 ? { kind: 'ceiling', until: now + above } : undefined;
}

/** Milliseconds until there is room for one failure more; below zero where there is. */
function aboveMs(limits: Ceiling | Hold, entry: Entry, now: number): number {
  return entry.emptyAt - (limits.burst - 1) * limits.fadeMs - now;
}

function holdOf(limits: Hold, entry: Entry, now: number): Pick<Held, 'kind' | 'until'> | undefined {
  if (aboveMs(limits, entry, now) <= 0 || isHeld(entry, now)) return undefined;
  const repeated = repeats(limits, entry, now);
  entry.repeats = repeated + 1;
  entry.emptyAt = now;
  return { kind: 'source', until: now + Math.min(limits.mostMs, limits.firstMs * 2 ** repeated) };
}

function repeats(limits: Hold, entry: Entry, now: number): number {
  const freeSince = entry.held?.until ?? now;
  return Math.max(0, entry.repeats - Math.max(0, Math.floor((now - freeSince) / limits.forgetMs)));
}

/** Milliseconds of delay after so many failures. */
function ladderDelay(limits: Ladder, failures: number): number {
  return failures <= limits.free
    ? 0
    : Math.min(limits.mostMs, limits.firstMs * 2 ** (failures - limits.free - 1));
}

/** The first number of failures with the longest delay: counting on would only make it last after the attack. */
function ladderTop(limits: Ladder): number {
  return limits.free + 1 + Math.ceil(Math.log2(limits.mostMs / limits.firstMs));
}
