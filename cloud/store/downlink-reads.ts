import type { CommandMessage, DesiredMessage, ResultMessage } from '@loadline/sdk/contract';
import { type Connection, prepare } from './database.ts';

/** What a device is to be configured as. Times are milliseconds since 1970. */
export interface DesiredRow {
  readonly revision: string;
  readonly configuration: DesiredMessage['configuration'];
  readonly created: number;
  readonly by: string;
}

/** A command, and what is known of it. */
export interface CommandRow {
  readonly id: string;
  readonly command: CommandMessage['command'];
  readonly created: number;
  readonly by: string;
  readonly expires: number;
  readonly sent: number | null;
  readonly outcome: ResultMessage['outcome'] | null;
  readonly detail: string | null;
  readonly finished: number | null;
}

/** What was ordered of which device, and when. */
interface Ordered {
  readonly organisation: string;
  readonly device: string;
  readonly created: number;
}

type StoredCommand = Omit<CommandRow, 'command'> & { readonly command: string };

const columns = [
  'id',
  'command',
  'created',
  'by',
  'expires',
  'sent',
  'outcome',
  'detail',
  'finished',
] as const;

/** The questions about what is on its way down. */
export function downlinkReads(connection: Connection) {
  const desired = prepare<
    { device: number },
    { revision: string; configuration: string; created: number; by: string }
  >(connection, (db, p) =>
    db
      .selectFrom('desired')
      .select(['revision', 'configuration', 'created', 'by'])
      .where('device', '=', p.device),
  );
  const commands = prepare<{ device: number }, StoredCommand>(
    connection,
    (db, p) =>
      db
        .selectFrom('command')
        .select(columns)
        .where('device', '=', p.device)
        .orderBy('number', 'desc') as never,
  );
  const openCommands = prepare<{ device: number; now: number }, StoredCommand>(
    connection,
    (db, p) =>
      db
        .selectFrom('command')
        .select(columns)
        .where('device', '=', p.device)
        .where('outcome', 'is', null)
        .where('expires', '>', p.now)
        .orderBy('number') as never,
  );
  const command = prepare<{ device: number; id: string }, StoredCommand>(
    connection,
    (db, p) =>
      db.selectFrom('command').select(columns).where('device', '=', p.device).where('id', '=', p.id) as never,
  );

  const desiredBy = prepare<{ by: string }, Ordered & { revision: string; configuration: string }>(
    connection,
    (db, p) =>
      db
        .selectFrom('desired')
        .innerJoin('device', 'device.number', 'desired.device')
        .select(['device.organisation', 'device.id as device', 'revision', 'configuration'])
        .select('desired.created')
        .where('by', '=', p.by)
        .orderBy('revision'),
  );
  const commandsBy = prepare<{ by: string; limit: number }, Ordered & { id: string; command: string }>(
    connection,
    (db, p) =>
      db
        .selectFrom('command')
        .innerJoin('device', 'device.number', 'command.device')
        .select(['device.organisation', 'device.id as device', 'command.id', 'command', 'command.created'])
        .where('by', '=', p.by)
        .orderBy('command.number', 'desc')
        .limit(p.limit),
  );

  return {
    /** What somebody ordered of devices, of anything that is kept: configurations, and commands, the newest first. */
    ordered(query: { by: string; limit: number }) {
      return {
        desired: desiredBy
          .all({ by: query.by })
          .map((row) => ({ ...row, configuration: JSON.parse(row.configuration) as unknown })),
        commands: commandsBy
          .all(query)
          .map((row) => ({ ...row, command: JSON.parse(row.command) as unknown })),
      };
    },

    desired(query: { device: number }): DesiredRow | undefined {
      const row = desired.first(query);
      return row && { ...row, configuration: JSON.parse(row.configuration) };
    },

    /** All commands of a device that are kept, newest first. */
    commands(query: { device: number }): CommandRow[] {
      return commands.all(query).map(parse);
    },

    /** Those that have no result and have not expired at `now`, oldest first. */
    openCommands(query: { device: number; now: number }): CommandRow[] {
      return openCommands.all(query).map(parse);
    },

    command(query: { device: number; id: string }): CommandRow | undefined {
      const row = command.first(query);
      return row && parse(row);
    },
  };
}

function parse(row: StoredCommand): CommandRow {
  return { ...row, command: JSON.parse(row.command) };
}
