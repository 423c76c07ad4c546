import { type Connection, prepare } from './database.ts';

/** A series that its device calls by name. */
export interface ChannelRow {
  readonly device: number;
  /** Stands where a radio sensor has its tag: 0..0xFFFF. */
  readonly number: number;
  readonly name: string;
  /** As SenML names units (RFC 8428, section 12.1); null where none was said. */
  readonly unit: string | null;
}

/** The names of series. */
export function channelReads(connection: Connection) {
  const all = prepare<Record<never, never>, ChannelRow>(connection, (db) =>
    db.selectFrom('channel').select(['device', 'number', 'name', 'unit']).orderBy('device').orderBy('number'),
  );
  return {
    /** Every one of every device. */
    channels: (_: Record<never, never>): ChannelRow[] => all.all({}),
  };
}
