import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { planOf, type Standing } from './plan.ts';

const test = suite('plan of a provisioning');

const inForce = { publicKey: '', authority: [], ownershipCounter: 1, voucher: '', site: '' };
const mast = { id: 'mast-7', organisation: 'harbour', fingerprint: null, expires: null };

function standing(said: Partial<Standing['description']>, more: Partial<Standing> = {}): Standing {
  return {
    description: {
      ...{ serialNumber: 'A1', state: 'unprovisioned', gateway: null, undelivered: 0, inForce: null },
      ...said,
    },
    order: { gatewayId: 'mast-7', serialNumber: undefined, discardUndelivered: false, ports: [] },
    organisation: 'harbour',
    way: 'online',
    rewrite: false,
    asked: 'site',
    ...more,
  };
}

const whole = ['own', 'key', 'certificate', 'write', 'read', 'commit', 'trial', 'record', 'keep', 'close'];
const asIt = { state: 'provisioned', gateway: mast, inForce } as const;

test('a board that is nobody’s gets everything, in its order', () => {
  assert.equal(planOf(standing({})), { kind: 'new', steps: whole });
});

test('a board that was reset knows who it was, and is nobody’s all the same', () => {
  assert.equal(planOf(standing({ gateway: { ...mast, organisation: 'other' } })).kind, 'new');
});

test('its sensors are listened for where nobody says on which ports they are', () => {
  const order = { ...standing({}).order, ports: undefined };
  assert.equal(planOf(standing({}, { order })).steps.slice(0, 3), ['own', 'hear', 'key']);
});

test('a gateway that is what was ordered only gets what was left', () => {
  const { kind, steps } = planOf(standing({ ...asIt, undelivered: 12 }));
  assert.equal([kind, steps], ['resume', ['own', 'compare', 'trial', 'record', 'keep', 'close']]);
});

test('where only its id was said there is nothing to compare: its site stays', () => {
  const { steps } = planOf(standing(asIt, { asked: 'id' }));
  assert.equal(steps, ['trial', 'record', 'keep', 'close']);
});

test('it is written anew where that is said, and its readings go on with it', () => {
  const { kind, steps } = planOf(standing({ ...asIt, undelivered: 12 }, { rewrite: true }));
  assert.equal([kind, steps], ['again', whole]);
});

test('one that is staged, and now with a cloud at hand, gets a certificate of it', () => {
  assert.equal(planOf(standing({ ...asIt, state: 'staged' })), { kind: 'again', steps: whole });
});

test('a kit asks no cloud: nothing is certified, tried or kept there', () => {
  assert.equal(planOf(standing({}, { way: 'kit' })).steps, [
    'own',
    'key',
    'write',
    'read',
    'commit',
    'record',
    'close',
  ]);
});

test('a kit that was cut after the commit only gets its record, also where it has enrolled meanwhile', () => {
  assert.equal(planOf(standing({ ...asIt, state: 'staged' }, { way: 'kit' })).steps, [
    'compare',
    'record',
    'close',
  ]);
  assert.equal(planOf(standing(asIt, { way: 'kit' })).steps, ['compare', 'record', 'close']);
});

test('another owner’s board is moved, once it holds nothing of his or that may be lost', () => {
  const other = { ...mast, organisation: 'other' };
  assert.is(planOf(standing({ ...asIt, gateway: other })).kind, 'move');
  assert.throws(
    () => planOf(standing({ ...asIt, gateway: other, undelivered: 3 })),
    /3 readings of mast-7 of other/,
  );
  const order = { ...standing({}).order, discardUndelivered: true };
  assert.is(planOf(standing({ ...asIt, gateway: other, undelivered: 3 }, { order })).kind, 'move');
});

test('a new id is another gateway: readings of the old one are not lost unsaid', () => {
  const order = { ...standing({}).order, gatewayId: 'mast-8' };
  assert.throws(() => planOf(standing({ ...asIt, undelivered: 1 }, { order })), /1 readings of mast-7/);
  assert.is(planOf(standing(asIt, { order })).kind, 'new');
});

test('another board than the one that is meant is left alone', () => {
  const order = { ...standing({}).order, serialNumber: 'B2' };
  assert.throws(() => planOf(standing({}, { order })), /this board is A1, and the site is for B2/);
});

test.run();
