import type { Operations, ReplyOf } from '@loadline/sdk/api';
import { type Rollouts, type RolloutView, unheardIn, usualHaltLimits } from '../../../rollouts/index.ts';
import type { Call, Handlers } from '../call.ts';
import { pageOf } from '../pages.ts';
import { Problem } from '../problem.ts';
import { nameOf } from './downlink.ts';
import { doneOf, isoTime } from './editing.ts';

type RolloutReply = ReplyOf<Operations['getRollout']>;

/** Releases on their way to gateways. */
export function rolloutHandlers({
  rollouts,
}: {
  rollouts: Rollouts;
}): Pick<Handlers, 'listRollouts' | 'createRollout' | 'getRollout' | 'patchRollout' | 'retryRollout'> {
  return {
    async listRollouts({ input: { query } }) {
      return pageOf((await rollouts.views()).map(describe), query, ({ id }) => id);
    },

    async createRollout({ input: { body }, caller, entry }) {
      const { release, target, ring, percent, haltCount, haltPercent, haltMinutes, unheard } = body;
      const halt = {
        count: haltCount ?? usualHaltLimits.count,
        share: haltPercent ?? usualHaltLimits.share,
        minutes: haltMinutes ?? usualHaltLimits.minutes,
      };
      const asked = { release, target, ring, percent, halt, unheard };
      return describe(doneOf(await rollouts.create(asked, editor({ caller, entry }))));
    },

    async getRollout({ input }) {
      const view = await rollouts.view(input.rollout);
      if (view === undefined) throw new Problem(404, 'not-found', 'there is no such rollout');
      return describe(view);
    },

    async patchRollout({ input: { rollout, body }, caller, entry }) {
      const { ring, percent, state, reason, haltCount, haltPercent, haltMinutes } = body;
      const halt = { count: haltCount, share: haltPercent, minutes: haltMinutes };
      const change = { ring, percent, state, reason, halt };
      return describe(doneOf(await rollouts.change(rollout, change, editor({ caller, entry }))));
    },

    async retryRollout({ input, caller, entry }) {
      return doneOf(await rollouts.retry(input.rollout, editor({ caller, entry })));
    },
  };
}

function editor({ caller, entry }: Pick<Call<'patchRollout'>, 'caller' | 'entry'>) {
  return { by: nameOf(caller), entry };
}

function describe({ row, counts, failures, waits, reached, arrived }: RolloutView): RolloutReply {
  const { id, release, target, ring, percent, state, reason, by } = row;
  const { confirmed = 0, refused = 0, 'rolled-back': rolledBack = 0, ...others } = counts.states;
  const underWay = Object.values(others).reduce((sum, count) => sum + count, 0);
  return {
    ...{ id, release, target, ring, percent, state, reason, by },
    ...{ haltCount: row.halt_count, haltPercent: row.halt_share, haltMinutes: row.halt_minutes },
    unheard: [...unheardIn(row)],
    created: isoTime(row.created),
    changed: isoTime(row.changed),
    gateways: { reached, arrived, underWay, confirmed, rolledBack, refused, overdue: counts.overdue },
    failures: [...failures],
    waits: [...waits],
  };
}
