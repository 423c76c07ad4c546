import { limits } from '@loadline/sdk/contract';
import { type Connection, prepare } from './database.ts';
import type { DownlinkWrite, ResultWrite } from './downlink-writes.ts';

/** The writer's part of the down-link: desired configurations, commands, and what came of them. */
export class DownlinkCommitter {
  readonly #statements: ReturnType<typeof downlinkStatements>;

  constructor(connection: Connection) {
    this.#statements = downlinkStatements(connection);
  }

  /** Rows changed. */
  write(write: DownlinkWrite): number {
    const s = this.#statements;
    switch (write.kind) {
      case 'desired':
        return s.setDesired.run(write);
      case 'command': {
        const { gateway, at } = write;
        if ((s.openCommands.first({ gateway, at })?.count ?? 0) >= limits.commandsWaiting) return 0;
        s.trimCommands.run({ gateway, at, kept: limits.commandsKept - 1 });
        return s.addCommand.run({ ...write, command: JSON.stringify(write.command) });
      }
      case 'command-sent':
        return s.setSent.run(write);
    }
  }

  /** Rows changed: none for a result that is known already. Undefined where the gateway was given no such command. */
  result({ gateway, at, result: { id, outcome, detail } }: ResultWrite): number | undefined {
    if (this.#statements.command.first({ gateway, id }) === undefined) return undefined;
    return this.#statements.setResult.run({ gateway, id, outcome, detail, at });
  }
}

function downlinkStatements(connection: Connection) {
  return {
    setDesired: prepare<{
      gateway: number;
      revision: string;
      configuration: string;
      at: number;
      by: string;
    }>(connection, (db, p) =>
      db
        .insertInto('desired')
        .values({
          gateway: p.gateway,
          revision: p.revision,
          configuration: p.configuration,
          created: p.at,
          by: p.by,
        })
        .onConflict((conflict) =>
          conflict
            .column('gateway')
            .doUpdateSet((eb) => ({
              revision: eb.ref('excluded.revision'),
              configuration: eb.ref('excluded.configuration'),
              created: eb.ref('excluded.created'),
              by: eb.ref('excluded.by'),
            }))
            .whereRef('excluded.revision', '>', 'desired.revision'),
        ),
    ),
    openCommands: prepare<{ gateway: number; at: number }, { count: number }>(connection, (db, p) =>
      db
        .selectFrom('command')
        .select((eb) => eb.fn.countAll<number>().as('count'))
        .where('gateway', '=', p.gateway)
        .where('outcome', 'is', null)
        .where('expires', '>', p.at),
    ),
    addCommand: prepare<{
      gateway: number;
      id: string;
      command: string;
      at: number;
      by: string;
      expires: number;
    }>(connection, (db, p) =>
      db.insertInto('command').values({
        gateway: p.gateway,
        id: p.id,
        command: p.command,
        created: p.at,
        by: p.by,
        expires: p.expires,
        sent: null,
        outcome: null,
        detail: null,
        finished: null,
      }),
    ),
    /** The newest are kept, and whatever still waits. */
    trimCommands: prepare<{ gateway: number; at: number; kept: number }>(connection, (db, p) =>
      db
        .deleteFrom('command')
        .where('gateway', '=', p.gateway)
        .where((eb) => eb.or([eb('outcome', 'is not', null), eb('expires', '<=', p.at)]))
        .where('number', '<=', (eb) =>
          eb
            .selectFrom('command as newer')
            .select('newer.number')
            .where('newer.gateway', '=', p.gateway)
            .orderBy('newer.number', 'desc')
            .limit(1)
            .offset(p.kept as never),
        ),
    ),
    setSent: prepare<{ gateway: number; id: string; at: number }>(connection, (db, p) =>
      db
        .updateTable('command')
        .set({ sent: p.at })
        .where('gateway', '=', p.gateway)
        .where('id', '=', p.id)
        .where('sent', 'is', null),
    ),
    command: prepare<{ gateway: number; id: string }, { number: number }>(connection, (db, p) =>
      db.selectFrom('command').select('number').where('gateway', '=', p.gateway).where('id', '=', p.id),
    ),
    /** The first result counts: a command is carried out once at most, and later words are resends. */
    setResult: prepare<{ gateway: number; id: string; outcome: string; detail: string; at: number }>(
      connection,
      (db, p) =>
        db
          .updateTable('command')
          .set({ outcome: p.outcome, detail: p.detail, finished: p.at })
          .where('gateway', '=', p.gateway)
          .where('id', '=', p.id)
          .where('outcome', 'is', null),
    ),
  };
}
