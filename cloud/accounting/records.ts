import type { AccountedSession, AccountingRecord, Counts } from '../store/index.ts';

const dayMilliseconds = 86_400_000;

const nothing: Counts = { messagesIn: 0, messagesOut: 0, readings: 0, bytesIn: 0, bytesOut: 0, limited: 0 };

/**
 * The records of what came between two times: one, or, where midnights (UTC) lie between, one for each day, so that each
 * is of one day. What was counted stands in the first: this is asked for at midnight, and later only after a standstill.
 * A clock that was set back makes an interval of no length.
 */
export function recordsOf(
  session: AccountedSession,
  span: { readonly from: number; readonly to: number },
  counts: Counts | undefined,
  stop?: { readonly cause: string },
): AccountingRecord[] {
  const records: AccountingRecord[] = [];
  const end = Math.max(span.from, span.to);
  let { from } = span;
  let left = counts ?? nothing;
  for (;;) {
    const midnight = (Math.floor(from / dayMilliseconds) + 1) * dayMilliseconds;
    const to = Math.min(end, midnight);
    const isLast = to === end;
    const record = { ...session, from, to, ...left };
    records.push(isLast && stop ? { ...record, kind: 'stop', ...stop } : { ...record, kind: 'interim' });
    if (isLast) return records;
    from = to;
    left = nothing;
  }
}
