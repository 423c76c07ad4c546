import type { Operations, ReplyOf } from '@loadline/sdk/api';
import type { Standing } from '../../../access/index.ts';
import { csvLine } from '../../../export/index.ts';
import { actsForWhole } from '../../../people/index.ts';
import {
  dayOf,
  type RecordRow,
  type RecordsQuery,
  type Store,
  type UsageQuery,
  type UsageRow,
} from '../../../store/index.ts';
import type { Call, Handlers } from '../call.ts';
import { Problem } from '../problem.ts';
import { sendFile } from '../send-file.ts';

type Usage = ReplyOf<Operations['listUsage']>['items'][number];
type SessionRecord = ReplyOf<Operations['listSessionRecords']>['items'][number];

const dayMilliseconds = 86_400_000;

/** Days that are looked at where nobody says which. */
const usualDays = 30;

/** Rows that one read of an export brings: others wait no longer than these take. */
const exportRows = 1000;

/** What was used, and the records that say so: read and exported, by organisations and by fleet operators. */
export function usageHandlers({
  store,
  now,
}: {
  store: Store;
  /** Milliseconds since 1970. */
  now: () => number;
}): Pick<
  Handlers,
  | 'listUsage'
  | 'exportUsage'
  | 'listSessionRecords'
  | 'exportSessionRecords'
  | 'listFleetUsage'
  | 'exportFleetUsage'
> {
  const usageOf = (
    organisation: string | undefined,
    query: {
      by?: UsageQuery['by'];
      per: UsageQuery['per'];
      from?: string | undefined;
      to?: string | undefined;
    },
  ): Omit<UsageQuery, 'limit'> => ({
    organisation,
    by: query.by ?? 'organisation',
    per: query.per,
    from: query.from === undefined ? dayOf(now()) - usualDays : dayOf(Date.parse(query.from)),
    to: query.to === undefined ? dayOf(now()) : dayOf(Date.parse(query.to)),
  });

  const usagePage = async (
    query: Omit<UsageQuery, 'limit'>,
    { limit, after }: { limit: number; after?: string | undefined },
  ) => {
    const place = after === undefined ? undefined : usagePlace(after);
    const rows = await store.read('usage', { ...query, after: place, limit: limit + 1 });
    const shown = rows.slice(0, limit);
    const last = shown.at(-1);
    const next =
      rows.length > limit && last !== undefined ? cursor([last.day, last.organisation, last.subject]) : null;
    return { items: shown.map((row) => describeUsage(row, query.per)), next };
  };

  async function* usageLines(query: Omit<UsageQuery, 'limit'>): AsyncGenerator<string> {
    yield csvLine(usageColumns);
    let after: UsageQuery['after'];
    for (;;) {
      const rows = await store.read('usage', { ...query, after, limit: exportRows });
      const described = rows.map((row) => describeUsage(row, query.per));
      yield described.map((row) => csvLine(usageColumns.map((name) => row[name]))).join('');
      after = rows.at(-1);
      if (rows.length < exportRows) return;
    }
  }

  async function* recordLines(query: Omit<RecordsQuery, 'limit'>): AsyncGenerator<string> {
    yield csvLine(recordColumns);
    let before: RecordsQuery['before'];
    for (;;) {
      const rows = await store.read('accountingRecords', { ...query, before, limit: exportRows });
      yield rows.map((row) => csvLine(recordColumns.map((name) => describeRecord(row)[name]))).join('');
      before = rows.at(-1);
      if (rows.length < exportRows) return;
    }
  }

  return {
    async listUsage({ input: { organisation, query }, standing }) {
      demandWhole(standing);
      return await usagePage(usageOf(organisation, query), query);
    },
    listFleetUsage: ({ input: { query } }) => usagePage(usageOf(undefined, query), query),

    async exportUsage({ input: { organisation, query }, standing, visit, again }) {
      demandWhole(standing);
      const pieces = usageLines(usageOf(organisation, query));
      const file = { type: csvType, name: `usage-${organisation}.csv`, pieces };
      await sendFile(visit, file, stillWhole(again));
      return undefined;
    },
    async exportFleetUsage({ input: { query }, visit, ofFleet }) {
      const pieces = usageLines(usageOf(undefined, query));
      await sendFile(visit, { type: csvType, name: 'usage-of-the-fleet.csv', pieces }, ofFleet);
      return undefined;
    },

    async listSessionRecords({ input: { organisation, query }, standing }) {
      demandWhole(standing);
      const { limit, after } = query;
      const before = after === undefined ? undefined : recordPlace(after);
      const rows = await store.read('accountingRecords', {
        ...recordsOf(organisation, query),
        ...{ before, limit: limit + 1 },
      });
      const shown = rows.slice(0, limit);
      const last = shown.at(-1);
      const next = rows.length > limit && last !== undefined ? cursor([last.to, last.id]) : null;
      return { items: shown.map(describeRecord), next };
    },
    async exportSessionRecords({ input: { organisation, query }, standing, visit, again }) {
      demandWhole(standing);
      const pieces = recordLines(recordsOf(organisation, query));
      const file = { type: csvType, name: `sessions-${organisation}.csv`, pieces };
      await sendFile(visit, file, stillWhole(again));
      return undefined;
    },
  };
}

const csvType = 'text/csv; charset=utf-8; header=present';

const usageColumns = [
  ...(['day', 'organisation', 'kind', 'id', 'sessions', 'seconds'] as const),
  ...(['messagesIn', 'messagesOut', 'readings', 'bytesIn', 'bytesOut', 'limited'] as const),
] as const satisfies readonly (keyof Usage)[];

const recordColumns = [
  ...(['session', 'record', 'from', 'to', 'kind', 'id', 'credential', 'door', 'source', 'cause'] as const),
  ...(['messagesIn', 'messagesOut', 'readings', 'bytesIn', 'bytesOut', 'limited'] as const),
] as const satisfies readonly (keyof SessionRecord)[];

/** It tells when people were at work, and where: not for who acts for a part of the organisation, whatever his role is. */
function demandWhole(standing: Standing): void {
  if (actsForWhole(standing)) return;
  throw new Problem(403, 'more-than-own', 'usage is of the whole organisation, and you act for a part of it');
}

function stillWhole(again: Call<'exportUsage'>['again']): () => Promise<boolean> {
  return async () => {
    const standing = await again();
    return standing !== undefined && actsForWhole(standing);
  };
}

function describeUsage(row: UsageRow, per: UsageQuery['per']): Usage {
  const { day, organisation, subjectKind, subject, sessions, milliseconds } = row;
  const { messagesIn, messagesOut, readings, bytesIn, bytesOut, limited } = row;
  return {
    day: per === 'day' ? new Date(day * dayMilliseconds).toISOString().slice(0, 10) : null,
    organisation,
    kind: subjectKind as Usage['kind'],
    id: subject,
    sessions,
    seconds: Math.round(milliseconds / 1000),
    ...{ messagesIn, messagesOut, readings, bytesIn, bytesOut, limited },
  };
}

function describeRecord(row: RecordRow): SessionRecord {
  const { session, kind, from, to, subjectKind, subject, credential, door, source, cause } = row;
  const { messagesIn, messagesOut, readings, bytesIn, bytesOut, limited } = row;
  return {
    session,
    record: kind,
    from: new Date(from).toISOString(),
    to: new Date(to).toISOString(),
    kind: subjectKind,
    id: subject,
    ...{ credential, door, source, cause },
    ...{ messagesIn, messagesOut, readings, bytesIn, bytesOut, limited },
  };
}

function recordsOf(
  organisation: string,
  query: Call<'exportSessionRecords'>['input']['query'],
): Omit<RecordsQuery, 'limit'> {
  const { from, to, kind, id, session } = query;
  return {
    organisation,
    from: from === undefined ? 0 : Date.parse(from),
    to: to === undefined ? Number.MAX_SAFE_INTEGER : Date.parse(to),
    subjectKind: kind,
    subject: id,
    session,
  };
}

/** A place in a list as it stands in `next`: to be given back, and not to be read. */
function cursor(place: readonly (string | number)[]): string {
  return Buffer.from(place.join(' ')).toString('base64url');
}

function usagePlace(after: string): UsageQuery['after'] {
  const [, day, organisation = '', subject = ''] =
    /^(\d{1,7}) (\S*) (\S*)$/.exec(placeIn(after)) ?? noPlace();
  return { day: Number(day), organisation, subject };
}

function recordPlace(after: string): RecordsQuery['before'] {
  const [, to, id] = /^(\d{1,15}) (\d{1,15})$/.exec(placeIn(after)) ?? noPlace();
  return { to: Number(to), id: Number(id) };
}

function placeIn(after: string): string {
  return Buffer.from(after, 'base64url').toString();
}

function noPlace(): never {
  throw new Problem(
    400,
    'request-invalid',
    'querystring/after: no such place; take it from `next`, or begin anew',
  );
}
