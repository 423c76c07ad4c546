import { sql } from 'kysely';
import { type Connection, lesserOf, prepare } from './database.ts';

/** Steps that change the audit log itself. `organisation`: null for the fleet's chain. */
export function auditStatements(connection: Connection) {
  return {
    /**
     * Erases what is personal of a user from every chain. The chains still verify: what they hold of it is a hash
     * whose salt is gone as well. An entry that holds something of two users loses both.
     */
    eraseAuditPersonal: prepare<{ user: string }>(connection, (db, p) =>
      db
        .deleteFrom('audit_personal')
        .where('entry', 'in', (eb) =>
          eb.selectFrom('audit_personal_of').select('entry').where('user', '=', p.user),
        ),
    ),
    /**
     * Moves the base of a chain over its oldest entries, at most `most` of them: as far as all are from before
     * `before` (ms since 1970). `removeBeforeAuditBase` is the step after it.
     */
    moveAuditBase: prepare<{ organisation: string | null; before: number; most: number }>(
      connection,
      (db, p) => {
        const chain = sql<string>`coalesce(${p.organisation}, '')`;
        const young = sql`select min(sequence) from audit where audit.organisation = ${chain}
          and sequence > base and sequence <= base + ${p.most} and at >= ${p.before}`;
        const moved = lesserOf(sql<number>`coalesce((${young}) - 1, base + ${p.most})`, sql<number>`last`);
        return db
          .updateTable('audit_chain')
          .set({
            base: moved,
            base_hash: sql<Uint8Array>`(select hash from audit where audit.organisation = ${chain} and sequence = ${moved})`,
          })
          .where('organisation', '=', chain)
          .where(moved, '>', sql.ref<number>('base'));
      },
    ),
    removeBeforeAuditBase: prepare<{ organisation: string | null }>(connection, (db, p) => {
      const chain = sql<string>`coalesce(${p.organisation}, '')`;
      return db
        .deleteFrom('audit')
        .where('organisation', '=', chain)
        .where('sequence', '<=', sql<number>`(select base from audit_chain where organisation = ${chain})`);
    }),
  };
}
