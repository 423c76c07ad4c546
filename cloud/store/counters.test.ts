import { createHash } from 'node:crypto';
import { limits } from '@loadline/sdk/contract';
import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { step } from './change.ts';
import { Committer } from './commit.ts';
import type { Connection } from './database.ts';
import { boot, delivery, device, numbered, withDatabase } from './test-store.ts';
import type { DeliveryWrite, Outcome, Write } from './writes.ts';

const credential = 'sock_AAAAAAAAAAAAAAAAAAAAAAAA';
const window = limits.socketCounterWindow;

const addKey = (id: string): Write => ({
  kind: 'change',
  steps: [
    step('addDeviceCredential', {
      ...{ id, device, kind: 'socket-key', name: 'key', hash: null, version: 'v', replaces: null },
      ...{ created: 0, expires: null },
    }),
  ],
  audit: [],
});

/** The write of a signed line: readings that were `body`, under a counter. */
function signed(counter: number, body = String(counter), key = credential): DeliveryWrite {
  const digest = createHash('sha256').update(body).digest();
  const once = { credential: key, counter, digest };
  return { ...delivery(0, numbered(0, 0), { boot }), unnumbered: { channels: [], once } };
}

function verdict(outcome: Outcome | undefined): string {
  if (outcome?.kind === 'rejected') return outcome.code;
  if (outcome?.kind !== 'delivery') return String(outcome?.kind);
  return outcome.stored === 1 ? 'stored' : `duplicate ${outcome.duplicate}`;
}

async function withKey(use: (commit: (...writes: Write[]) => string[], connection: Connection) => void) {
  await withDatabase((connection) => {
    let committer = new Committer(connection, () => 1000);
    committer.commit([addKey(credential)]);
    use((...writes) => {
      const outcomes = committer.commit(writes).map(verdict);
      // Nothing of it may live in the process alone.
      committer = new Committer(connection, () => 1000);
      return outcomes;
    }, connection);
  });
}

test('a counter is taken once, with one body, in whatever order it comes', async () => {
  await withKey((commit) => {
    assert.equal(commit(signed(5), signed(3)), ['stored', 'stored']);
    assert.equal(commit(signed(4), signed(3), signed(5)), ['stored', 'duplicate 1', 'duplicate 1']);
    assert.equal(commit(signed(4, 'other')), ['delivery-differs']);
    assert.equal(commit(signed(0)), ['stored']);
  });
});

test('what lies further behind than the window is refused, seen or not', async () => {
  await withKey((commit) => {
    commit(signed(0), signed(1), signed(window));
    assert.equal(commit(signed(0), signed(1), signed(2)), ['counter-old', 'duplicate 1', 'stored']);
    commit(signed(Number.MAX_SAFE_INTEGER));
    assert.equal(commit(signed(window)), ['counter-old']);
    assert.equal(commit(signed(Number.MAX_SAFE_INTEGER)), ['duplicate 1']);
  });
});

test('each key has counters of its own', async () => {
  await withKey((commit) => {
    commit(addKey('sock_B'));
    assert.equal(commit(signed(7), signed(7, 'other', 'sock_B')), ['stored', 'stored']);
  });
});

test('a key that is not there takes none, and takes nobody along', async () => {
  await withKey((commit) => {
    assert.equal(commit(signed(1), signed(1, 'x', 'sock_nobody')), ['stored', 'failed']);
    assert.equal(commit(signed(1)), ['duplicate 1']);
  });
});

test('whatever comes in whatever order, none is stored twice, and no more is kept than the window', async () => {
  await withKey((commit, connection) => {
    let key = 0;
    void fc.assert(
      fc.property(fc.array(fc.nat(3 * window), { maxLength: 60 }), (counters) => {
        key += 1;
        const id = `sock_${key}`;
        commit(addKey(id));
        const stored = counters.filter((counter) => commit(signed(counter, 'x', id))[0] === 'stored');
        assert.is(new Set(stored).size, stored.length);
        const rows = connection
          .prepare('select counter from socket_counter where credential = ?')
          .all(id) as { counter: number }[];
        const highest = Math.max(...counters);
        assert.ok(rows.every(({ counter }) => counter > highest - window));
      }),
      { numRuns: 30 },
    );
  });
});

test('the ledger balances', async () => {
  await withKey((commit, connection) => {
    commit(signed(2000), signed(2000), signed(2000, 'other'), signed(1));
    const row = connection
      .prepare(
        `select readings_received r, readings_stored s, readings_duplicate d, readings_rejected x,
         deliveries_received dr, deliveries_stored ds, deliveries_duplicate dd, deliveries_rejected dx from device`,
      )
      .get();
    assert.equal(row, { r: 4, s: 1, d: 1, x: 2, dr: 4, ds: 1, dd: 1, dx: 2 });
  });
});

test.run();
