import { Problem } from './problem.ts';

/**
 * A page of a list that is at hand in a stable order. `keyOf`: what an item is known by; `after` is the key of the last
 * item of the page before, which may be gone by now only where the order goes by the key itself.
 */
export function pageOf<Item>(
  items: readonly Item[],
  { limit, after }: { readonly limit: number; readonly after?: string | undefined },
  keyOf: (item: Item) => string,
): { items: Item[]; next: string | null } {
  const begin = after === undefined ? 0 : items.findIndex((item) => keyOf(item) === keyIn(after)) + 1;
  if (begin === 0 && after !== undefined) {
    throw new Problem(
      400,
      'request-invalid',
      'querystring/after: no such place; take it from `next`, or begin anew',
    );
  }
  const page = items.slice(begin, begin + limit);
  const last = page.at(-1);
  const next = begin + limit < items.length && last !== undefined ? cursorOf(keyOf(last)) : null;
  return { items: page, next };
}

/** A key as it stands in `next`: to be given back, and not to be read. */
function cursorOf(key: string): string {
  return Buffer.from(key).toString('base64url');
}

function keyIn(cursor: string): string {
  return Buffer.from(cursor, 'base64url').toString();
}
