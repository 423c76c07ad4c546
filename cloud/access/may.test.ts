import { fleetScopes, gatewayScopes, organisationScopes, type Scope, scopes } from '@loadline/sdk/api';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { may, narrowed, type Principal, type Resource, type Standing, standingOf } from './index.ts';

const mine = { id: 'mine' };
const theirs = { id: 'theirs' };
const everything = Object.keys(scopes) as Scope[];
const place = { department: null, customer: null };
const mast: Resource = { of: 'device', organisation: mine, device: { id: 'mast', ...place } };
const crane: Resource = { of: 'device', organisation: mine, device: { id: 'crane', ...place } };
const whole: Resource = { of: 'organisation', organisation: mine };

const gateway: Principal = { kind: 'gateway', id: 'mast', organisation: mine };

function standing(role: string): Standing {
  const policies = { isolation: 'basic', secondFactor: 'not-required' } as const;
  const reach = { reach: 'organisation', departments: [], customer: null } as const;
  return standingOf(
    { organisation: { ...mine, ...policies }, role, ownScopes: undefined, ...reach },
    { secondFactor: false },
  );
}

function person(role: string, over: Partial<Extract<Principal, { kind: 'user' }>> = {}): Principal {
  const standings = new Map([['mine', standing(role)]]);
  const who = { id: 'p', email: 'ann@example.org', name: 'Ann', session: 's' };
  return { kind: 'user', ...who, pending: false, expires: 9e15, fleet: new Set(), standings, ...over };
}

const token: Principal = {
  kind: 'token',
  id: 't',
  name: 'logger',
  creator: 'p',
  expires: 9e15,
  standing: standing('administrator'),
};

test('nobody may do anything in another organisation, and learns nothing of what is there', () => {
  const elsewhere: Resource[] = [
    { of: 'organisation', organisation: theirs },
    { of: 'device', organisation: theirs, device: { id: 'mast', ...place } },
    { of: 'customer', organisation: theirs, customer: 'c' },
  ];
  for (const scope of everything) {
    for (const principal of [gateway, person('administrator'), token]) {
      for (const resource of elsewhere) {
        assert.equal(may(principal, scope, resource), { allowed: false, code: 'not-found' });
      }
    }
  }
});

test('a gateway delivers and hears for itself, and for no other gateway of its organisation', () => {
  for (const scope of gatewayScopes) {
    assert.is(may(gateway, scope, mast).allowed, true, scope);
    assert.is(may(gateway, scope, crane).allowed, false, scope);
    assert.is(may(gateway, scope, whole).allowed, false, scope);
  }
});

test('a gateway reads nothing and orders nothing, its own readings included', () => {
  for (const scope of [...organisationScopes, ...fleetScopes]) {
    assert.is(may(gateway, scope, mast).allowed, false, scope);
  }
});

test('nobody can deliver readings in the name of a gateway, nor hear what is meant for it', () => {
  for (const scope of gatewayScopes) {
    assert.equal(may(person('administrator'), scope, mast), { allowed: false, code: 'forbidden' });
    assert.equal(may(token, scope, mast), { allowed: false, code: 'forbidden' });
  }
});

test('an administrator may do all that there is in his organisation, and nothing above it', () => {
  for (const scope of organisationScopes) {
    assert.is(may(person('administrator'), scope, whole).allowed, true, scope);
  }
  for (const scope of fleetScopes) {
    assert.is(may(person('administrator'), scope, { of: 'fleet' }).allowed, false, scope);
    assert.is(may(token, scope, { of: 'fleet' }).allowed, false, scope);
  }
});

test('a fleet operator may do all above organisations, and sees into none', () => {
  const operator = person('administrator', { fleet: new Set(fleetScopes), standings: new Map() });
  for (const scope of fleetScopes) assert.is(may(operator, scope, { of: 'fleet' }).allowed, true, scope);
  for (const scope of organisationScopes) {
    assert.equal(may(operator, scope, whole), { allowed: false, code: 'not-found' });
  }
});

test('a session without its second factor opens nothing', () => {
  const half = person('administrator', { pending: true, fleet: new Set(fleetScopes) });
  for (const scope of everything) {
    for (const resource of [whole, mast, { of: 'fleet' } as const]) {
      assert.equal(may(half, scope, resource), { allowed: false, code: 'second-factor-required' });
    }
  }
});

test('where the organisation asks for a second factor, who has none may do nothing in it', () => {
  const withheld = { ...standing('administrator'), withheld: 'second-factor-required' } as const;
  const ann = person('administrator', { standings: new Map([['mine', withheld]]) });
  for (const scope of organisationScopes) {
    assert.equal(may(ann, scope, whole), { allowed: false, code: 'second-factor-required' });
  }
});

test('a viewer reads and changes nothing', () => {
  for (const scope of organisationScopes.filter((one) => !scopes[one].reads)) {
    assert.is(may(person('viewer'), scope, mast).allowed, false, scope);
  }
  assert.is(may(person('viewer'), 'readings.get', mast).allowed, true);
});

test('a limit to tags leaves nothing of what is told of whole devices, or done to them', () => {
  const limited = narrowed(standing('administrator'), {
    scopes: new Set(organisationScopes),
    devices: null,
    tags: [0x25df],
  });
  const token: Principal = {
    kind: 'token',
    id: 't',
    name: 'logger',
    creator: 'p',
    expires: 9e15,
    standing: limited,
  };
  for (const scope of [
    'device.enrol',
    'device.patch',
    'desired.set',
    'commands.create',
    'ledger.get',
    'rejection.get',
    'device-credentials.create',
  ] as const) {
    assert.equal(may(token, scope, mast), { allowed: false, code: 'forbidden' });
  }
  assert.is(may(token, 'devices.create', whole).allowed, false);
  assert.is(may(token, 'readings.get', mast).allowed, true);
});

test('a role that is gone opens nothing', () => {
  for (const scope of organisationScopes) assert.is(may(person('no-such-role'), scope, whole).allowed, false);
});

test.run();
