import type { Ledger } from './api.ts';

type Counts = Ledger['deliveries'];

/** A range of numbers of a run that is not in the store, and what became of it. */
export interface Gap {
  /** The run's id, 32 hex digits. */
  readonly epoch: string;
  readonly first: number;
  readonly last: number;
  readonly state: 'dropped' | 'coming' | 'lost';
}

/** Whether everything that was received is somewhere, and nothing twice. */
export function addsUp({ received, stored, duplicate, rejected }: Counts): boolean {
  return received === stored + duplicate + rejected;
}

/** The gaps of the runs that a ledger shows, in its order: the newest run first. */
export function gapsOf({ epochs }: Pick<Ledger, 'epochs'>): readonly Gap[] {
  return epochs.flatMap(({ epoch, gaps }) =>
    gaps.map(({ first, last, state }) => ({ epoch, first, last, state })),
  );
}

/** How many numbers lie in the gaps of one state. */
export function missingOf(gaps: readonly Gap[], state: Gap['state']): number {
  return gaps
    .filter((gap) => gap.state === state)
    .reduce((total, { first, last }) => total + last - first + 1, 0);
}
