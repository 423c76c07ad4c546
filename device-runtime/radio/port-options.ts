import type { Driver } from '@loadline/sdk/driver';
import type { Heard } from '../bind/index.ts';
import type { Claims } from './claims.ts';
import type { RadioEvent } from './complaints.ts';
import type { FinderOptions } from './finder.ts';
import type { Opener } from './opening.ts';
import type { RadioPort } from './port.ts';

/** Milliseconds of a port's patience; a test may shorten them. */
export interface Timing {
  /** Listening on a device that does not say who it is, where there are others to try. */
  readonly listen: number;
  /** Until a refused device is tried again. */
  readonly refused: number;
  /** For a module to answer a command. */
  readonly answer: number;
  /** Between two looks at who else has the device open. */
  readonly look: number;
}

export interface RadioPortOptions extends FinderOptions {
  readonly driver: Driver;
  readonly opener: Opener;
  /** Who has which device: one for all ports. */
  readonly claims: Claims<RadioPort>;
  /** The other ports of the same pattern, which this one's devices may be meant for. */
  readonly twins: () => readonly RadioPort[];
  /** Frames, in the order of the line. */
  readonly onHeard: (heard: readonly Heard[]) => void;
  /** Something in the ledger changed, with or without frames. */
  readonly onChange: () => void;
  readonly onEvent: (event: RadioEvent) => void;
  /** The port has its device, or could not have it: who else does? */
  readonly onSuspicion: () => void;
  readonly timing: Timing;
}
