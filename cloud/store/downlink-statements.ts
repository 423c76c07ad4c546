import { type Connection, prepare } from './database.ts';

/** Steps that say what is to reach a device: desired configurations and commands. Times are ms since 1970. */
export function downlinkStatements(connection: Connection) {
  return {
    /** Changes nothing where its revision is not newer than the one that is there. */
    setDesired: prepare<{
      device: number;
      revision: string;
      configuration: string;
      at: number;
      by: string;
    }>(connection, (db, p) =>
      db
        .insertInto('desired')
        .values({
          device: p.device,
          revision: p.revision,
          configuration: p.configuration,
          created: p.at,
          by: p.by,
        })
        .onConflict((conflict) =>
          conflict
            .column('device')
            .doUpdateSet((eb) => ({
              revision: eb.ref('excluded.revision'),
              configuration: eb.ref('excluded.configuration'),
              created: eb.ref('excluded.created'),
              by: eb.ref('excluded.by'),
            }))
            .whereRef('excluded.revision', '>', 'desired.revision'),
        ),
    ),
    /** Changes nothing where `waiting` of the device's commands wait already. */
    addCommand: prepare<{
      device: number;
      id: string;
      command: string;
      at: number;
      by: string;
      expires: number;
      waiting: number;
    }>(connection, (db, p) =>
      db
        .insertInto('command')
        .columns(['device', 'id', 'command', 'created', 'by', 'expires'])
        .expression(
          db
            .selectNoFrom((eb) => [
              eb.val(p.device).as('device'),
              eb.val(p.id).as('id'),
              eb.val(p.command).as('command'),
              eb.val(p.at).as('created'),
              eb.val(p.by).as('by'),
              eb.val(p.expires).as('expires'),
            ])
            .where(
              db
                .selectFrom('command')
                .select((eb) => eb.fn.countAll<number>().as('count'))
                .where('device', '=', p.device)
                .where('outcome', 'is', null)
                .where('expires', '>', p.at),
              '<',
              p.waiting,
            ),
        ),
    ),
    /** Says another name in place of one that ordered something: of who is erased. `forgetCommander` goes with it. */
    forgetDesirer: prepare<{ by: string; instead: string }>(connection, (db, p) =>
      db.updateTable('desired').set({ by: p.instead }).where('by', '=', p.by),
    ),
    forgetCommander: prepare<{ by: string; instead: string }>(connection, (db, p) =>
      db.updateTable('command').set({ by: p.instead }).where('by', '=', p.by),
    ),
    /** The newest are kept, and whatever still waits. */
    trimCommands: prepare<{ device: number; at: number; kept: number }>(connection, (db, p) =>
      db
        .deleteFrom('command')
        .where('device', '=', p.device)
        .where((eb) => eb.or([eb('outcome', 'is not', null), eb('expires', '<=', p.at)]))
        .where('number', '<=', (eb) =>
          eb
            .selectFrom('command as newer')
            .select('newer.number')
            .where('newer.device', '=', p.device)
            .orderBy('newer.number', 'desc')
            .limit(1)
            .offset(p.kept as never),
        ),
    ),
    /** It has been put on a link; the first time counts. */
    setSent: prepare<{ device: number; id: string; at: number }>(connection, (db, p) =>
      db
        .updateTable('command')
        .set({ sent: p.at })
        .where('device', '=', p.device)
        .where('id', '=', p.id)
        .where('sent', 'is', null),
    ),
  };
}
