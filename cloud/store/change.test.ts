import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Step, step } from './change.ts';
import { Committer } from './commit.ts';
import type { Connection } from './database.ts';
import { delivery, numbered, withDatabase } from './test-store.ts';

const change = (...steps: Step[]) => ({ kind: 'change' as const, steps, audit: [] });
const organisation = (id: string) => step('createOrganisation', { id, name: id, created: 0 }, 'some');
const device = (id: string) => step('addDevice', { id, organisation: 'first', kind: 'gateway' }, 'some');
const certificate = step('addCertificate', {
  ...{ fingerprint: 'f', subject: 's', serial: '1', expires: 1, issued: 0 },
  ...{ profile: 'gateway', issuer: null, issuedFor: 'secret' },
  publicKey: Buffer.of(1),
});

function organisations(connection: Connection): unknown[] {
  return connection.prepare('select id from organisation order by id').pluck().all();
}

test('all steps of a change are taken, and each says how many rows it changed', async () => {
  await withDatabase((connection) => {
    const steps = [
      organisation('second'),
      step('addDevice', { id: 'mast', organisation: 'second', kind: 'gateway' }),
    ];
    assert.equal(new Committer(connection, () => 0).commit([change(...steps)]), [
      { kind: 'changed', rows: [1, 0] },
    ]);
    assert.equal(organisations(connection), ['first', 'second']);
  });
});

test('a step that was to change rows and changes none undoes the whole change, and no other of its group', async () => {
  await withDatabase((connection) => {
    const outcomes = new Committer(connection, () => 0).commit([
      change(organisation('before')),
      change(organisation('undone'), device('mast'), organisation('never')),
      delivery(2, numbered(2, 5)),
      change(organisation('later')),
    ]);
    assert.equal(outcomes[1], { kind: 'refused', step: 1, constraint: false });
    assert.equal(
      outcomes.map(({ kind }) => kind),
      ['changed', 'refused', 'delivery', 'changed'],
    );
    assert.equal(organisations(connection), ['before', 'first', 'later']);
  });
});

test('what would be there twice, or refers to nothing, refuses the change that asks for it', async () => {
  await withDatabase((connection) => {
    const orphan = step('addDevice', { id: 'crane', organisation: 'nobody', kind: 'gateway' });
    const outcomes = new Committer(connection, () => 0).commit([
      change(certificate),
      change(organisation('undone'), certificate),
      change(organisation('undone'), orphan),
    ]);
    assert.equal(outcomes, [
      { kind: 'changed', rows: [1] },
      { kind: 'refused', step: 1, constraint: true },
      { kind: 'refused', step: 1, constraint: true },
    ]);
    assert.equal(organisations(connection), ['first']);
  });
});

test('a mistake of the program fails the change, and is no refusal', async () => {
  await withDatabase((connection) => {
    const nameless = step('createOrganisation', { id: 'nameless', name: null as never, created: 0 });
    const outcomes = new Committer(connection, () => 0).commit([
      change(organisation('second')),
      change(nameless),
    ]);
    assert.equal(
      outcomes.map(({ kind }) => kind),
      ['changed', 'failed'],
    );
    assert.equal(organisations(connection), ['first', 'second']);
  });
});

// @ts-expect-error a parameter of another statement
step('createOrganisation', { id: 'x', fingerprint: 'f' });
// @ts-expect-error no such statement
step('dropEverything', {});
// @ts-expect-error the parameters of one statement under the name of another
const crossed: Step = { do: 'createOrganisation', with: { tokenHash: new Uint8Array(1) } };
assert.ok(crossed);

test.run();
