import { expandScopes, organisationScopes } from '@loadline/sdk/api';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  type DevicePlace,
  isWithin,
  type Membership,
  mayGive,
  narrowed,
  type Reach,
  reachesDevice,
  reachesTag,
  reachOf,
  standingOf,
} from './index.ts';

const names = ['north', 'south'];
const department = fc.constantFrom(...names);
const customer = fc.constantFrom('acme', 'bolt');
const id = fc.constantFrom('mast', 'crane', 'dock');

const device: fc.Arbitrary<DevicePlace> = fc.record({
  id,
  department: fc.option(department),
  customer: fc.option(customer),
});

const reach: fc.Arbitrary<Reach> = fc.record({
  departments: fc.oneof(
    fc.constant('all' as const),
    fc.record({ ids: fc.uniqueArray(department).map((one) => new Set(one)), unassigned: fc.boolean() }),
  ),
  customer: fc.option(customer),
  devices: fc.option(fc.uniqueArray(id).map((one) => new Set(one))),
  tags: fc.option(fc.uniqueArray(fc.constantFrom(1, 2, 3)).map((one) => new Set(one))),
});

const membership: fc.Arbitrary<Membership> = fc.record({
  organisation: fc.record({
    id: fc.constant('mine'),
    isolation: fc.constantFrom('basic' as const, 'strict' as const),
    secondFactor: fc.constant('not-required' as const),
  }),
  role: fc.constantFrom('administrator', 'viewer', 'own'),
  ownScopes: fc.option(fc.uniqueArray(fc.constantFrom(...organisationScopes)), { nil: undefined }),
  reach: fc.constantFrom('organisation' as const, 'departments' as const, 'customer' as const),
  departments: fc.uniqueArray(department),
  customer: fc.option(customer),
});

test('a reach that lies within another sees no device and no series that the other does not', () => {
  fc.assert(
    fc.property(reach, reach, device, fc.constantFrom(1, 2, 3), (inner, outer, one, tag) => {
      fc.pre(isWithin(inner, outer));
      if (reachesDevice(inner, one)) assert.ok(reachesDevice(outer, one));
      if (reachesTag(inner, tag)) assert.ok(reachesTag(outer, tag));
    }),
    { numRuns: 3000 },
  );
});

test('taking a department away, the last one too, shows no device that was not seen before', () => {
  fc.assert(
    fc.property(membership, device, (member, one) => {
      fc.pre(member.reach === 'departments');
      const fewer = { ...member, departments: member.departments.slice(1) };
      if (reachesDevice(reachOf(fewer), one)) assert.ok(reachesDevice(reachOf(member), one));
    }),
  );
});

test('in strict isolation who acts for departments sees theirs only, and with none left nothing', () => {
  fc.assert(
    fc.property(membership, device, (member, one) => {
      const strict = { ...member.organisation, isolation: 'strict' as const };
      const reach = reachOf({ ...member, organisation: strict, reach: 'departments' });
      const own = one.department !== null && member.departments.includes(one.department);
      assert.is(reachesDevice(reach, one), own);
    }),
  );
});

test('in basic isolation who acts for departments sees theirs and the unassigned', () => {
  fc.assert(
    fc.property(membership, device, (member, one) => {
      const basic = { ...member.organisation, isolation: 'basic' as const };
      const reach = reachOf({ ...member, organisation: basic, reach: 'departments' });
      const seen = one.department === null || member.departments.includes(one.department);
      assert.is(reachesDevice(reach, one), seen);
    }),
  );
});

test('a customer sees its own devices and no others', () => {
  fc.assert(
    fc.property(membership, device, (member, one) => {
      const reach = reachOf({ ...member, reach: 'customer' });
      assert.is(reachesDevice(reach, one), one.customer !== null && one.customer === member.customer);
    }),
  );
});

test('a token never has a scope or sees a device that its creator does not, whatever it says', () => {
  fc.assert(
    fc.property(
      membership,
      fc.uniqueArray(fc.constantFrom('all.*', 'all.read', 'device.*', ...organisationScopes)),
      fc.option(fc.uniqueArray(id)),
      fc.option(fc.uniqueArray(fc.constantFrom(1, 2, 3))),
      device,
      (member, patterns, devices, tags, one) => {
        const creator = standingOf(member, { secondFactor: false });
        const token = narrowed(creator, { scopes: expandScopes(patterns), devices, tags });
        for (const scope of token.scopes) assert.ok(creator.scopes.has(scope));
        if (reachesDevice(token.reach, one)) assert.ok(reachesDevice(creator.reach, one));
        assert.ok(isWithin(token.reach, creator.reach));
      },
    ),
  );
});

test('nobody gives a scope he lacks or a reach wider than his own', () => {
  fc.assert(
    fc.property(membership, membership, (giver, gift) => {
      const from = standingOf(giver, { secondFactor: false });
      const to = standingOf(gift, { secondFactor: false });
      fc.pre(mayGive(from, to));
      for (const scope of to.scopes) assert.ok(from.scopes.has(scope));
      assert.ok(isWithin(to.reach, from.reach));
    }),
  );
});

test.run();
