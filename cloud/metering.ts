import type { Log } from '@loadline/sdk/platform';
import { Accounting, AccountingKeeper, type AccountingOptions, usualAccounting } from './accounting/index.ts';
import { Arrivals, type FleetLimits, Metering, usualLimits } from './limits/index.ts';
import type { Store } from './store/index.ts';

/** Milliseconds between two looks at whether the time of connections is used up. */
const overstayMilliseconds = 5000;

export interface MeteringOptions {
  readonly limits?: FleetLimits;
  readonly accounting?: AccountingOptions;
}

/** Puts together what counts and limits: accounts of sessions, limits of those, and which connections are taken at all. */
export async function openMetering(
  parts: { store: Store; log: Log; now: () => number; monotonic: () => number },
  { limits = usualLimits, accounting: options = usualAccounting }: MeteringOptions = {},
) {
  const { store, monotonic } = parts;
  const accounting = await Accounting.open(parts, options);
  const settings = await store.read('limitSettings', {});
  const metering = new Metering({ ...parts, accounting, limits, settings });
  const arrivals = new Arrivals({ limits, monotonic });
  const keeper = new AccountingKeeper(parts, options);
  accounting.start();
  const timer = setInterval(() => metering.tick(), overstayMilliseconds).unref();
  return {
    accounting,
    metering,
    arrivals,
    /** To be called when the doors are closed: what they counted last is written. */
    close: async () => {
      clearInterval(timer);
      await keeper.close();
      await accounting.close();
    },
  };
}
