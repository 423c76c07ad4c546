import { randomUUID } from 'node:crypto';
import { limits } from '@loadline/sdk/contract';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type ChangeWrite, type Step, step } from './change.ts';
import { Committer } from './commit.ts';
import type { ResultWrite } from './downlink-writes.ts';
import { storeReads } from './reads.ts';
import { device, withDatabase } from './test-store.ts';

const change = (...steps: Step[]): ChangeWrite => ({ kind: 'change', steps, audit: [] });
const commandOf = (id: string, at: number, expires: number): ChangeWrite =>
  change(
    step('trimCommands', { device, at, kept: limits.commandsKept - 1 }),
    step(
      'addCommand',
      { device, id, command: '{"kind":"report"}', at, expires, by: 'ann', waiting: limits.commandsWaiting },
      'some',
    ),
  );
const resultOf = (id: string, at: number): ResultWrite => ({
  kind: 'result',
  device,
  result: { version: 1, id, outcome: 'done', detail: String(at) },
  at,
  payload: Buffer.from(id),
});
const desiredOf = (revision: string): ChangeWrite =>
  change(
    step(
      'setDesired',
      { device, revision, configuration: JSON.stringify({ revision }), at: 1, by: 'ann' },
      'some',
    ),
  );

test('the newest commands are kept, and each that waits, however old', () =>
  withDatabase((connection) => {
    const committer = new Committer(connection, () => 0);
    const reads = storeReads(connection);
    const waiting = randomUUID();
    committer.commit([commandOf(waiting, 0, 1e9)]);
    const ids = Array.from({ length: limits.commandsKept + 20 }, () => randomUUID());
    for (const [index, id] of ids.entries())
      committer.commit([commandOf(id, index, 1e9), resultOf(id, index)]);
    const kept = reads.commands({ device }).map(({ id }) => id);
    assert.equal(kept, [...ids.slice(-limits.commandsKept).reverse(), waiting]);
    assert.equal(
      reads.openCommands({ device, now: 5000 }).map(({ id }) => id),
      [waiting],
    );
    assert.equal(reads.openCommands({ device, now: 1e9 }), []);
  }));

test('as many commands wait as may; one that has expired waits no more', () =>
  withDatabase((connection) => {
    const committer = new Committer(connection, () => 0);
    const order = (at: number) => committer.commit([commandOf(randomUUID(), at, at + 100)])[0];
    for (let count = 0; count < limits.commandsWaiting; count++) order(0);
    assert.equal(order(99)?.kind, 'refused');
    assert.equal(order(100)?.kind, 'changed');
  }));

test('the first result and the first sending count, and a result of no command is a rejection in the ledger', () =>
  withDatabase((connection) => {
    const committer = new Committer(connection, () => 0);
    const reads = storeReads(connection);
    const id = randomUUID();
    const sent = (at: number) => change(step('setSent', { device, id, at }));
    committer.commit([commandOf(id, 0, 100), sent(3), sent(4), resultOf(id, 5), resultOf(id, 6)]);
    const row = reads.command({ device, id });
    assert.equal([row?.sent, row?.detail, row?.finished], [3, '5', 5]);
    assert.equal(committer.commit([resultOf(randomUUID(), 7)]), [{ kind: 'done', changed: 1 }]);
    const ledger = reads.ledger({ device, limit: 1 });
    assert.equal(ledger?.deliveries, { received: 1, stored: 0, duplicate: 0, rejected: 1 });
  }));

test('a revision that is not newer replaces nothing', () =>
  withDatabase((connection) => {
    const committer = new Committer(connection, () => 0);
    const changed = ['b', 'a', 'b', 'c'].map((revision) => committer.commit([desiredOf(revision)])[0]);
    assert.equal(
      changed.map((outcome) => outcome?.kind),
      ['changed', 'refused', 'refused', 'changed'],
    );
    assert.equal(storeReads(connection).desired({ device })?.configuration, { revision: 'c' });
  }));

test.run();
