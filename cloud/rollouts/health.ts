import type { Ring } from '../store/index.ts';

/** By what a rollout is halted. */
export interface HaltLimits {
  /** Gateways on which it ended badly; while it reaches canaries only, one is enough. */
  readonly count: number;
  /** Their share of all on which it has ended, in percent. */
  readonly share: number;
  /** Minutes in which a gateway that took it has to come back and confirm it; past them it counts as ended badly. */
  readonly minutes: number;
}

/** Where nobody says otherwise. An update takes its gateway down for a minute or two, and has ten to prove itself. */
export const usualHaltLimits: HaltLimits = { count: 3, share: 5, minutes: 60 };

/** How a rollout goes: gateways by how it ended with them, or has not yet. */
export interface RolloutHealth {
  readonly confirmed: number;
  readonly rolledBack: number;
  readonly refused: number;
  /** Took it so long ago that it should be confirmed, and is not. */
  readonly overdue: number;
}

/**
 * Why a rollout is to be halted, in words; undefined where it may go on. Both must be reached: so many bad ends that it is
 * no chance, and such a share that it is not the few that always fail.
 */
export function haltReason(health: RolloutHealth, ring: Ring, limits: HaltLimits): string | undefined {
  const { confirmed, rolledBack, refused, overdue } = health;
  const bad = rolledBack + refused + overdue;
  const ended = confirmed + bad;
  const enough = ring === 'canary' ? 1 : limits.count;
  if (bad === 0 || bad < enough || bad * 100 < limits.share * ended) return undefined;
  const kinds = [
    [rolledBack, 'went back'],
    [refused, 'refused it'],
    [overdue, `did not confirm it within ${limits.minutes} minutes`],
  ] as const;
  const words = kinds.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
  return `of ${ended} gateways ${words.join(', ')}`;
}
