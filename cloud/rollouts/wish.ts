import { compareVersions } from '@loadline/sdk/release';
import type { RolloutState } from '../store/index.ts';
import type { Wish } from './offer-id.ts';
import { isReached, type Reach } from './rings.ts';

/** A rollout, as far as it says what gateways are to run. */
export interface WishedRollout extends Reach {
  readonly id: string;
  readonly release: string;
  readonly target: string;
  readonly state: RolloutState;
}

/** A gateway, as far as that says what it is to run. */
export interface WishingGateway {
  readonly id: string;
  readonly isCanary: boolean;
  /** A release that it is pinned to. */
  readonly pin: { readonly id: string; readonly release: string } | undefined;
  /** Whether its organisation lets its gateways be updated just now. */
  readonly isUpdated: boolean;
  /** What it says that it runs; undefined of one that has said nothing. `slot` null: no launcher starts it. */
  readonly running:
    | { readonly release: string; readonly target: string; readonly slot: string | null }
    | undefined;
}

/**
 * Which release a gateway is to run, and by what; undefined where it is to stay with what it has.
 *
 * A pin goes before every rollout, and may lead to an older release. Otherwise the newest rollout counts that reaches the
 * gateway and is not halted; one that is paused offers nothing new. By a rollout no gateway is led to an older release than
 * it runs. What the repository does not have is not offered.
 *
 * @param rollouts the newest first
 */
export function wishFor(
  gateway: WishingGateway,
  rollouts: readonly WishedRollout[],
  isKnown: (release: string, target: string) => boolean,
): Wish | undefined {
  const { running, pin, isUpdated } = gateway;
  if (running === undefined || running.slot === null || !isUpdated) return undefined;
  if (pin !== undefined) {
    return isKnown(pin.release, running.target)
      ? { kind: 'pin', pin: pin.id, release: pin.release }
      : undefined;
  }
  const reaching = rollouts.find(
    (one) =>
      one.target === running.target &&
      (one.state === 'running' || one.state === 'finished') &&
      isReached(one, gateway, one.release) &&
      isKnown(one.release, one.target),
  );
  if (reaching === undefined || compareVersions(reaching.release, running.release) < 0) return undefined;
  return { kind: 'rollout', rollout: reaching.id, release: reaching.release };
}
