import * as z from 'zod';
import type { DerivedSeries } from './derived.ts';

const shape = z.object({
  version: z.literal(1),
  series: z.array(z.object({ tag: z.number(), recipe: z.string(), kept: z.number() })),
});

/** Zeros and peaks of derived series, as JSON keeps them over a restart. */
export type DerivedState = z.infer<typeof shape>;

export function stateOf(all: readonly DerivedSeries[]): DerivedState {
  const series = all.flatMap(({ config, recipe, kept }) =>
    kept === undefined ? [] : [{ tag: config.tag, recipe, kept }],
  );
  return { version: 1, series };
}

/** Takes up what was kept, where the series is still the same; all else is of another configuration, or damaged. */
export function restoreState(all: readonly DerivedSeries[], state: unknown): void {
  const { success, data } = shape.safeParse(state);
  if (!success) return;
  for (const each of all) {
    const { config, recipe } = each;
    each.kept = data.series.find((saved) => saved.tag === config.tag && saved.recipe === recipe)?.kept;
  }
}
