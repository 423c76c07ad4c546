import type { QuestionName } from '@loadline/sdk/provisioning';
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Refused } from './refused.ts';
import {
  checkOrder,
  checkUndelivered,
  committed,
  type InForce,
  judgeCommit,
  keyed,
  newSession,
  type Owner,
  owned,
  type Session,
  written,
} from './session.ts';

const test = suite('the order of questions');

const ownerOf = (organisation: string, ownershipCounter: number, discardsUndelivered = false): Owner => ({
  organisation,
  ownershipCounter,
  voucher: `voucher ${ownershipCounter}`,
  pinnedAuthorityPem: '',
  discardsUndelivered,
});
const inForceOf = (of: Partial<InForce> = {}): InForce => ({
  gatewayId: 'mast-1',
  organisation: 'acme',
  ownershipCounter: 1,
  voucher: 'voucher 1',
  digest: 'one',
  ...of,
});

/** The code of a refusal; undefined where there is none. */
function refusal(call: () => unknown): string | undefined {
  try {
    call();
    return undefined;
  } catch (error) {
    if (error instanceof Refused) return error.code;
    throw error;
  }
}

const ready = (organisation = 'acme', counter = 2, digest = 'two', discards = false): Session =>
  written(
    keyed(owned(newSession('nonce'), ownerOf(organisation, counter, discards)), 'mast-1'),
    digest,
    'mast-1',
  );

test('a commit of the same gateway keeps what it holds, of another nothing, and not where it would be lost', () => {
  const judge = (session: Session, inForce: InForce | undefined, undelivered: number) =>
    judgeCommit(session, inForce, session.written?.digest ?? '', undelivered);
  assert.equal(judge(ready(), undefined, 0), { kind: 'due', keepsJournal: false });
  assert.equal(judge(ready(), inForceOf(), 9), { kind: 'due', keepsJournal: true });
  for (const other of [{ gatewayId: 'mast-2' }, { organisation: 'other' }]) {
    assert.is(
      refusal(() => judge(ready(), inForceOf(other), 9)),
      'undelivered-readings',
    );
    assert.equal(judge(ready(), inForceOf(other), 0), { kind: 'due', keepsJournal: false });
    const discarding = ready('acme', 2, 'two', true);
    assert.equal(judge(discarding, inForceOf(other), 9), { kind: 'due', keepsJournal: false });
  }
});

test('what is in force under this voucher is not put into force again; under another one it is', () => {
  const session = ready('acme', 2, 'two');
  const inForce = inForceOf({ ownershipCounter: 2, digest: 'two' });
  assert.equal(judgeCommit(session, inForce, 'two', 0), { kind: 'done-already' });
  assert.equal(judgeCommit(committed(session), inForce, 'two', 0), { kind: 'done-already' });
  assert.is(judgeCommit(session, { ...inForce, ownershipCounter: 1 }, 'two', 0).kind, 'due');
  assert.is(
    refusal(() => judgeCommit(session, inForce, 'three', 0)),
    'digest-differs',
  );
});

test('a key for another id, or another owner, takes what was written with it', () => {
  assert.is(keyed(ready(), 'mast-2').written, undefined);
  assert.equal(keyed(ready(), 'mast-1').written, { digest: 'two', gatewayId: 'mast-1' });
  const anew = owned(ready(), ownerOf('other', 3));
  assert.equal([anew.keyOf, anew.written, anew.nonce], [undefined, undefined, 'nonce']);
});

test('a voucher that was good when it was shown is no more, once it or a later one was used', () => {
  const session = owned(newSession('nonce'), ownerOf('acme', 2));
  const may = (inForce: InForce | undefined, ownershipCounter: number) =>
    refusal(() => checkOrder(session, { inForce, ownershipCounter }, 'key'));
  assert.is(may(inForceOf(), 1), undefined);
  // Its own: what it has put into force it may put right.
  assert.is(may(inForceOf({ ownershipCounter: 2, voucher: 'voucher 2' }), 2), undefined);
  assert.is(may(inForceOf({ ownershipCounter: 2, voucher: 'another with 2' }), 2), 'not-owned');
  assert.is(may(inForceOf({ ownershipCounter: 3, voucher: 'voucher 3' }), 3), 'not-owned');
  assert.is(may(undefined, 2), 'not-owned');
});

test('readings are given up by a word and in no other way', () => {
  assert.is(
    refusal(() => checkUndelivered(1, false)),
    'undelivered-readings',
  );
  assert.is(
    refusal(() => checkUndelivered(0, false)),
    undefined,
  );
  assert.is(
    refusal(() => checkUndelivered(1, true)),
    undefined,
  );
});

test('in whatever order they come, nothing is due without an owner, his key, and what he wrote', () => {
  type Step =
    | { readonly do: 'own'; readonly counter: number }
    | { readonly do: 'key' | 'write'; readonly id: string }
    | { readonly do: 'commit' };
  const ids = fc.constantFrom('mast-1', 'mast-2');
  const step: fc.Arbitrary<Step> = fc.oneof(
    fc.record({ do: fc.constant('own' as const), counter: fc.integer({ min: 1, max: 5 }) }),
    fc.record({ do: fc.constantFrom('key' as const, 'write' as const), id: ids }),
    fc.record({ do: fc.constant('commit' as const) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
      let session = newSession('nonce');
      // What a tool can rely on, followed beside.
      let owner: number | undefined;
      let key: string | undefined;
      let wrote: string | undefined;
      for (const each of steps) {
        const name: QuestionName = each.do;
        const order = refusal(() => checkOrder(session, { inForce: undefined, ownershipCounter: 0 }, name));
        switch (each.do) {
          case 'own':
            assert.is(order, undefined);
            session = owned(session, ownerOf('acme', each.counter));
            [owner, key, wrote] = [each.counter, undefined, undefined];
            break;
          case 'key':
            assert.is(order, owner === undefined ? 'not-owned' : undefined);
            if (order !== undefined) break;
            session = keyed(session, each.id);
            if (key !== each.id) wrote = undefined;
            key = each.id;
            break;
          case 'write':
            assert.is(
              order,
              owner === undefined ? 'not-owned' : key === undefined ? 'key-missing' : undefined,
            );
            if (order !== undefined || each.id !== key) break;
            session = written(session, each.id, each.id);
            wrote = each.id;
            break;
          case 'commit': {
            const may =
              owner === undefined ? 'not-owned' : wrote === undefined ? 'nothing-written' : undefined;
            assert.is(order, may);
            if (may === undefined) assert.is(judgeCommit(session, undefined, wrote as string, 0).kind, 'due');
          }
        }
      }
    }),
  );
});

test.run();
