import { type ChainPlace, exportHeader, exportLine, origin, type Verdict } from '@loadline/sdk/audit';
import type { Store } from '../store/index.ts';

/** Entries that are read at once: others wait for the reader no longer than these take. */
const pieceEntries = 1000;

/** A verdict on a chain, and the head it had. */
export interface StoredVerdict {
  readonly head: ChainPlace;
  readonly verdict: Verdict;
}

/** Verifies a chain as the store has it, piece by piece. `organisation`: null for the fleet's. */
export async function verifyStored(
  store: Pick<Store, 'read'>,
  organisation: string | null,
): Promise<StoredVerdict> {
  let from: ChainPlace | undefined;
  let entries = 0;
  let erased = 0;
  for (;;) {
    const piece = await store.read('auditVerify', { organisation, from, limit: pieceEntries });
    const { head, verdict, next } = piece;
    if (!verdict.whole) return { head, verdict };
    entries += verdict.entries;
    erased += verdict.erased;
    if (next === undefined) return { head, verdict: { whole: true, entries, erased } };
    from = next;
  }
}

/**
 * A chain as it is exported, line by line, each with its end: a header, and its entries up to the head it had when
 * the first line was read.
 *
 * @throws Error where entries that were still to come are removed for their age meanwhile
 */
export async function* exportStored(
  store: Pick<Store, 'read'>,
  organisation: string | null,
): AsyncGenerator<string> {
  const chain = await store.read('auditChain', { organisation });
  const { base, head } = chain ?? { base: origin, head: origin };
  yield `${exportHeader({ organisation, base, head })}\n`;
  let after = base;
  while (after.sequence < head.sequence) {
    const limit = Math.min(pieceEntries, head.sequence - after.sequence);
    const records = await store.read('auditRecords', { organisation, after, limit });
    for (const record of records) yield `${exportLine(record)}\n`;
    const last = records.at(-1);
    if (last === undefined) return;
    after = { sequence: last.entry.sequence, hash: last.hash };
  }
}
