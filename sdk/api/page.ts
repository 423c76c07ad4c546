import * as z from 'zod';

/** Items a page holds unless it is said, and at most. */
const usualItems = 100;
const mostItems = 1000;

/** A page of a list: its items, and what `after` must be for the next page; null where this is the last. */
export function page<Item extends z.ZodType>(item: Item) {
  return z.object({ items: z.array(item), next: z.string().nullable() });
}

/** What every list may be asked: how many, and after which. */
export const pageQuery = z.object({
  limit: z.coerce.number<number | string>().int().min(1).max(mostItems).default(usualItems),
  /** `next` of the page before. */
  after: z.string().max(1200).optional(),
});
