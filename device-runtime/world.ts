import type { Log } from '@loadline/sdk/platform';
import type { BindingInterface } from '@serialport/bindings-cpp';
import type { Clock } from './clock/index.ts';

/** The world, as far as a gateway touches it. */
export interface World {
  readonly binding: BindingInterface;
  readonly clock: Clock;
  readonly log: Log;
  /** A number 0 <= n < 1. */
  readonly random: () => number;
  /** Variables that systemd sets for a service it watches. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly pid: number;
}
