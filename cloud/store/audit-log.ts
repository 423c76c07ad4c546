import { randomBytes } from 'node:crypto';
import {
  type AuditEntry,
  type AuditPersonal,
  entryHash,
  type Json,
  origin,
  personalHash,
} from '@loadline/sdk/audit';
import type { AuditDraft } from './audit-draft.ts';
import { type Connection, prepare } from './database.ts';

/** Bytes of the salt that hides what was personal once it is erased: too many to be guessed. */
const saltBytes = 32;

/** The writer's part of the audit log: gives entries their place in their chains. To be called in a transaction. */
export class AuditLog {
  readonly #statements: ReturnType<typeof logStatements>;

  constructor(connection: Connection) {
    this.#statements = logStatements(connection);
  }

  /** Adds an entry to the end of each chain it belongs to. */
  append(draft: AuditDraft): void {
    const chains = Array.isArray(draft.organisation) ? new Set(draft.organisation) : [draft.organisation];
    for (const organisation of chains) this.#append(organisation, draft);
  }

  #append(organisation: string | null, draft: AuditDraft): void {
    const chain = organisation ?? '';
    const head = this.#statements.head.first({ organisation: chain });
    const sequence = (head?.last ?? origin.sequence) + 1;
    // A salt of its own in each chain: what is erased in two must not be told to be the same.
    const personal: AuditPersonal | null = draft.personal && {
      salt: randomBytes(saltBytes).toString('hex'),
      of: draft.personal.of,
      data: draft.personal.data as Json,
    };
    const { at, actor, channel, action, target, outcome, code, before, after } = draft;
    const entry: AuditEntry = {
      version: 1,
      organisation,
      sequence,
      previous: head === undefined ? origin.hash : Buffer.from(head.head).toString('hex'),
      at,
      actor,
      channel,
      action,
      target,
      outcome,
      code,
      // Members that are not there are dropped alike by what is hashed and by what is kept.
      before: before as Json,
      after: after as Json,
      personal: personal && personalHash(personal),
    };
    const hash = Buffer.from(entryHash(entry), 'hex');
    const id = this.#statements.addEntry.first({
      organisation: chain,
      sequence,
      at,
      actorKind: actor.kind,
      actorId: actor.id,
      channel,
      action,
      targetKind: target?.kind ?? null,
      targetId: target?.id ?? null,
      outcome,
      code,
      before: before && JSON.stringify(before),
      after: after && JSON.stringify(after),
      personalHash: entry.personal === null ? null : Buffer.from(entry.personal, 'hex'),
      hash,
    })?.id as number;
    this.#statements.setHead.run({
      organisation: chain,
      last: sequence,
      head: hash,
      baseHash: Buffer.from(origin.hash, 'hex'),
    });
    if (personal === null) return;
    const salt = Buffer.from(personal.salt, 'hex');
    this.#statements.addPersonal.run({ entry: id, salt, data: JSON.stringify(personal.data) });
    for (const user of personal.of) this.#statements.addPersonalOf.run({ entry: id, user });
  }
}

function logStatements(connection: Connection) {
  return {
    head: prepare<{ organisation: string }, { last: number; head: Uint8Array }>(connection, (db, p) =>
      db.selectFrom('audit_chain').select(['last', 'head']).where('organisation', '=', p.organisation),
    ),
    setHead: prepare<{ organisation: string; last: number; head: Uint8Array; baseHash: Uint8Array }>(
      connection,
      (db, p) =>
        db
          .insertInto('audit_chain')
          .values({
            organisation: p.organisation,
            last: p.last,
            head: p.head,
            base: origin.sequence,
            base_hash: p.baseHash,
          })
          .onConflict((conflict) =>
            conflict.column('organisation').doUpdateSet((eb) => ({
              last: eb.ref('excluded.last'),
              head: eb.ref('excluded.head'),
            })),
          ),
    ),
    addEntry: prepare<
      {
        organisation: string;
        sequence: number;
        at: number;
        actorKind: string;
        actorId: string;
        channel: string;
        action: string;
        targetKind: string | null;
        targetId: string | null;
        outcome: 'done' | 'refused';
        code: string | null;
        before: string | null;
        after: string | null;
        personalHash: Uint8Array | null;
        hash: Uint8Array;
      },
      { id: number }
    >(connection, (db, p) =>
      db
        .insertInto('audit')
        .values({
          organisation: p.organisation,
          sequence: p.sequence,
          at: p.at,
          actor_kind: p.actorKind,
          actor_id: p.actorId,
          channel: p.channel,
          action: p.action,
          target_kind: p.targetKind,
          target_id: p.targetId,
          outcome: p.outcome,
          code: p.code,
          before: p.before,
          after: p.after,
          personal_hash: p.personalHash,
          hash: p.hash,
        })
        .returning('id'),
    ),
    addPersonal: prepare<{ entry: number; salt: Uint8Array; data: string }>(connection, (db, p) =>
      db.insertInto('audit_personal').values({ entry: p.entry, salt: p.salt, data: p.data }),
    ),
    addPersonalOf: prepare<{ entry: number; user: string }>(connection, (db, p) =>
      db.insertInto('audit_personal_of').values({ entry: p.entry, user: p.user }),
    ),
  };
}
