import { limits } from '@loadline/sdk/contract';
import { type Connection, prepare } from './database.ts';
import type { CounterMark } from './writes.ts';

/** What was known of a counter before: `counter-old` where that is not kept any more. */
export type Counted = 'new' | 'again' | 'delivery-differs' | 'counter-old';

/**
 * The counters of socket keys: each is taken once, with the readings that came under it, in the transaction that stores
 * them. They may come out of order, as far behind the highest as limits.socketCounterWindow.
 */
export class Counters {
  readonly #statements: ReturnType<typeof counterStatements>;

  constructor(connection: Connection) {
    this.#statements = counterStatements(connection);
  }

  /** Takes a counter where it is new. Throws where there is no such key. */
  take({ credential, counter, digest }: CounterMark): Counted {
    const s = this.#statements;
    const highest = s.highest.first({ credential })?.counter;
    if (highest === undefined) throw new Error(`there is no socket key ${credential}`);
    if (counter <= highest - limits.socketCounterWindow) return 'counter-old';
    const known = s.digest.first({ credential, counter });
    if (known !== undefined) return Buffer.compare(known.digest, digest) === 0 ? 'again' : 'delivery-differs';
    s.add.run({ credential, counter, digest });
    if (counter > highest) {
      s.setHighest.run({ credential, counter });
      s.forget.run({ credential, through: counter - limits.socketCounterWindow });
    }
    return 'new';
  }
}

function counterStatements(connection: Connection) {
  return {
    highest: prepare<{ credential: string }, { counter: number }>(connection, (db, p) =>
      db.selectFrom('device_credential').select('counter').where('id', '=', p.credential),
    ),
    setHighest: prepare<{ credential: string; counter: number }>(connection, (db, p) =>
      db.updateTable('device_credential').set({ counter: p.counter }).where('id', '=', p.credential),
    ),
    digest: prepare<{ credential: string; counter: number }, { digest: Uint8Array }>(connection, (db, p) =>
      db
        .selectFrom('socket_counter')
        .select('digest')
        .where('credential', '=', p.credential)
        .where('counter', '=', p.counter),
    ),
    add: prepare<CounterMark>(connection, (db, p) =>
      db
        .insertInto('socket_counter')
        .values({ credential: p.credential, counter: p.counter, digest: p.digest }),
    ),
    forget: prepare<{ credential: string; through: number }>(connection, (db, p) =>
      db
        .deleteFrom('socket_counter')
        .where('credential', '=', p.credential)
        .where('counter', '<=', p.through),
    ),
  };
}
