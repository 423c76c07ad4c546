import { accountingReads, type UsageRow } from './accounting-reads.ts';
import { type DatabaseOptions, inTransaction, openConnection } from './database.ts';

/** Whether what is kept as used is what the records come to. */
export interface AccountingVerdict {
  /** Sums that were compared, each of a day and a subject. */
  readonly sums: number;
  readonly faults: readonly string[];
  /** Devices of whose readings the ledger has another number. */
  readonly uncounted: readonly {
    readonly device: string;
    readonly received: number;
    readonly accounted: number;
  }[];
}

/**
 * Adds the records up again, straight out of a database; nothing is written. Of the first day that has records some may
 * have been taken away for their age: it is compared only where no sum is of a day before it.
 */
export function checkAccounting(options: DatabaseOptions): AccountingVerdict {
  const connection = openConnection(options, 'read');
  try {
    const { records, usage, ledger } = inTransaction(connection, () => {
      const reads = accountingReads(connection);
      const all = reads.accountingCheck({ after: 0 });
      const oldest = Math.min(...reads.accountingDays({}));
      return all.from !== null && oldest < all.from ? reads.accountingCheck({ after: all.from + 1 }) : all;
    });
    const summed = new Map(records.map((row) => [keyOf(row), row]));
    const faults = usage.flatMap((row) => {
      const again = summed.get(keyOf(row));
      summed.delete(keyOf(row));
      return again === undefined ? [`${keyOf(row)} has no records`] : differences(row, again);
    });
    for (const key of summed.keys()) faults.push(`${key} has records and no sum`);
    const uncounted = ledger
      .filter(({ received, readings }) => received !== readings)
      .map(({ device, received, readings }) => ({ device, received, accounted: readings }));
    return { sums: usage.length, faults, uncounted };
  } finally {
    connection.close();
  }
}

const columns = [
  ...(['sessions', 'milliseconds', 'messagesIn', 'messagesOut'] as const),
  ...(['readings', 'bytesIn', 'bytesOut', 'limited'] as const),
] as const;

function differences(kept: UsageRow, again: UsageRow): string[] {
  return columns
    .filter((column) => kept[column] !== again[column])
    .map(
      (column) =>
        `${keyOf(kept)}: ${column} is kept as ${kept[column]}, and the records come to ${again[column]}`,
    );
}

function keyOf({ day, organisation, subjectKind, subject }: UsageRow): string {
  return `${new Date(day * 86_400_000).toISOString().slice(0, 10)} ${organisation} ${subjectKind} ${subject}`;
}
