import type { Reading } from '@loadline/sdk/telemetry';
import type { SensorConfig } from '../config/index.ts';
import type { Outbox } from './outbox.ts';
import { ChangePolicy } from './policy-change.ts';
import { WindowPolicy } from './policy-window.ts';

/** When a sensor's readings are given out, and in what form. A frame is given out once, or not at all. */
export interface Policy {
  /** When `tick` has something to do, in milliseconds of the monotonic clock; Infinity where it has not. */
  readonly due: number;
  /**
   * `tick` comes before it where something is due.
   *
   * @param physical the number it stands for; NaN where it is none
   * @param found its defects; with any, it is given out as heard
   */
  take(reading: Reading, physical: number, found: number, out: Outbox): void;
  tick(now: number, out: Outbox): void;
  /** The gateway stops: what is held back is given out. */
  finish(now: number, out: Outbox): void;
}

const every: Policy = {
  due: Number.POSITIVE_INFINITY,
  take: (reading, _physical, _found, out) => out.heard(reading),
  tick: () => {},
  finish: () => {},
};

export function policyOf(send: SensorConfig['send']): Policy {
  switch (send.policy) {
    case 'every':
      return every;
    case 'change':
      return new ChangePolicy(send);
    case 'window':
      return new WindowPolicy(send);
  }
}
