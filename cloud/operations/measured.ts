import type { Receipt, Router } from '../router/index.ts';
import type { DoorName, Metrics } from './metrics.ts';

/** The router as one door has it: what it delivers is counted as that door's. `monotonic`: ms. */
export function measured(
  router: Pick<Router, 'deliver'>,
  parts: { readonly door: DoorName; readonly metrics: Metrics; readonly monotonic: () => number },
): Pick<Router, 'deliver'> {
  const { door, metrics, monotonic } = parts;
  return {
    deliver(delivery, settle) {
      const began = monotonic();
      router.deliver(delivery, (receipt: Receipt) => {
        count(receipt);
        settle(receipt);
      });

      function count(receipt: Receipt): void {
        // A question for the time is no delivery: nothing of it is kept.
        if (receipt.kind === 'answered') return;
        metrics.delivered(door, receipt.kind, monotonic() - began);
        if (receipt.kind === 'committed') metrics.readings(door, receipt);
      }
    },
  };
}
