import { type Connection, prepare } from './database.ts';

/** Steps about which processes have shown one identity. */
export function contestStatements(connection: Connection) {
  return {
    /** A gateway was let in as this epoch, from there. */
    stateEpoch: prepare<{ device: number; epoch: string; source: string; at: number; turn: number }>(
      connection,
      (db, p) =>
        db
          .insertInto('epoch_stated')
          .values({ device: p.device, epoch: p.epoch, source: p.source, at: p.at, turn: p.turn })
          .onConflict((conflict) =>
            conflict.columns(['device', 'epoch']).doUpdateSet((eb) => ({
              source: eb.ref('excluded.source'),
              at: eb.ref('excluded.at'),
              turn: eb.ref('excluded.turn'),
            })),
          ),
    ),
    /** Forgets what was let in longest ago. */
    forgetStatedEpochs: prepare<{ device: number; through: number }>(connection, (db, p) =>
      db.deleteFrom('epoch_stated').where('device', '=', p.device).where('turn', '<=', p.through),
    ),
  };
}
