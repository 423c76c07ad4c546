import { sql } from 'kysely';
import { type Connection, prepare } from './database.ts';

/** An event as it is stored. */
export interface EventRow {
  readonly epoch: string;
  readonly number: number;
  /** Milliseconds since the device's boot. */
  readonly monotonic: number;
  /** Milliseconds since 1970; null while its boot has no anchor. */
  readonly at: number | null;
  /** Of this or of another version: `isEventCode` tells. */
  readonly code: string;
  readonly subject: string;
  readonly detail: string;
}

/** Where a page of events ends: what comes before it is the next. */
export interface EventPlace {
  readonly placed: number;
  readonly id: number;
}

const end: EventPlace = { placed: Number.MAX_SAFE_INTEGER, id: Number.MAX_SAFE_INTEGER };

/** The question for events. */
export function eventReads(connection: Connection) {
  const before = prepare<EventPlace & { device: number; limit: number }, EventRow & EventPlace>(
    connection,
    (db, p) =>
      db
        .selectFrom('event')
        .innerJoin('epoch', 'epoch.number', 'event.epoch')
        .select([
          'epoch.epoch',
          'event.number',
          'monotonic',
          'at',
          'code',
          'subject',
          'detail',
          'event.placed',
          'event.id',
        ])
        .where('event.device', '=', p.device)
        .where(sql<boolean>`(event.placed, event.id) < (${p.placed}, ${p.id})`)
        .orderBy('event.placed', 'desc')
        .orderBy('event.id', 'desc')
        .limit(p.limit),
  );
  return {
    /** Events of a device, the newest first, and where the next page begins; undefined where there is none. */
    events(query: { device: number; limit: number; before: EventPlace | undefined }): {
      events: EventRow[];
      next: EventPlace | undefined;
    } {
      const { device, limit } = query;
      // One more than is asked for: it says whether anything is left.
      const rows = before.all({ ...(query.before ?? end), device, limit: limit + 1 });
      const shown = rows.slice(0, limit);
      const last = rows.length > limit ? shown.at(-1) : undefined;
      return {
        events: shown.map(({ placed: _, id: __, ...event }) => event),
        next: last && { placed: last.placed, id: last.id },
      };
    },
  };
}
