import * as z from 'zod';
import { Problem } from './problem.ts';

/** Where a page of a list ended: what the items of the list stand in order by, of its last one. */
export const namePlace = z.tuple([z.string(), z.string()]).transform(([name, id]) => ({ name, id }));
export const idPlace = z.tuple([z.int()]).transform(([id]) => ({ id }));
export const timePlace = z.tuple([z.int(), z.string()]).transform(([created, id]) => ({ created, id }));

/** A place as it stands in `next`: to be given back, and not to be read. */
export function cursorAt(...place: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify(place)).toString('base64url');
}

/** The place that `after` stands for; undefined where the list is to begin. What follows it is found though it be gone. */
export function placeIn<Place>(after: string | undefined, form: z.ZodType<Place>): Place | undefined {
  if (after === undefined) return undefined;
  try {
    return form.parse(JSON.parse(Buffer.from(after, 'base64url').toString()));
  } catch {
    throw new Problem(400, 'request-invalid', 'querystring/after: take it from `next`, or begin anew');
  }
}

/** A page of a list that is at hand, in the order of its keys. */
export function pageByKey<Item>(
  items: readonly Item[],
  { limit, after }: { readonly limit: number; readonly after?: string | undefined },
  keyOf: (item: Item) => string,
): { items: Item[]; next: string | null } {
  const [last] = placeIn(after, z.tuple([z.string()])) ?? [];
  const rest = last === undefined ? items : items.filter((item) => keyOf(item) > last);
  const page = rest.slice(0, limit);
  const end = page.at(-1);
  return { items: page, next: rest.length > limit && end !== undefined ? cursorAt(keyOf(end)) : null };
}
