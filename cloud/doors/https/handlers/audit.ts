import type { CheckedInputOf, Operations, ReplyOf } from '@loadline/sdk/api';
import type { AuditParty } from '@loadline/sdk/audit';
import type { Standing } from '../../../access/index.ts';
import { exportStored, verifyStored } from '../../../audit/index.ts';
import { actsForWhole } from '../../../people/index.ts';
import type { AuditPlace, AuditRow, Store } from '../../../store/index.ts';
import type { Handlers, Visit } from '../call.ts';
import { Problem } from '../problem.ts';
import { sendFile } from '../send-file.ts';

type Query = CheckedInputOf<Operations['listAudit']>['query'];
type Page = ReplyOf<Operations['listAudit']>;
type Verdict = ReplyOf<Operations['verifyAudit']>;

/** The audit logs of organisations and of the fleet: read, exported, verified. */
export function auditHandlers(
  store: Store,
): Pick<
  Handlers,
  'listAudit' | 'exportAudit' | 'verifyAudit' | 'listFleetAudit' | 'exportFleetAudit' | 'verifyFleetAudit'
> {
  return {
    async listAudit({ input, standing }) {
      demandWhole(standing);
      return await page(store, input.organisation, input.query);
    },
    listFleetAudit: ({ input }) => page(store, null, input.query),
    async verifyAudit({ input, standing }) {
      demandWhole(standing);
      return await verdict(store, input.organisation);
    },
    verifyFleetAudit: () => verdict(store, null),

    async exportAudit({ input: { organisation }, standing, visit, again }) {
      demandWhole(standing);
      await send(store, organisation, visit, async () => {
        const now = await again();
        return now !== undefined && actsForWhole(now);
      });
      return undefined;
    },
    async exportFleetAudit({ visit, ofFleet }) {
      await send(store, null, visit, ofFleet);
      return undefined;
    },
  };
}

/** Sends a chain as a file, for as long as its reader may have it. `organisation`: null for the fleet's. */
async function send(
  store: Store,
  organisation: string | null,
  visit: Visit,
  stillMay: () => Promise<boolean>,
): Promise<void> {
  // The id of an organisation is a slug: nothing in it ends a quotation.
  const name = `audit-${organisation ?? 'of-the-fleet'}.ndjson`;
  const pieces = exportStored(store, organisation);
  await sendFile(visit, { type: 'application/x-ndjson', name, pieces }, stillMay);
}

/** It tells of everybody's acts: who acts for a part of the organisation does not see them, whatever his role is. */
function demandWhole(standing: Standing): void {
  if (actsForWhole(standing)) return;
  throw new Problem(
    403,
    'more-than-own',
    'the audit log is of the whole organisation, and you act for a part of it',
  );
}

async function page(store: Store, organisation: string | null, query: Query): Promise<Page> {
  const { from, to, after, limit, actor, target, action, outcome } = query;
  const { entries, next } = await store.read('audit', {
    organisation,
    ...{ limit, actor, target, action, outcome },
    from: from === undefined ? undefined : Date.parse(from),
    to: to === undefined ? undefined : Date.parse(to),
    before: placeOf(after),
  });
  const people = entries.flatMap(({ actor, target }) => [actor, target ?? actor]).filter(isPerson);
  const names = await store.read('emails', { ids: [...new Set(people.map(({ id }) => id))] });
  return {
    items: entries.map((entry) => describe(entry, names)),
    next: next ? `${next.at}.${next.sequence}` : null,
  };
}

function isPerson({ kind }: AuditParty): boolean {
  return kind === 'user';
}

function describe(entry: AuditRow, names: ReadonlyMap<string, string>): Page['items'][number] {
  const { at, personal, erased: _, ...rest } = entry;
  const named = (party: AuditParty) => ({ ...party, name: names.get(party.id) ?? null });
  const { source = null } = (personal ?? {}) as { source?: string };
  return {
    ...rest,
    time: new Date(at).toISOString(),
    actor: named(entry.actor),
    target: entry.target && named(entry.target),
    source,
    personal,
  };
}

function placeOf(after: string | undefined): AuditPlace | undefined {
  if (after === undefined) return undefined;
  const [, at, sequence] = /^(\d{1,15})\.(\d{1,15})$/.exec(after) ?? [];
  if (at !== undefined && sequence !== undefined) return { at: Number(at), sequence: Number(sequence) };
  throw new Problem(
    400,
    'request-invalid',
    'querystring/after: not the place of an entry; take it from `next`',
  );
}

async function verdict(store: Store, organisation: string | null): Promise<Verdict> {
  const { head, verdict } = await verifyStored(store, organisation);
  if (verdict.whole) return { entries: verdict.entries, head, broken: null };
  const { sequence, why } = verdict;
  return { entries: 0, head, broken: { sequence, why } };
}
