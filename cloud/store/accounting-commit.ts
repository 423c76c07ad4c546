import { accountingStatements } from './accounting-statements.ts';
import type { Connection } from './database.ts';

/** What is counted of a session, since its last record. */
export interface Counts {
  readonly messagesIn: number;
  readonly messagesOut: number;
  readonly readings: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Deliveries and requests that were put off, because a limit was reached. */
  readonly limited: number;
}

/** A session: whose, by which door, and by what it was proven. */
export interface AccountedSession {
  /** Random. */
  readonly session: string;
  /** Empty where it is of none. */
  readonly organisation: string;
  readonly subjectKind: string;
  readonly subject: string;
  /** Id of what proved the subject; null where that is its certificate. */
  readonly credential: string | null;
  readonly door: string;
}

/** A record of a session, with what came since the one before. Times: ms since 1970. */
export type AccountingRecord = AccountedSession &
  Counts & {
    readonly from: number;
    /** Of the same day (UTC) as `from`, or its midnight. */
    readonly to: number;
  } & (
    | { readonly kind: 'start'; readonly source: string; readonly person: string | null }
    | { readonly kind: 'interim' }
    | { readonly kind: 'stop'; readonly cause: string }
  );

/** Records of sessions, written together with the sums that they change, and the cloud's word that it is at work. */
export interface AccountingWrite {
  readonly kind: 'accounting';
  readonly records: readonly AccountingRecord[];
  /** ms since 1970: no session has done anything until then that is not in a record, but for a last interval. */
  readonly alive: number;
}

/** Takes accounting records that are too old away, with their sources and, later, the sums. Times: ms since 1970. */
export interface ForgetAccountingWrite {
  readonly kind: 'forget-accounting';
  readonly recordsBefore: number;
  readonly sourcesBefore: number;
  readonly usageBefore: number;
  /** Rows of each that go at most. */
  readonly most: number;
}

const dayMilliseconds = 86_400_000;

/** Whole days since 1970 (UTC). */
export function dayOf(at: number): number {
  return Math.floor(at / dayMilliseconds);
}

/** The part of the writer that keeps accounts: each record, and by the same transaction the sums by day. */
export class Accounts {
  readonly #statements: ReturnType<typeof accountingStatements>;

  constructor(connection: Connection) {
    this.#statements = accountingStatements(connection);
  }

  /** Writes them; how many. */
  write({ records, alive }: AccountingWrite): number {
    const s = this.#statements;
    for (const record of records) {
      const { session, organisation, subjectKind, subject, credential, door, kind, from, to } = record;
      const { messagesIn, messagesOut, readings, bytesIn, bytesOut, limited } = record;
      const who = { organisation, subjectKind, subject };
      const counts = { messagesIn, messagesOut, readings, bytesIn, bytesOut, limited };
      const cause = kind === 'stop' ? record.cause : null;
      s.addRecord.run({ session, kind, from, to, ...who, credential, door, cause, ...counts });
      s.addUsage.run({
        day: dayOf(from),
        ...who,
        sessions: kind === 'start' ? 1 : 0,
        milliseconds: to - from,
        ...counts,
      });
      if (kind === 'start') {
        s.openSession.run({ session, ...who, credential, door, until: to });
        s.addSource.run({ session, source: record.source, person: record.person, at: from });
      } else if (kind === 'interim') s.moveSession.run({ session, until: to });
      else s.closeSession.run({ session });
    }
    s.setAlive.run({ at: alive });
    return records.length;
  }

  /** Rows that went. */
  forget({ recordsBefore, sourcesBefore, usageBefore, most }: ForgetAccountingWrite): number {
    const s = this.#statements;
    return (
      s.forgetRecords.run({ before: recordsBefore, most }) +
      s.forgetSources.run({ before: sourcesBefore, most }) +
      s.forgetUsage.run({ before: dayOf(usageBefore) })
    );
  }
}
