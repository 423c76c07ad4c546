import type { Book, Segment } from './book.ts';

export interface Bounds {
  /** Bytes of all that is held. */
  readonly maxBytes: number;
  /** Bytes of heap that entries not yet on disk may take. */
  readonly memoryBytes: number;
}

/** Drops the oldest while there is more than there may be; the newest entry always stays. */
export function keepWithin(
  book: Book,
  { maxBytes, memoryBytes }: Bounds,
  doom: (segment: Segment) => void,
): void {
  while (book.heldBytes > maxBytes && (dropSegment(book, doom) || dropEntry(book)));
  while (book.pending.heapBytes > memoryBytes && dropEntry(book));
}

/** Drops the segment with the oldest entry, and all it was merged with. False where there is none but the one that is written to. */
export function dropSegment(book: Book, doom: (segment: Segment) => void): boolean {
  const { first } = book.held;
  if (first === undefined || first >= book.memoryFrom) return false;
  const segment = book.segmentOf(first);
  if (segment === undefined || segment === book.current) return false;
  for (const each of book.segments.filter(({ name }) => name === segment.name)) {
    const { first: from, last } = each.stored;
    if (from !== undefined && last !== undefined) book.drop(from, last);
    doom(each);
  }
  return true;
}

/** Drops the oldest entry in memory. */
function dropEntry(book: Book): boolean {
  const first = book.held.from(book.memoryFrom)?.first;
  if (first === undefined || first >= book.next - 1) return false;
  book.drop(first, first);
  return true;
}
