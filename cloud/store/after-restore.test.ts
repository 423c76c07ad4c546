import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { step } from './change.ts';
import { Committer } from './commit.ts';
import type { Connection } from './database.ts';
import { storeReads } from './reads.ts';
import { delivery, device, epoch, health, numbered, withDatabase } from './test-store.ts';

const id = (letter: string) => letter.repeat(32);
const restoredAt = 1000;

/** What the ledger says, epoch by epoch, the newest first. */
function gaps(connection: Connection): unknown[] {
  const ledger = storeReads(connection).ledger({ device, limit: 20 });
  return (ledger?.epochs ?? []).map((one) => [
    one.epoch.slice(0, 2),
    one.boot === null ? 'unknown' : 'known',
    [
      ...one.gaps.map(({ first, last, state }) => `${first}-${last} ${state}`),
      ...(one.endUnknown ? ['end unknown'] : []),
    ],
  ]);
}

/** The database as the backup has it: numbers 0 to 99 of one epoch; promoted, or the one that was never lost. */
async function withBackup(
  promoted: 'promoted' | 'never-lost',
  use: (committer: Committer, connection: Connection) => void,
): Promise<void> {
  await withDatabase((connection) => {
    let now = 1;
    const committer = new Committer(connection, () => now);
    committer.commit([delivery(0, numbered(0, 99))]);
    now = restoredAt + 1;
    if (promoted === 'promoted') {
      connection.exec('update fleet set fenced = 500');
      const steps = [step('beginGeneration', { generation: id('9'), at: restoredAt }, 'some')];
      assert.is(committer.commit([{ kind: 'change', steps, audit: [] }])[0]?.kind, 'changed');
    }
    use(committer, connection);
  });
}

const held = (count: number, of: string) =>
  ({
    kind: 'health',
    device,
    epoch: of,
    health: JSON.stringify({ ...health, epoch: of, journal: { ...health.journal, held: count } }),
  }) as const;

test('an epoch that goes on shows what the device holds no more as lost', () =>
  withBackup('promoted', (committer, connection) => {
    committer.commit([delivery(200, numbered(200, 299), { oldest: 200 })]);
    assert.equal(gaps(connection), [['e0', 'known', ['100-199 lost']]]);
  }));

test('the end of an epoch, and a whole one, are told by the epoch after each; lost once the device holds nothing', () =>
  withBackup('promoted', (committer, connection) => {
    const [whole, now] = [id('b'), id('c')];
    // Known epoch to 149, then b to 49, then c: the backup has neither the end of the first nor anything of b.
    committer.commit([
      delivery(0, numbered(0, 9), { epoch: now, boot: id('1'), parent: { epoch: whole, last: 49 } }),
      held(3, now),
    ]);
    assert.equal(gaps(connection), [
      ['cc', 'known', []],
      ['bb', 'unknown', ['0-49 coming']],
      // What b said of the epoch before it is lost with b.
      ['e0', 'known', ['end unknown']],
    ]);
    committer.commit([held(0, now)]);
    assert.equal(gaps(connection)[1], ['bb', 'unknown', ['0-49 lost']]);
    // Something of b was still in the journal: its own first batch says what b came after.
    committer.commit([
      delivery(40, numbered(40, 49), {
        epoch: whole,
        boot: id('2'),
        oldest: 40,
        parent: { epoch, last: 149 },
      }),
    ]);
    const after = gaps(connection);
    assert.equal(
      after.find((one) => (one as string[])[0] === 'bb'),
      ['bb', 'known', ['0-39 lost']],
    );
    assert.equal(
      after.find((one) => (one as string[])[0] === 'e0'),
      ['e0', 'known', ['100-149 lost']],
    );
  }));

test('without a restore, a parent that this cloud never knew is none of its losses', () =>
  withBackup('never-lost', (committer, connection) => {
    committer.commit([
      delivery(0, numbered(0, 9), { epoch: id('c'), boot: id('1'), parent: { epoch: id('b'), last: 49 } }),
      held(0, id('c')),
    ]);
    assert.equal(gaps(connection), [
      ['cc', 'known', []],
      ['e0', 'known', []],
    ]);
  }));

test.run();
