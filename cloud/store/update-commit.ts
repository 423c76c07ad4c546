import type { UpdatingMessage } from '@loadline/sdk/contract';
import { type Connection, prepare } from './database.ts';
import type { OfferState, UpdateTables } from './update-schema.ts';

/** What a gateway says that it runs, and how far it is with what it was offered. */
export interface UpdatingWrite {
  readonly kind: 'updating';
  readonly device: number;
  readonly message: UpdatingMessage;
  /** ms since 1970. */
  readonly at: number;
}

type StateRow = UpdateTables['update_state'];

/** What gateways say of their updates. */
export class UpdateReports {
  readonly #statements: ReturnType<typeof reportStatements>;

  constructor(connection: Connection) {
    this.#statements = reportStatements(connection);
  }

  /** Rows changed. What is said of an offer that this gateway was not made is kept as its state, and nowhere else. */
  take({ device, message: { running, offer, progress }, at }: UpdatingWrite): number {
    const s = this.#statements;
    const { state } = progress;
    const code = progress.state === 'refused' ? progress.code : null;
    const detail = 'detail' in progress ? progress.detail : null;
    const before = s.state.first({ device });
    const isSame = before?.release === running.release && before.offer === offer && before.state === state;
    let changed = s.setState.run({
      ...{ device, release: running.release, slot: running.slot, target: running.target, offer },
      ...{ state, code, detail, since: isSame ? before.since : at, heard: at },
      done: progress.state === 'downloading' ? progress.done : null,
      total: progress.state === 'downloading' ? progress.total : null,
      seconds_left: progress.state === 'trying' ? progress.secondsLeft : null,
    });
    // That nothing is under way says nothing of how it ended.
    if (offer !== null && state !== 'idle') {
      const took = tookBy(state) ? at : null;
      changed += s.setOffer.run({ id: offer, device, state, code, detail, at, took });
    }
    return changed;
  }
}

/** Whether what was offered is in a slot, or was: then it is known how it ends, or it is overdue. */
function tookBy(state: OfferState): boolean {
  return state === 'installing' || state === 'trying' || state === 'confirmed' || state === 'rolled-back';
}

function reportStatements(connection: Connection) {
  return {
    state: prepare<{ device: number }, Pick<StateRow, 'release' | 'offer' | 'state' | 'since'>>(
      connection,
      (db, p) =>
        db
          .selectFrom('update_state')
          .select(['release', 'offer', 'state', 'since'])
          .where('device', '=', p.device),
    ),
    setState: prepare<StateRow>(connection, (db, p) =>
      db
        .insertInto('update_state')
        .values({
          ...{ device: p.device, release: p.release, slot: p.slot, target: p.target, offer: p.offer },
          ...{ state: p.state, code: p.code, detail: p.detail, done: p.done, total: p.total },
          ...{ seconds_left: p.seconds_left, since: p.since, heard: p.heard },
        })
        .onConflict((conflict) =>
          conflict.column('device').doUpdateSet((eb) => ({
            release: eb.ref('excluded.release'),
            slot: eb.ref('excluded.slot'),
            target: eb.ref('excluded.target'),
            offer: eb.ref('excluded.offer'),
            state: eb.ref('excluded.state'),
            code: eb.ref('excluded.code'),
            detail: eb.ref('excluded.detail'),
            done: eb.ref('excluded.done'),
            total: eb.ref('excluded.total'),
            seconds_left: eb.ref('excluded.seconds_left'),
            since: eb.ref('excluded.since'),
            heard: eb.ref('excluded.heard'),
          })),
        ),
    ),
    /** When it was taken first stays; `since` is moved where the state is another one. */
    setOffer: prepare<{
      id: string;
      device: number;
      state: OfferState;
      code: string | null;
      detail: string | null;
      at: number;
      took: number | null;
    }>(connection, (db, p) =>
      db
        .updateTable('update_offer')
        .set((eb) => ({
          state: p.state,
          code: p.code,
          detail: p.detail,
          since: eb.case().when('state', '=', p.state).then(eb.ref('since')).else(p.at).end(),
          took: eb.fn.coalesce('took', eb.val(p.took)),
        }))
        .where('id', '=', p.id)
        .where('device', '=', p.device),
    ),
  };
}
