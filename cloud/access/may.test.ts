import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { may, type Principal } from './may.ts';
import { type Scope, scopes } from './scopes.ts';

const mine = { id: 'mine' };
const theirs = { id: 'theirs' };
const gateway: Principal = { kind: 'gateway', id: 'mast', organisation: mine };
const administrator: Principal = { kind: 'user', name: 'ann', role: 'administrator', organisation: mine };
const everything = Object.keys(scopes) as Scope[];

test('nobody may do anything in another organisation, and learns nothing of what is there', () => {
  for (const scope of everything) {
    for (const principal of [gateway, administrator]) {
      assert.equal(may(principal, scope, { organisation: theirs, gateway: 'mast' }), {
        allowed: false,
        code: 'not-found',
      });
    }
  }
});

test('a gateway delivers for itself, and for no other gateway of its organisation', () => {
  const scope = 'telemetry.deliver';
  assert.is(may(gateway, scope, { organisation: mine, gateway: 'mast' }).allowed, true);
  assert.is(may(gateway, scope, { organisation: mine, gateway: 'crane' }).allowed, false);
  assert.is(may(gateway, scope, { organisation: mine }).allowed, false);
});

test('a gateway hears what is meant for itself, and for no other', () => {
  for (const scope of everything.filter((one) => one.endsWith('.receive') || one.endsWith('.ask'))) {
    assert.is(may(gateway, scope, { organisation: mine, gateway: 'mast' }).allowed, true, scope);
    assert.is(may(gateway, scope, { organisation: mine, gateway: 'crane' }).allowed, false, scope);
    assert.is(may(administrator, scope, { organisation: mine, gateway: 'mast' }).allowed, false, scope);
  }
});

test('a gateway reads nothing and orders nothing, its own readings included', () => {
  for (const scope of everything.filter((one) => /\.(get|create|set)$/.test(one))) {
    assert.is(may(gateway, scope, { organisation: mine, gateway: 'mast' }).allowed, false, scope);
  }
});

test('an administrator cannot deliver readings in the name of a gateway', () => {
  for (const scope of everything.filter((one) => one.endsWith('.deliver'))) {
    assert.equal(may(administrator, scope, { organisation: mine, gateway: 'mast' }), {
      allowed: false,
      code: 'forbidden',
    });
  }
});

test.run();
