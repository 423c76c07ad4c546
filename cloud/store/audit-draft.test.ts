import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type AuditDetails, type AuditDraft, checkedDraft } from './audit-draft.ts';

function draft(after: unknown): AuditDraft {
  return {
    organisation: null,
    at: 1,
    actor: { kind: 'user', id: 'ann' },
    channel: 'https',
    action: 'user.update',
    target: null,
    outcome: 'done',
    code: null,
    before: null,
    after: after as AuditDetails,
    personal: null,
  };
}

test('a detail that has the name of a secret is refused, at any depth, before, after and among what is personal', () => {
  for (const name of [
    'password',
    'newPassword',
    'password_hash',
    'passwordHash',
    'secret',
    'factor_secret',
    'clientSecrets',
    'token',
    'API-Token',
    'accesstoken',
    'tokens',
    'code',
    'recoveryCodes',
    'hash',
    'hashes',
    'key',
    'apiKey',
    'apikey',
    'PIN',
    'cookie',
  ]) {
    assert.throws(() => checkedDraft(draft({ [name]: 'x' })), /secrets stay out of the log/, name);
    assert.throws(() => checkedDraft(draft({ list: [{ deep: { [name]: 1 } }] })), /after\.list\[0\]\.deep/);
    assert.throws(() => checkedDraft({ ...draft({}), before: { [name]: 'x' } as AuditDetails }), /before/);
    const personal = { of: [], data: { [name]: 'x' } as AuditDetails };
    assert.throws(() => checkedDraft({ ...draft({}), personal }), /personal/);
  }
});

test('a detail that only speaks of a secret is taken', () => {
  const after = {
    tokenDays: 30,
    keyVersion: 2,
    passwordChanged: true,
    codes_left: 8,
    postcode: 'AB1',
    spin: 1,
  };
  assert.equal(checkedDraft(draft(after)).after, after);
});

test('a value that has the form of a secret is withheld under any name, and the entry is written', () => {
  for (const value of [
    '$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA',
    '-----BEGIN PRIVATE KEY-----\nMC4',
    'eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..a.b.c',
  ]) {
    for (const whole of [value, `Bearer ${value}`]) {
      const actor = { kind: 'user', id: whole };
      const checked = JSON.stringify(checkedDraft({ ...draft({ note: whole, list: [whole] }), actor }));
      assert.not.match(checked, value.slice(0, 9));
      assert.is(checked.split('withheld').length - 1, 3);
    }
  }
});

test('what JSON does not have is refused, and a member that is not there is none', () => {
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY, 1n, () => 1, new Date(0), new Uint8Array(1)]) {
    assert.throws(() => checkedDraft(draft({ value })), /JSON/);
  }
  assert.equal(checkedDraft(draft({ a: undefined, b: 1 })).after, { b: 1 });
});

test('texts that no database and no canonical form would take are made whole, and long ones cut', () => {
  const { after, actor } = checkedDraft({
    ...draft({ name: 'a\ud800b', long: 'x'.repeat(5000) }),
    actor: { kind: 'user', id: '\udc00' },
  });
  assert.is(after?.name, 'a\ufffdb');
  assert.is(String(after?.long).length, 1001);
  assert.is(actor.id, '\ufffd');
});

test('of details that are far too many only their size and digest are kept', () => {
  const { after } = checkedDraft(draft({ list: Array.from({ length: 100 }, () => 'x'.repeat(900)) }));
  assert.equal(Object.keys(after ?? {}), ['characters', 'sha256']);
});

// @ts-expect-error no detail is named like a secret
const named: AuditDetails = { password: 'x' };
assert.ok(named);

test.run();
