/**
 * Which process with one identity has the link. A gateway states the epoch of its journal at CONNECT, and every start of
 * it opens a new one, never used before: so an epoch is a process.
 *
 *     CONNECT as           is it                                          then
 *     an epoch never let in  a start: the earlier process has ended,      it is let in, whatever link stands
 *                            or it is a copy that begins
 *     the one let in last    the same process, on another connection      it is let in, whatever link stands
 *     one let in before it   alive, though another one began after it:    an alarm; refused while that one's place is
 *                            a copy                                       held, and let in once it is free
 *
 * Only what shows that a process is alive counts: a connection that began before the last one was let in may have been on
 * its way since, and its process may be gone.
 */

/** A process as it was let in. */
export interface Claimant {
  /** Epoch of its journal: 32 hex digits. */
  readonly epoch: string;
  /** The address it came from. */
  readonly source: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** When it was let in, monotonic ms; minus infinity where that was before this cloud began. */
  readonly admitted: number;
}

/** A CONNECT that states an epoch. */
export interface Arriving {
  readonly epoch: string;
  /** When its connection was accepted, monotonic ms. */
  readonly began: number;
}

export type Verdict =
  /** A process that was never seen, or the one that was let in last. */
  | { readonly kind: 'in-turn' }
  /** Its connection is older than the link of the process that was let in last: it says nothing of now. */
  | { readonly kind: 'late' }
  /** It is alive, and so was another one that was let in after it. */
  | { readonly kind: 'came-back'; readonly before: Claimant; readonly last: Claimant };

/** What a CONNECT says, given the processes that were let in, the last one last. Pure. */
export function judge(claimants: readonly Claimant[], { epoch, began }: Arriving): Verdict {
  const last = claimants.at(-1);
  const before = claimants.find((one) => one.epoch === epoch);
  if (last === undefined || before === undefined || before === last) return { kind: 'in-turn' };
  if (began < last.admitted) return { kind: 'late' };
  return { kind: 'came-back', before, last };
}
