import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { addressOf } from './address.ts';

const test = suite('the address of an operation');

test('parameters stand in the path, escaped', () => {
  assert.is(
    addressOf('/organisations/:organisation/devices/:device', { organisation: 'acme', device: '../x' }),
    '/api/v1/organisations/acme/devices/..%2Fx',
  );
});

test('a path that lacks a parameter is no address', () => {
  assert.throws(() => addressOf('/organisations/:organisation', {}), /needs organisation/);
  assert.throws(() => addressOf('/organisations/:organisation', { organisation: '' }), /needs organisation/);
});

test('a query has what was asked for and nothing else', () => {
  assert.is(
    addressOf('/fleet/audit', {}, { limit: 5, after: undefined, actor: '', action: 'user.', outcome: null }),
    '/api/v1/fleet/audit?limit=5&action=user.',
  );
  assert.is(addressOf('/user', {}, {}), '/api/v1/user');
});

test.run();
