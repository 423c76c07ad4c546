import { type Kysely, sql } from 'kysely';
import type { AccountedSession, Counts } from './accounting-commit.ts';
import { type Connection, prepare } from './database.ts';
import type { Schema } from './schema.ts';

/** What one subject used; `day` in days since 1970, 0 where the days are added up. */
export interface UsageRow extends Counts {
  readonly day: number;
  readonly organisation: string;
  readonly subjectKind: string;
  readonly subject: string;
  readonly sessions: number;
  readonly milliseconds: number;
}

/** A record of a session, with where it came from, as long as that is kept. Times: ms since 1970. */
export interface RecordRow extends AccountedSession, Counts {
  readonly id: number;
  readonly kind: 'start' | 'interim' | 'stop';
  readonly from: number;
  readonly to: number;
  readonly cause: string | null;
  readonly source: string | null;
}

/** A session that had not stopped when its cloud did. */
export interface OpenSessionRow extends AccountedSession {
  /** End of its last interval, ms since 1970. */
  readonly until: number;
}

/** Records that are asked for: of an organisation, in a time, the newest first. */
export interface RecordsQuery {
  readonly organisation: string;
  /** ms since 1970. */
  readonly from: number;
  readonly to: number;
  readonly subjectKind?: string | undefined;
  readonly subject?: string | undefined;
  readonly session?: string | undefined;
  /** The last record of the page before. */
  readonly before?: { readonly to: number; readonly id: number } | undefined;
  readonly limit: number;
}

/** Usage that is asked for. */
export interface UsageQuery {
  /** Undefined for all of them. */
  readonly organisation: string | undefined;
  /** Days since 1970, both included. */
  readonly from: number;
  readonly to: number;
  /** By whom it is told apart; `organisation`: by nothing below it. */
  readonly by: 'organisation' | 'device' | 'application' | 'user' | 'token';
  readonly per: 'day' | 'total';
  /** The last row of the page before. */
  readonly after?:
    | { readonly day: number; readonly organisation: string; readonly subject: string }
    | undefined;
  readonly limit: number;
}

const countSums = [
  sql<number>`sum(messages_in)`.as('messagesIn'),
  sql<number>`sum(messages_out)`.as('messagesOut'),
  sql<number>`sum(readings)`.as('readings'),
  sql<number>`sum(bytes_in)`.as('bytesIn'),
  sql<number>`sum(bytes_out)`.as('bytesOut'),
  sql<number>`sum(limited)`.as('limited'),
] as const;

const sums = [
  sql<number>`sum(sessions)`.as('sessions'),
  sql<number>`sum(milliseconds)`.as('milliseconds'),
  ...countSums,
] as const;

const counted = [
  'messages_in as messagesIn',
  'messages_out as messagesOut',
  'readings',
  'bytes_in as bytesIn',
  'bytes_out as bytesOut',
  'limited',
] as const;

/** Questions of accounting. */
export function accountingReads(connection: Connection) {
  const open = prepare<Record<never, never>, OpenSessionRow>(connection, (db) =>
    db
      .selectFrom('accounting_open')
      .select([
        'session',
        'organisation',
        'subject_kind as subjectKind',
        'subject',
        'credential',
        'door',
        'until_ms as until',
      ]),
  );
  const alive = prepare<Record<never, never>, { at: number }>(connection, (db) =>
    db.selectFrom('accounting_alive').select('at'),
  );
  const ofDevices = prepare<{ from: number; to: number }, UsageRow>(connection, (db, p) =>
    db
      .selectFrom('usage')
      .select(['organisation', 'subject_kind as subjectKind', 'subject', sql<number>`0`.as('day'), ...sums])
      .where('day', '>=', p.from)
      .where('day', '<=', p.to)
      .where('subject_kind', '=', 'device')
      .groupBy(['organisation', 'subject']),
  );
  const settings = prepare<
    Record<never, never>,
    { of: 'organisation' | 'device'; id: string; settings: string }
  >(connection, (db) => db.selectFrom('limit_setting').select(['of', 'id', 'settings']));
  const checked = prepare<{ from: number }, UsageRow>(connection, (db, p) => summedRecords(db, p.from));
  const kept = prepare<{ from: number }, UsageRow>(connection, (db, p) =>
    db
      .selectFrom('usage')
      .select(['day', 'organisation', 'subject_kind as subjectKind', 'subject', 'sessions', 'milliseconds'])
      .select(counted)
      .where('day', '>=', p.from),
  );
  const first = prepare<Record<never, never>, { day: number | null }>(connection, (db) =>
    db.selectFrom('accounting_record').select(sql<number | null>`min(from_ms) / 86400000`.as('day')),
  );
  const days = prepare<Record<never, never>, { day: number }>(connection, (db) =>
    db.selectFrom('usage').select('day').distinct(),
  );
  const ledger = prepare<Record<never, never>, { device: string; received: number; readings: number }>(
    connection,
    (db) =>
      db
        .selectFrom('device')
        .leftJoin('usage', (join) =>
          join.onRef('usage.subject', '=', 'device.id').on('usage.subject_kind', '=', 'device'),
        )
        .select([
          'device.id as device',
          'device.readings_received as received',
          sql<number>`coalesce(sum(usage.readings), 0)`.as('readings'),
        ])
        .groupBy('device.id'),
  );
  const session = prepare<{ id: string }, { id: string }>(connection, (db, p) =>
    db.selectFrom('person_session').select('id').where('id', '=', p.id),
  );
  const token = prepare<{ id: string }, { id: string }>(connection, (db, p) =>
    db.selectFrom('api_token').select('id').where('id', '=', p.id).where('status', '=', 'active'),
  );
  const credential = prepare<{ id: string }, { id: string }>(connection, (db, p) =>
    db
      .selectFrom('device_credential')
      .innerJoin('device', 'device.number', 'device_credential.device')
      .select('device_credential.id')
      .where('device_credential.id', '=', p.id)
      .where('device_credential.status', '=', 'active')
      .where('device.enabled', '=', 1),
  );
  const proofs = { user: session, token, device: credential } as const;
  const readRecords = new Map<string, ReturnType<typeof recordsReader>>();
  const readUsage = new Map<string, ReturnType<typeof usageReader>>();

  return {
    /** Sessions that had not stopped when the last cloud here did, and when that last said that it was at work. */
    openAccounts(_: Record<never, never>): { sessions: OpenSessionRow[]; alive: number | undefined } {
      return { sessions: open.all({}), alive: alive.first({})?.at };
    },

    /** Which of these prove nobody any more: sessions of users, API tokens, credentials of devices. */
    endedProofs({ of }: { of: readonly { kind: keyof typeof proofs; id: string }[] }): string[] {
      return of.filter(({ kind, id }) => proofs[kind].first({ id }) === undefined).map(({ id }) => id);
    },

    /** What each device used from one day to another, both included; the days added up. */
    usageOfDevices(query: { from: number; to: number }): UsageRow[] {
      return ofDevices.all(query);
    },

    /** What has been set of limits, JSON. */
    limitSettings(
      _: Record<never, never>,
    ): { of: 'organisation' | 'device'; id: string; settings: string }[] {
      return settings.all({});
    },

    /** A page of usage, the latest day first, in it by organisation and subject. */
    usage(query: UsageQuery): UsageRow[] {
      const key = `${query.organisation === undefined} ${query.by === 'organisation'} ${query.per}`;
      return madeOnce(readUsage, key, () => usageReader(connection, query))(query);
    },

    /** A page of records, the newest first. */
    accountingRecords(query: RecordsQuery): RecordRow[] {
      const key = `${query.subjectKind !== undefined} ${query.subject !== undefined} ${query.session !== undefined}`;
      return madeOnce(readRecords, key, () => recordsReader(connection, query))(query);
    },

    /** Days (since 1970) of which there are sums. */
    accountingDays(_: Record<never, never>): number[] {
      return days.all({}).map(({ day }) => day);
    },

    /**
     * What the records come to and what is kept as their sums, by day and subject, from the first day on of which all
     * records are there; and of each device the readings in the ledger and in the sums. `after`: the day (since 1970)
     * up to which records may be missing for their age.
     */
    accountingCheck({ after }: { after: number }): {
      from: number | null;
      records: UsageRow[];
      usage: UsageRow[];
      ledger: { device: string; received: number; readings: number }[];
    } {
      const day = first.first({})?.day ?? null;
      if (day === null)
        return { from: null, records: [], usage: kept.all({ from: after }), ledger: ledger.all({}) };
      const from = Math.max(day, after);
      return { from, records: checked.all({ from }), usage: kept.all({ from }), ledger: ledger.all({}) };
    },
  };
}

function madeOnce<T>(made: Map<string, T>, key: string, make: () => T): T {
  const known = made.get(key);
  if (known !== undefined) return known;
  const one = make();
  made.set(key, one);
  return one;
}

/** The records, added up as `usage` is. */
function summedRecords(db: Kysely<Schema>, from: number) {
  const day = sql<number>`from_ms / 86400000`;
  return db
    .selectFrom('accounting_record')
    .select(['organisation', 'subject_kind as subjectKind', 'subject', day.as('day')])
    .select([
      sql<number>`sum(case when kind = 'start' then 1 else 0 end)`.as('sessions'),
      sql<number>`sum(to_ms - from_ms)`.as('milliseconds'),
      ...countSums,
    ])
    .where(day, '>=', from)
    .groupBy([day, 'organisation', 'subject_kind', 'subject']);
}

function usageReader(connection: Connection, { organisation, by, per }: UsageQuery) {
  type Parameters = {
    organisation: string;
    from: number;
    to: number;
    by: string;
    limit: number;
    day: number;
    afterOrganisation: string;
    afterSubject: string;
  };
  const whole = by === 'organisation';
  const daily = per === 'day';
  const statement = prepare<Parameters, UsageRow>(connection, (db, p) => {
    const rows = db
      .selectFrom('usage')
      .where('day', '>=', p.from)
      .where('day', '<=', p.to)
      .$if(organisation !== undefined, (query) => query.where('organisation', '=', p.organisation))
      .$if(!whole, (query) => query.where('subject_kind', '=', p.by))
      .select([
        daily ? sql<number>`"day"`.as('day') : sql<number>`0`.as('day'),
        'organisation',
        whole ? sql<string>`'organisation'`.as('subjectKind') : sql<string>`subject_kind`.as('subjectKind'),
        whole ? sql<string>`organisation`.as('subject') : sql<string>`"subject"`.as('subject'),
        ...sums,
      ])
      .groupBy([
        ...(daily ? (['day'] as const) : []),
        'organisation',
        ...(whole ? [] : (['subject_kind', 'subject'] as const)),
      ])
      .as('rows');
    return db
      .selectFrom(rows)
      .selectAll()
      .where(
        sql<boolean>`(-"rows"."day", "rows"."organisation", "rows"."subject") > (${p.day}, ${p.afterOrganisation}, ${p.afterSubject})`,
      )
      .orderBy('rows.day', 'desc')
      .orderBy('rows.organisation')
      .orderBy('rows.subject')
      .limit(p.limit);
  });
  return (query: UsageQuery): UsageRow[] =>
    statement.all({
      organisation: query.organisation ?? '',
      from: query.from,
      to: query.to,
      by: query.by,
      limit: query.limit,
      day: query.after === undefined ? Number.MIN_SAFE_INTEGER : -query.after.day,
      afterOrganisation: query.after?.organisation ?? '',
      afterSubject: query.after?.subject ?? '',
    });
}

function recordsReader(connection: Connection, query: RecordsQuery) {
  type Parameters = {
    organisation: string;
    from: number;
    to: number;
    beforeTo: number;
    beforeId: number;
    subjectKind: string;
    subject: string;
    session: string;
    limit: number;
  };
  const statement = prepare<Parameters, RecordRow>(connection, (db, p) =>
    db
      .selectFrom('accounting_record')
      .leftJoin('accounting_source', (join) =>
        join
          .onRef('accounting_source.session', '=', 'accounting_record.session')
          .on('accounting_record.kind', '=', 'start'),
      )
      .select([
        'accounting_record.id as id',
        'accounting_record.session as session',
        'kind',
        'from_ms as from',
        'to_ms as to',
        'organisation',
        'subject_kind as subjectKind',
        'subject',
        'credential',
        'door',
        'cause',
        'source',
      ])
      .select(counted)
      .where('organisation', '=', p.organisation)
      .where('to_ms', '>=', p.from)
      .where('to_ms', '<', p.to)
      .where(sql<boolean>`(to_ms, accounting_record.id) < (${p.beforeTo}, ${p.beforeId})`)
      .$if(query.subjectKind !== undefined, (some) => some.where('subject_kind', '=', p.subjectKind))
      .$if(query.subject !== undefined, (some) => some.where('subject', '=', p.subject))
      .$if(query.session !== undefined, (some) => some.where('accounting_record.session', '=', p.session))
      .orderBy('to_ms', 'desc')
      .orderBy('accounting_record.id', 'desc')
      .limit(p.limit),
  );
  return ({ organisation, from, to, before, limit, subjectKind, subject, session }: RecordsQuery) =>
    statement.all({
      ...{ organisation, from, to, limit },
      beforeTo: before?.to ?? Number.MAX_SAFE_INTEGER,
      beforeId: before?.id ?? Number.MAX_SAFE_INTEGER,
      subjectKind: subjectKind ?? '',
      subject: subject ?? '',
      session: session ?? '',
    });
}
