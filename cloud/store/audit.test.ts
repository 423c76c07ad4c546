import { type AuditRecord, verifyChain } from '@loadline/sdk/audit';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { verifyAudit } from './audit-archive.ts';
import { type AuditDraft, checkedDraft } from './audit-draft.ts';
import { auditReads } from './audit-reads.ts';
import { type Step, step } from './change.ts';
import { Committer } from './commit.ts';
import type { Connection } from './database.ts';
import { withDatabase } from './test-store.ts';

const key = 'a5'.repeat(32);

function draft(over: Partial<AuditDraft> = {}): AuditDraft {
  return {
    organisation: 'first',
    at: 1000,
    actor: { kind: 'user', id: 'ann' },
    channel: 'https',
    action: 'device.update',
    target: { kind: 'device', id: 'mast' },
    outcome: 'done',
    code: null,
    before: null,
    after: { name: 'Mast' },
    personal: { of: ['ann'], data: { address: '192.0.2.7' } },
    ...over,
  };
}

function commit(connection: Connection, audit: readonly AuditDraft[], ...steps: Step[]) {
  const write = { kind: 'change' as const, steps, audit: audit.map(checkedDraft) };
  return new Committer(connection, () => 0).commit([write])[0];
}

function chain(connection: Connection, organisation: string | null = 'first') {
  const reads = auditReads(connection);
  const span = reads.auditChain({ organisation });
  assert.ok(span);
  return { span, records: reads.auditRecords({ organisation, after: span.base, limit: 1000 }) };
}

const text = fc.string({ unit: 'binary', maxLength: 30 });
const details = fc.record({
  name: text,
  more: fc.dictionary(fc.constantFrom('a', 'b c', 'é', '__proto__'), text),
});
const drafts = fc.array(
  fc
    .record({
      organisation: fc.constantFrom('first', 'second', null, ['first', null], ['second', 'first', 'second']),
      at: fc.nat(5000),
      actor: fc.record({ kind: text, id: text }),
      target: fc.option(fc.record({ kind: text, id: text })),
      code: fc.option(text),
      before: fc.option(details),
      after: fc.option(details),
      personal: fc.option(fc.record({ of: fc.array(fc.constantFrom('ann', 'bob', 'cle')), data: details })),
    })
    .map(draft),
  { minLength: 1, maxLength: 12 },
);

test('whatever is written, every chain verifies; so it does once people were erased and old entries removed', async () => {
  await fc.assert(
    fc.asyncProperty(drafts, fc.nat(5000), fc.integer({ min: 1, max: 5 }), async (list, before, most) => {
      await withDatabase((connection, file) => {
        const cut = Math.ceil(list.length / 2);
        const written = list.flatMap(({ organisation }) => [...new Set([organisation].flat())]);
        const removed = () => {
          for (const organisation of ['first', 'second', null]) {
            const steps = [
              step('moveAuditBase', { organisation, before, most }, 'some'),
              step('removeBeforeAuditBase', { organisation }),
            ];
            while (commit(connection, [], ...steps)?.kind === 'changed');
          }
        };
        const entries = (): [number, number] => {
          const verdicts = verifyAudit({ file, key }, undefined, []).map(({ verdict }) => verdict);
          assert.ok(verdicts.every(({ whole }) => whole));
          const whole = verdicts.filter((verdict) => verdict.whole);
          return [
            whole.reduce((sum, verdict) => sum + verdict.entries, 0),
            whole.reduce((sum, verdict) => sum + verdict.erased, 0),
          ];
        };
        commit(connection, list.slice(0, cut));
        assert.is(
          commit(connection, list.slice(cut), step('eraseAuditPersonal', { user: 'x' }))?.kind,
          'changed',
        );
        assert.equal(entries(), [written.length, 0]);
        commit(connection, [], step('eraseAuditPersonal', { user: 'ann' }));
        const anns = list.filter(({ personal }) => personal?.of.includes('ann'));
        const ofAnn = anns.flatMap(({ organisation }) => [...new Set([organisation].flat())]).length;
        assert.equal(entries(), [written.length, ofAnn]);
        assert.is(
          connection.prepare("select count(*) from audit_personal_of where user = 'ann'").pluck().get(),
          0,
        );
        removed();
        const young = list.filter(({ at }) => at >= before);
        assert.ok(
          entries()[0] >= young.flatMap(({ organisation }) => [...new Set([organisation].flat())]).length,
        );
        commit(connection, list);
        entries();
        removed();
        entries();
      });
    }),
    { numRuns: 12 },
  );
});

test('a change that is refused leaves no entry, and its neighbours in the group leave theirs in order', async () => {
  await withDatabase((connection) => {
    const change = (id: string, name: string) => ({
      kind: 'change' as const,
      steps: [step('createOrganisation', { id, name, created: 0 }, 'some')],
      audit: [draft({ action: `organisation.${id}` })],
    });
    const committer = new Committer(connection, () => 0);
    const outcomes = committer.commit([change('second', 'x'), change('first', 'x'), change('third', 'x')]);
    assert.equal(
      outcomes.map(({ kind }) => kind),
      ['changed', 'refused', 'changed'],
    );
    const { span, records } = chain(connection);
    assert.equal(
      records.map(({ entry }) => entry.action),
      ['organisation.second', 'organisation.third'],
    );
    assert.is(verifyChain(span, records).whole, true);
  });
});

test('retention takes the oldest in bounded steps, never one that is younger or stands behind a younger one', async () => {
  await withDatabase((connection) => {
    const times = [10, 20, 30, 90, 40, 50];
    commit(
      connection,
      times.map((at) => draft({ at })),
    );
    const remove = (before: number) =>
      commit(
        connection,
        [],
        step('moveAuditBase', { organisation: 'first', before, most: 2 }, 'some'),
        step('removeBeforeAuditBase', { organisation: 'first' }),
      )?.kind;
    const left = () => chain(connection).records.map(({ entry }) => entry.at);
    assert.is(remove(60), 'changed');
    assert.equal(left(), [30, 90, 40, 50]);
    assert.is(remove(60), 'changed');
    assert.equal(left(), [90, 40, 50]);
    assert.is(remove(60), 'refused');
    assert.equal(left(), [90, 40, 50]);
    const { span, records } = chain(connection);
    assert.is(span.base.sequence, 3);
    assert.is(verifyChain(span, records).whole, true);
    assert.is(connection.prepare('select count(*) from audit_personal').pluck().get(), 3);
    assert.is(connection.prepare('select count(*) from audit_personal_of').pluck().get(), 3);
    while (remove(100) === 'changed');
    assert.equal(left(), []);
    commit(connection, [draft({ at: 200 })]);
    assert.is(chain(connection).records[0]?.entry.sequence, 7);
  });
});

const tampering: readonly (readonly [string, string, number])[] = [
  ['an altered time', 'update audit set at = at + 1 where sequence = 2', 2],
  ['an altered actor', "update audit set actor_id = 'bob' where sequence = 2", 2],
  ['a refusal made a success', "update audit set outcome = 'refused' where sequence = 2", 2],
  ['an altered detail', `update audit set after = '{"name":"Crane"}' where sequence = 2`, 2],
  ['a detail taken away', 'update audit set after = null where sequence = 2', 2],
  ['an altered hash', 'update audit set hash = randomblob(32) where sequence = 2', 2],
  ['an altered address', `update audit_personal set data = '{"address":"192.0.2.8"}' where entry = 2`, 2],
  ['an altered owner', "update audit_personal_of set user = 'bob' where entry = 2", 2],
  ['a removed entry', 'delete from audit where sequence = 2', 2],
  ['a removed first entry', 'delete from audit where sequence = 1', 1],
  ['a removed last entry', 'delete from audit where sequence = 4', 4],
  ['an entry moved to the end', 'update audit set sequence = 5 where sequence = 2', 2],
  [
    'an entry put after the head',
    'insert into audit select 99, organisation, 5, at, actor_kind, actor_id, channel, action, target_kind, target_id, outcome, code, before, after, personal_hash, hash from audit where sequence = 4',
    5,
  ],
  ['a base that is moved on', 'update audit_chain set base = 1', 2],
  ['a chain whose row is gone', 'delete from audit_chain', 1],
  [
    'a head set back',
    'update audit_chain set last = 3, head = (select hash from audit where sequence = 3)',
    4,
  ],
];

for (const [what, statement, sequence] of tampering) {
  test(`${what} is found, at its number`, async () => {
    await withDatabase((connection, file) => {
      commit(connection, [draft(), draft(), draft(), draft()]);
      assert.is(connection.prepare(statement).run().changes, 1);
      const verdicts = verifyAudit({ file, key }, undefined, []);
      assert.is(verdicts.length, 1);
      const verdict = verdicts[0]?.verdict;
      assert.is(verdict?.whole === false && verdict.sequence, sequence);
      let piece = auditReads(connection).auditVerify({ organisation: 'first', from: undefined, limit: 2 });
      while (piece.next !== undefined) {
        piece = auditReads(connection).auditVerify({ organisation: 'first', from: piece.next, limit: 2 });
      }
      assert.is(piece.verdict.whole === false && piece.verdict.sequence, sequence);
    });
  });
}

test('a page shows the newest first, and goes on where the one before it ended', async () => {
  await withDatabase((connection) => {
    const list = Array.from({ length: 25 }, (_, index) => draft({ at: 1000 + Math.floor(index / 3) }));
    commit(connection, list);
    commit(connection, [draft({ organisation: 'second' })]);
    const reads = auditReads(connection);
    const seen: number[] = [];
    let before: { at: number; sequence: number } | undefined;
    do {
      const page = reads.audit({ organisation: 'first', limit: 10, before });
      seen.push(...page.entries.map(({ sequence }) => sequence));
      before = page.next;
    } while (before !== undefined);
    assert.equal(
      seen,
      Array.from({ length: 25 }, (_, index) => 25 - index),
    );
  });
});

test('what is asked for is found by who did it, to what, what, when and how it ended', async () => {
  await withDatabase((connection) => {
    const bob = { kind: 'user', id: 'bob' };
    commit(connection, [
      draft({ at: 10, action: 'session.create' }),
      draft({ at: 20, actor: bob, action: 'session.create', outcome: 'refused', code: 'wrong' }),
      draft({ at: 30, actor: bob, target: bob, action: 'sessions.get', personal: null }),
      draft({ at: 40, organisation: null, target: null }),
    ]);
    commit(connection, [], step('eraseAuditPersonal', { user: 'ann' }));
    const reads = auditReads(connection);
    const found = (query: object, organisation: string | null = 'first') =>
      reads.audit({ organisation, limit: 9, ...query }).entries.map(({ at }) => at);
    assert.equal(found({}), [30, 20, 10]);
    assert.equal(found({}, null), [40]);
    assert.equal(found({ actor: 'bob' }), [30, 20]);
    assert.equal(found({ target: 'mast' }), [20, 10]);
    assert.equal(found({ actor: 'bob', target: 'mast' }), [20]);
    assert.equal(found({ actor: 'ann' }), [10]);
    assert.equal(found({ action: 'session.' }), [20, 10]);
    assert.equal(found({ action: 'session%' }), []);
    assert.equal(found({ outcome: 'refused' }), [20]);
    assert.equal(found({ from: 20, to: 30 }), [20]);
    const [entry, erased] = reads.audit({ organisation: 'first', limit: 9 }).entries;
    assert.equal([entry?.personal, entry?.erased], [null, false]);
    assert.equal([erased?.personal, erased?.erased], [null, true]);
    assert.equal(erased?.after, { name: 'Mast' });
  });
});

test('what is erased is nowhere in the database any more, its free pages included', async () => {
  await withDatabase((connection) => {
    const of = (user: string) =>
      draft({ personal: { of: [user], data: { address: `address-of-${user}` } }, target: null });
    commit(
      connection,
      Array.from({ length: 400 }, (_, index) => of(index < 300 ? 'ann' : 'bob')),
    );
    // The pages as they are, decrypted.
    const found = (user: string) => connection.serialize().includes(`address-of-${user}`);
    assert.equal([found('ann'), found('bob')], [true, true]);
    commit(connection, [], step('eraseAuditPersonal', { user: 'ann' }));
    assert.equal([found('ann'), found('bob')], [false, true]);
  });
});

test('the same personal data has another hash in each entry and each chain', async () => {
  await withDatabase((connection) => {
    commit(connection, [draft({ organisation: ['first', null] }), draft()]);
    const hashes = [...chain(connection).records, ...chain(connection, null).records].map(
      ({ entry }: AuditRecord) => entry.personal,
    );
    assert.is(hashes.length, 3);
    assert.is(new Set(hashes).size, 3);
  });
});

test.run();
