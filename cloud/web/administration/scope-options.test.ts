import { organisationScopes, scopes } from '@loadline/sdk/api';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { scopeOptions } from './scope-options.ts';

const test = suite('scopes to choose from');

const all = scopeOptions(organisationScopes);

test('who may do everything may give every scope, each with its meaning', () => {
  for (const scope of organisationScopes) {
    assert.is(all.find(({ value }) => value === scope)?.hint, scopes[scope].does, scope);
  }
  assert.equal(
    all.slice(0, 2).map(({ value, group }) => [value, group]),
    [
      ['all.*', 'Everything'],
      ['all.read', 'Everything'],
    ],
  );
});

test('a thing and its collection stand together, and no pattern stands for a single scope', () => {
  const people = all.filter(({ value }) => /^users?\./.test(value));
  assert.equal(new Set(people.map(({ group }) => group)), new Set(['Users']));
  const at = all.indexOf(people[0] ?? { value: '', label: '' });
  assert.equal(all.slice(at, at + people.length), people);
  assert.ok(all.some(({ value }) => value === 'user.*'));
  assert.not.ok(all.some(({ value }) => value === 'ledger.*'));
});

test('nobody is offered what he has not', () => {
  const offered = scopeOptions(['devices.get', 'device.get']).map(({ value }) => value);
  assert.equal(offered, ['devices.get', 'device.get']);
  assert.not.ok(scopeOptions(organisationScopes.slice(1)).some(({ value }) => value === 'all.*'));
});

test.run();
