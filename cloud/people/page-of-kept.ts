/** A page of a list, and whether more of it follows. */
export interface Kept<Row> {
  readonly items: Row[];
  readonly more: boolean;
}

/**
 * A page of those rows that are kept. `readAfter` reads at most `count` rows that follow one, from the first on where
 * there is none yet; it is asked until the page is full or nothing follows.
 */
export async function pageOfKept<Row>(
  readAfter: (row: Row | undefined, count: number) => Promise<readonly Row[]>,
  keep: (row: Row) => boolean,
  limit: number,
): Promise<Kept<Row>> {
  const kept: Row[] = [];
  let last: Row | undefined;
  while (kept.length <= limit) {
    const rows = await readAfter(last, limit + 1);
    kept.push(...rows.filter(keep));
    last = rows.at(-1);
    if (rows.length <= limit) break;
  }
  return { items: kept.slice(0, limit), more: kept.length > limit };
}
