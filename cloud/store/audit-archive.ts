import {
  ChainCheck,
  type ChainPlace,
  type ChainSpan,
  origin,
  type Verdict,
  type Witness,
  witnessesOf,
} from '@loadline/sdk/audit';
import { auditReads } from './audit-reads.ts';
import { type DatabaseOptions, inTransaction, openConnection } from './database.ts';

/** Entries that are in memory at once. */
const pieceEntries = 1000;

/** A chain with the verdict on it. */
export interface ChainVerdict {
  readonly span: ChainSpan;
  readonly verdict: Verdict;
}

/**
 * Verifies chains on a connection of its own that never writes, all of them as they are at one moment. A chain that
 * only a witness knows is verified too: nothing of it is left.
 *
 * @param wanted only this chain
 * @param witnesses heads that were seen earlier
 */
export function verifyAudit(
  options: DatabaseOptions,
  wanted: Pick<ChainSpan, 'organisation'> | undefined,
  witnesses: readonly Witness[],
): ChainVerdict[] {
  const connection = openConnection(options, 'read');
  try {
    return inTransaction(connection, () => {
      const reads = auditReads(connection);
      const stored = reads.auditChains({});
      const known = new Set(stored.map(({ organisation }) => organisation));
      const gone = [...new Set(witnesses.map(({ organisation }) => organisation))]
        .filter((organisation) => !known.has(organisation))
        .map((organisation) => ({ organisation, base: origin, head: origin }));
      return [...stored, ...gone]
        .filter(({ organisation }) => wanted === undefined || wanted.organisation === organisation)
        .map(({ organisation, base, head }) => {
          const span = { organisation, base, head };
          return { span, verdict: verdictOn(reads, span, witnessesOf(witnesses, organisation)) };
        });
    });
  } finally {
    connection.close();
  }
}

function verdictOn(
  reads: ReturnType<typeof auditReads>,
  span: ChainSpan,
  witnesses: readonly ChainPlace[],
): Verdict {
  const { organisation } = span;
  const check = new ChainCheck(span, witnesses);
  let after = span.base;
  for (;;) {
    const records = reads.auditRecords({ organisation, after, limit: pieceEntries });
    for (const record of records) if (!check.add(record)) return check.end();
    const last = records.at(-1);
    if (last === undefined) return check.end();
    after = { sequence: last.entry.sequence, hash: last.hash };
  }
}
