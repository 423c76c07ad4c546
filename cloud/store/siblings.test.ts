import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Committer } from './commit.ts';
import type { Connection } from './database.ts';
import { delivery, numbered, withDatabase } from './test-store.ts';

const hour = 3_600_000;
const [a = '', b = '', c = '', d = ''] = ['a', 'b', 'c', 'd'].map((letter) => letter.repeat(32));

/** A committer with a clock that stands until it is moved. */
function committerOn(connection: Connection) {
  const clock = { now: 1_790_000_000_000 };
  let committer = new Committer(connection, () => clock.now);
  let numbers = 0;
  return {
    clock,
    /** The process begins anew. */
    restart: () => {
      committer = new Committer(connection, () => clock.now);
    },
    /** Delivers one reading of an epoch; the sibling that is told. */
    deliver: (epoch: string, parent: string | undefined): string | undefined => {
      const from = parent === undefined ? undefined : { epoch: parent, last: 5 };
      const first = numbers++;
      const [outcome] = committer.commit([delivery(first, numbered(first, first), { epoch, parent: from })]);
      assert.is(outcome?.kind, 'delivery');
      return outcome?.kind === 'delivery' ? outcome.sibling : undefined;
    },
  };
}

test('two epochs with one parent are told at the first delivery of the second, once', async () => {
  await withDatabase((connection) => {
    const { deliver } = committerOn(connection);
    assert.is(deliver(a, undefined), undefined);
    assert.is(deliver(b, a), undefined);
    assert.is(deliver(c, a), b);
    assert.is(deliver(c, a), undefined);
    assert.is(deliver(b, a), undefined);
  });
});

test('a chain of restarts has none, in whatever order its backlog comes; nor have epochs without a parent', async () => {
  await withDatabase((connection) => {
    const { deliver } = committerOn(connection);
    // The newest brings what is live first, and then what earlier runs left.
    for (const [epoch, parent] of [
      [d, c],
      [c, b],
      [a, undefined],
      [b, a],
    ] as const)
      assert.is(deliver(epoch, parent), undefined);
    // After a factory reset a journal begins with nothing before it.
    assert.is(deliver('e'.repeat(32), undefined), undefined);
  });
});

test('they are told again by a process that begins soon after, since the one before may have ended without a word', async () => {
  await withDatabase((connection) => {
    const { deliver, restart, clock } = committerOn(connection);
    for (const epoch of [b, c]) deliver(epoch, a);
    restart();
    assert.is(deliver(c, a), b);
    clock.now += 25 * hour;
    restart();
    assert.is(deliver(c, a), undefined);
  });
});

test('a group that was rolled back tells it when it is committed', async () => {
  await withDatabase((connection) => {
    const clock = () => 1_790_000_000_000;
    const committer = new Committer(connection, clock);
    const parent = { epoch: a, last: 5 };
    committer.commit([delivery(0, numbered(0, 0), { epoch: b, parent })]);
    // The second of them cannot be written: each is tried alone then.
    const broken = { ...delivery(1, numbered(1, 1), { epoch: d, parent: undefined }), device: 99 };
    const [outcome] = committer.commit([delivery(0, numbered(0, 0), { epoch: c, parent }), broken]);
    assert.ok(outcome?.kind === 'delivery');
    assert.is(outcome.sibling, b);
  });
});

test.run();
