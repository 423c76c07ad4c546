import { sql } from 'kysely';
import { type Connection, prepare } from './database.ts';

/** A delivery that was refused for good. */
export interface RejectionRow {
  readonly id: number;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly channel: string;
  readonly code: string;
  readonly detail: string;
  /** Length of what was delivered. */
  readonly bytes: number;
}

const columns = ['id', 'at', 'channel', 'code', 'detail'] as const;
const length = sql<number>`length(payload)`.as('bytes');

/** Deliveries that were refused for good, for as long as they are kept. */
export function rejectionReads(connection: Connection) {
  const before = prepare<{ device: number; before: number; limit: number }, RejectionRow>(
    connection,
    (db, p) =>
      db
        .selectFrom('rejection')
        .select([...columns, length])
        .where('device', '=', p.device)
        .where('id', '<', p.before)
        .orderBy('id', 'desc')
        .limit(p.limit),
  );
  const one = prepare<{ device: number; id: number }, RejectionRow & { payload: Uint8Array }>(
    connection,
    (db, p) =>
      db
        .selectFrom('rejection')
        .select([...columns, length, 'payload'])
        .where('device', '=', p.device)
        .where('id', '=', p.id),
  );
  return {
    /** Those of a device with lower ids than `before`, the newest first. */
    rejections: (query: { device: number; before: number; limit: number }): RejectionRow[] =>
      before.all(query),
    rejection: (query: {
      device: number;
      id: number;
    }): (RejectionRow & { payload: Uint8Array }) | undefined => one.first(query),
  };
}
