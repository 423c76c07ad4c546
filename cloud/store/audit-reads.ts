import {
  type AuditParty,
  type AuditRecord,
  ChainCheck,
  type ChainPlace,
  type ChainSpan,
  type Json,
  origin,
  type Verdict,
} from '@loadline/sdk/audit';
import { sql } from 'kysely';
import { type Connection, prepare, type Statement } from './database.ts';

/** An entry as it is shown. */
export interface AuditRow {
  readonly sequence: number;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly actor: AuditParty;
  readonly channel: string;
  readonly action: string;
  readonly target: AuditParty | null;
  readonly outcome: 'done' | 'refused';
  readonly code: string | null;
  readonly before: Json;
  readonly after: Json;
  /** What is personal in it; null where there was nothing, or it is erased. */
  readonly personal: Json;
  readonly erased: boolean;
  /** Hex. */
  readonly hash: string;
}

/** Where a page of entries ends: what comes before it is the next. */
export interface AuditPlace {
  readonly at: number;
  readonly sequence: number;
}

/** Which entries of a chain are asked for; what is not given does not matter. */
export interface AuditQuery {
  /** Whose chain; null for the fleet's. */
  readonly organisation: string | null;
  /** Ids. */
  readonly actor?: string | undefined;
  readonly target?: string | undefined;
  /** Actions that begin with it. */
  readonly action?: string | undefined;
  readonly outcome?: 'done' | 'refused' | undefined;
  /** From this time on, and before that, ms since 1970. */
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  readonly limit: number;
  readonly before?: AuditPlace | undefined;
}

/** A chain, and how many days its entries are kept; undefined where no organisation says. */
export interface ChainRow extends ChainSpan {
  readonly days: number | undefined;
}

interface StoredEntry {
  sequence: number;
  at: number;
  actor_kind: string;
  actor_id: string;
  channel: string;
  action: string;
  target_kind: string | null;
  target_id: string | null;
  outcome: 'done' | 'refused';
  code: string | null;
  before: string | null;
  after: string | null;
  personal_hash: Uint8Array | null;
  hash: Uint8Array;
  salt: Uint8Array | null;
  data: string | null;
}

interface StoredChain {
  organisation: string;
  last: number | null;
  head: Uint8Array | null;
  base: number | null;
  base_hash: Uint8Array | null;
  audit_days: number | null;
}

interface Page extends Omit<AuditQuery, 'organisation' | 'before'> {
  readonly organisation: string;
  readonly before: AuditPlace;
}

const end: AuditPlace = { at: Number.MAX_SAFE_INTEGER, sequence: Number.MAX_SAFE_INTEGER };

/** Questions for the audit log. */
export function auditReads(connection: Connection) {
  const chains = prepare<Record<never, never>, StoredChain>(connection, (db) =>
    // A chain whose row was taken away is still one: it shows as broken.
    db
      .selectFrom(
        db
          .selectFrom('audit_chain')
          .select('organisation')
          .union(db.selectFrom('audit').select('organisation').distinct())
          .as('named'),
      )
      .leftJoin('audit_chain', 'audit_chain.organisation', 'named.organisation')
      .leftJoin('organisation', 'organisation.id', 'named.organisation')
      .select(['named.organisation', 'last', 'head', 'base', 'base_hash', 'audit_days'])
      .orderBy('named.organisation'),
  );
  const chain = prepare<{ organisation: string }, StoredChain>(connection, (db, p) =>
    db
      .selectFrom('audit_chain')
      .leftJoin('organisation', 'organisation.id', 'audit_chain.organisation')
      .select(['audit_chain.organisation', 'last', 'head', 'base', 'base_hash', 'audit_days'])
      .where('audit_chain.organisation', '=', p.organisation),
  );
  const after = prepare<{ organisation: string; after: number; limit: number }, StoredEntry & { id: number }>(
    connection,
    (db, p) =>
      db
        .selectFrom('audit')
        .leftJoin('audit_personal', 'audit_personal.entry', 'audit.id')
        .selectAll('audit')
        .select(['salt', 'data'])
        .where('organisation', '=', p.organisation)
        .where('sequence', '>', p.after)
        .orderBy('sequence')
        .limit(p.limit),
  );
  const usersOf = prepare<{ entry: number }, { user: string }>(connection, (db, p) =>
    db.selectFrom('audit_personal_of').select('user').where('entry', '=', p.entry),
  );
  const pages = new Map<string, (query: Page) => StoredEntry[]>();

  /** Records after a place, in their order. */
  function records(organisation: string | null, from: ChainPlace, limit: number): AuditRecord[] {
    let previous = from.hash;
    const rows = after.all({ organisation: organisation ?? '', after: from.sequence, limit });
    return rows.map((row): AuditRecord => {
      const { sequence, at, channel, action, outcome, code, personal_hash: personal } = row;
      const hash = hex(row.hash);
      const entry = {
        version: 1 as const,
        organisation,
        sequence,
        previous,
        at,
        actor: { kind: row.actor_kind, id: row.actor_id },
        channel,
        action,
        target: targetOf(row),
        outcome,
        code,
        before: parsed(row.before),
        after: parsed(row.after),
        personal: personal && hex(personal),
      };
      previous = hash;
      const of = row.salt && usersOf.all({ entry: row.id }).map(({ user }) => user);
      return {
        entry,
        hash,
        personal: row.salt && { salt: hex(row.salt), of: (of ?? []).sort(), data: parsed(row.data) },
      };
    });
  }

  return {
    /** Entries of a chain, the newest first, and where the next page begins; undefined where there is none. */
    audit(query: AuditQuery): { entries: AuditRow[]; next: AuditPlace | undefined } {
      const { actor, target, limit } = query;
      const kind = `${actor === undefined ? '' : 'actor '}${target === undefined ? '' : 'target'}`;
      const read = pages.get(kind) ?? pageReader(connection, query);
      pages.set(kind, read);
      // One more than is asked for: it says whether anything is left.
      const rows = read({
        ...query,
        organisation: query.organisation ?? '',
        before: query.before ?? end,
        limit: limit + 1,
      });
      const shown = rows.slice(0, limit);
      const last = rows.length > limit ? shown.at(-1) : undefined;
      return { entries: shown.map(shownRow), next: last && { at: last.at, sequence: last.sequence } };
    },

    /** Every chain there is. */
    auditChains(_: Record<never, never>): ChainRow[] {
      return chains.all({}).map(chainRow);
    },

    /** One chain; undefined where nothing was ever written to it. */
    auditChain({ organisation }: { organisation: string | null }): ChainRow | undefined {
      const row = chain.first({ organisation: organisation ?? '' });
      return row && chainRow(row);
    },

    /**
     * Records of a chain after a place, in their order, as they are exported: what the first of them names as the
     * hash before it is that place's.
     */
    auditRecords(query: { organisation: string | null; after: ChainPlace; limit: number }): AuditRecord[] {
      const row = chain.first({ organisation: query.organisation ?? '' });
      if (row && query.after.sequence < chainRow(row).base.sequence) {
        throw new Error('entries were removed for their age meanwhile: begin again');
      }
      return records(query.organisation, query.after, query.limit);
    },

    /**
     * Verifies a piece of a chain: at most `limit` entries after `from`, from the base on where it is not given. `next`
     * is where the next piece begins; undefined once the verdict is that of the end.
     */
    auditVerify(query: { organisation: string | null; from: ChainPlace | undefined; limit: number }): {
      head: ChainPlace;
      verdict: Verdict;
      next: ChainPlace | undefined;
    } {
      const { organisation, limit } = query;
      const row = chain.first({ organisation: organisation ?? '' });
      const { base, head } = row ? chainRow(row) : { base: origin, head: origin };
      // What was removed for its age since the piece before needs no verdict any more.
      const from = query.from !== undefined && query.from.sequence > base.sequence ? query.from : base;
      const piece = records(organisation, from, limit);
      const last = piece.at(-1);
      // An entry after the head is none of the chain's: the verdict is then on all that there is.
      const ends = piece.length < limit || last === undefined || last.entry.sequence > head.sequence;
      const to = ends ? head : { sequence: last.entry.sequence, hash: last.hash };
      const check = new ChainCheck({ organisation, base: from, head: to });
      for (const record of piece) if (!check.add(record)) break;
      const verdict = check.end();
      return { head, verdict, next: ends || !verdict.whole ? undefined : to };
    },
  };
}

/** The question for a page, by those of actor and target that it names: each has an index of its own. */
function pageReader(connection: Connection, { actor, target }: AuditQuery): (query: Page) => StoredEntry[] {
  type Parameters = AuditPlace & {
    organisation: string;
    actor: string | null;
    target: string | null;
    action: string;
    outcome: string | null;
    from: number;
    to: number;
    limit: number;
  };
  const statement: Statement<Parameters, StoredEntry> = prepare(connection, (db, p) => {
    const all = db
      .selectFrom('audit')
      .leftJoin('audit_personal', 'audit_personal.entry', 'audit.id')
      .selectAll('audit')
      .select(['salt', 'data'])
      .where('organisation', '=', p.organisation)
      .where('at', '>=', p.from)
      .where('at', '<', p.to)
      .where(sql<boolean>`(at, sequence) < (${p.at}, ${p.sequence})`)
      .where(sql<boolean>`substr(action, 1, length(${p.action})) = ${p.action}`)
      .where(sql<boolean>`outcome = coalesce(${p.outcome}, outcome)`)
      .orderBy('at', 'desc')
      .orderBy('sequence', 'desc')
      .limit(p.limit);
    const byActor = actor === undefined ? all : all.where('actor_id', '=', p.actor);
    return target === undefined ? byActor : byActor.where('target_id', '=', p.target);
  });
  return ({ organisation, before, limit, ...filter }) =>
    statement.all({
      organisation,
      ...before,
      actor: filter.actor ?? null,
      target: filter.target ?? null,
      action: filter.action ?? '',
      outcome: filter.outcome ?? null,
      from: filter.from ?? 0,
      to: filter.to ?? Number.MAX_SAFE_INTEGER,
      limit,
    });
}

function shownRow(row: StoredEntry): AuditRow {
  const { sequence, at, channel, action, outcome, code } = row;
  return {
    sequence,
    at,
    actor: { kind: row.actor_kind, id: row.actor_id },
    channel,
    action,
    target: targetOf(row),
    outcome,
    code,
    before: parsed(row.before),
    after: parsed(row.after),
    personal: parsed(row.data),
    erased: row.personal_hash !== null && row.data === null,
    hash: hex(row.hash),
  };
}

function chainRow(row: StoredChain): ChainRow {
  const place = (sequence: number | null, hash: Uint8Array | null): ChainPlace =>
    sequence === null || hash === null ? origin : { sequence, hash: hex(hash) };
  return {
    organisation: row.organisation === '' ? null : row.organisation,
    base: place(row.base, row.base_hash),
    head: place(row.last, row.head),
    days: row.audit_days ?? undefined,
  };
}

function targetOf(row: StoredEntry): AuditParty | null {
  return row.target_kind === null || row.target_id === null
    ? null
    : { kind: row.target_kind, id: row.target_id };
}

function parsed(json: string | null): Json {
  return json === null ? null : JSON.parse(json);
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
