import { createHash } from 'node:crypto';
import type { Ring } from '../store/index.ts';

/** How far a rollout goes. */
export interface Reach {
  readonly ring: Ring;
  /** Of the gateways that are no canaries, in the ring `percent`: 0 to 100. */
  readonly percent: number;
}

/**
 * Where a gateway stands among all of them in the order in which they get a release: from 0 to below 100. It is the same
 * each time, another for each release, and as if drawn by lot over the gateways.
 */
function placeInRollout(gateway: string, release: string): number {
  const digest = createHash('sha256')
    .update(JSON.stringify(['rollout', gateway, release]))
    .digest();
  return (digest.readUIntBE(0, 6) / 2 ** 48) * 100;
}

/** Whether a rollout of a release reaches a gateway. Who is reached by a share is reached by every larger one. */
export function isReached(
  { ring, percent }: Reach,
  gateway: { readonly id: string; readonly isCanary: boolean },
  release: string,
): boolean {
  switch (ring) {
    case 'canary':
      return gateway.isCanary;
    case 'percent':
      return gateway.isCanary || placeInRollout(gateway.id, release) < percent;
    case 'all':
      return true;
  }
}
