import * as z from 'zod';
import type { DerivedSeries } from './derived.ts';

const shape = z.object({
  version: z.literal(1),
  series: z.array(z.object({ tag: z.number(), recipe: z.string(), kept: z.number() })),
});

/** Zeros and peaks of derived series, as JSON keeps them over a restart. */
export type DerivedState = z.infer<typeof shape>;

type Kept = DerivedState['series'][number];

/** Most of what is kept of series that are not configured at present. */
const maxOthers = 256;

/** @param others what `restoreState` gave */
export function stateOf(all: readonly DerivedSeries[], others: readonly Kept[]): DerivedState {
  const series = all.flatMap(({ config, recipe, kept }) =>
    kept === undefined ? [] : [{ tag: config.tag, recipe, kept }],
  );
  return { version: 1, series: [...others, ...series] };
}

/**
 * Takes up what was kept, where the series is still the same.
 *
 * @returns what is of other series: a configuration that is only tried must not cost the zeros of the one before
 */
export function restoreState(all: readonly DerivedSeries[], state: unknown): readonly Kept[] {
  const { success, data } = shape.safeParse(state);
  if (!success) return [];
  const others = new Set(data.series);
  for (const each of all) {
    const { config, recipe } = each;
    const saved = data.series.find((one) => one.tag === config.tag && one.recipe === recipe);
    if (saved === undefined) continue;
    each.kept = saved.kept;
    others.delete(saved);
  }
  return [...others].slice(-maxOthers);
}
