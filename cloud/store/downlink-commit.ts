import { type Connection, prepare } from './database.ts';
import type { ResultWrite } from './downlink-writes.ts';

/** What devices say came of their commands. */
export class CommandResults {
  readonly #statements: ReturnType<typeof resultStatements>;

  constructor(connection: Connection) {
    this.#statements = resultStatements(connection);
  }

  /** Rows changed: none for a result that is known already. Undefined where the device was given no such command. */
  take({ device, at, result: { id, outcome, detail } }: ResultWrite): number | undefined {
    if (this.#statements.command.first({ device, id }) === undefined) return undefined;
    return this.#statements.setResult.run({ device, id, outcome, detail, at });
  }
}

function resultStatements(connection: Connection) {
  return {
    command: prepare<{ device: number; id: string }, { number: number }>(connection, (db, p) =>
      db.selectFrom('command').select('number').where('device', '=', p.device).where('id', '=', p.id),
    ),
    /** The first result counts: a command is carried out once at most, and later words are resends. */
    setResult: prepare<{ device: number; id: string; outcome: string; detail: string; at: number }>(
      connection,
      (db, p) =>
        db
          .updateTable('command')
          .set({ outcome: p.outcome, detail: p.detail, finished: p.at })
          .where('device', '=', p.device)
          .where('id', '=', p.id)
          .where('outcome', 'is', null),
    ),
  };
}
