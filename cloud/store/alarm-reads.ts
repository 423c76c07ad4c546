import { type Connection, prepare } from './database.ts';

/** An alarm as it is stored. Times in ms since 1970. */
export interface AlarmRow {
  readonly id: string;
  readonly organisation: string;
  /** Row number of the device it is about. */
  readonly device: number;
  readonly kind: string;
  readonly first: number;
  readonly last: number;
  /** How often it occurred. */
  readonly times: number;
  /** JSON: what was seen, from where. */
  readonly detail: string;
  readonly seen: number | null;
  readonly seen_by: string | null;
  /** When administrators were told last, and how long they are left in peace since; null before the first. */
  readonly told: number | null;
  readonly pause: number | null;
}

/** Alarms of an organisation that are shown at most: it takes somebody's act for there to be another one of a device. */
const mostShown = 1000;

/** Questions for alarms, and for what they are told from. */
export function alarmReads(connection: Connection) {
  const ofOrganisation = prepare<{ organisation: string; limit: number }, AlarmRow>(connection, (db, p) =>
    db
      .selectFrom('alarm')
      .selectAll()
      .where('organisation', '=', p.organisation)
      .orderBy('last', 'desc')
      .orderBy('first', 'desc')
      .orderBy('id')
      .limit(p.limit),
  );
  const unseen = prepare<Record<never, never>, AlarmRow>(connection, (db) =>
    db.selectFrom('alarm').selectAll().where('seen', 'is', null),
  );
  const one = prepare<{ id: string }, AlarmRow>(connection, (db, p) =>
    db.selectFrom('alarm').selectAll().where('id', '=', p.id),
  );
  const latest = prepare<{ device: number; kind: string }, AlarmRow>(connection, (db, p) =>
    db
      .selectFrom('alarm')
      .selectAll()
      .where('device', '=', p.device)
      .where('kind', '=', p.kind)
      .orderBy('first', 'desc')
      .limit(1),
  );
  const stated = prepare<{ device: number }, { epoch: string; source: string; at: number; turn: number }>(
    connection,
    (db, p) =>
      db
        .selectFrom('epoch_stated')
        .select(['epoch', 'source', 'at', 'turn'])
        .where('device', '=', p.device)
        .orderBy('turn'),
  );
  const delivered = prepare<
    { device: number; epoch: string },
    { boot: string; source: string | null; opened: number }
  >(connection, (db, p) =>
    db
      .selectFrom('epoch')
      .select(['boot', 'source', 'opened'])
      .where('device', '=', p.device)
      .where('epoch', '=', p.epoch),
  );
  return {
    /** Those of an organisation, what went on last first. */
    alarms: ({ organisation }: { organisation: string }): AlarmRow[] =>
      ofOrganisation.all({ organisation, limit: mostShown }),
    /** All that nobody has seen to. */
    unseenAlarms: (_: Record<never, never>): AlarmRow[] => unseen.all({}),
    alarm: (query: { id: string }): AlarmRow | undefined => one.first(query),
    /** The one of a device and kind that was raised last. */
    latestAlarm: (query: { device: number; kind: string }): AlarmRow | undefined => latest.first(query),
    /** The epochs that a gateway was let in as, the last one last. */
    statedEpochs: (query: { device: number }) => stated.all(query),
    /** What is known of an epoch by its deliveries; undefined where there were none. */
    deliveredEpoch: (query: { device: number; epoch: string }) => delivered.first(query),
  };
}
