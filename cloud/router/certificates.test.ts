import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Certificates } from './certificates.ts';

const row = (fingerprint: string, issued: number | null, over: object = {}) => ({
  ...{ fingerprint, subject: 'mast', issued, used: null, revoked: null, reason: null, ...over },
});

function of(...rows: ReturnType<typeof row>[]): Certificates {
  const certificates = new Certificates();
  for (const one of rows) certificates.put(one);
  return certificates;
}

const standings = (certificates: Certificates, ...fingerprints: string[]) =>
  fingerprints.map((one) => certificates.standing(one, 'mast'));

test('the first use of one ends the older ones of its subject, and only those', () => {
  const certificates = of(
    row('before', null),
    row('old', 1),
    row('new', 2),
    row('newest', 3),
    row('theirs', 1, { subject: 'crane' }),
    row('revoked', 1, { revoked: 9, reason: 'revoked' }),
  );
  assert.equal(certificates.use('new'), ['before', 'old']);
  assert.equal(standings(certificates, 'before', 'old', 'new', 'newest', 'revoked'), [
    ...['superseded', 'superseded', 'good', 'good', 'revoked'],
  ]);
  assert.is(certificates.standing('theirs', 'crane'), 'good');
  assert.is(certificates.use('new'), undefined, 'only the first use is one');
  assert.is(certificates.use('nobody’s'), undefined);
});

test('the first use of an older one ends no newer one', () => {
  const certificates = of(row('old', 1), row('new', 2));
  assert.equal(certificates.use('old'), []);
  assert.equal(standings(certificates, 'old', 'new'), ['good', 'good']);
});

test('one that names another subject, or that nobody issued, is unknown', () => {
  const certificates = of(row('old', 1));
  assert.is(certificates.standing('old', 'crane'), 'unknown');
  assert.is(certificates.standing('other', 'mast'), 'unknown');
});

test('what has ended here stays so, whatever the store says yet', () => {
  const certificates = of(row('old', 1), row('new', 2));
  certificates.use('new');
  certificates.put(row('old', 1));
  certificates.put(row('new', 2));
  assert.equal(standings(certificates, 'old', 'new'), ['superseded', 'good']);
  assert.is(certificates.use('new'), undefined);
  certificates.end('old', 'revoked');
  assert.is(certificates.standing('old', 'mast'), 'superseded');
  certificates.put(row('new', 2, { revoked: 3, reason: 'retired' }));
  assert.is(certificates.standing('new', 'mast'), 'retired');
});

test('one that is held back opens again when it is readmitted, unless it has ended for good meanwhile', () => {
  const held = { revoked: 9, reason: 'restored' };
  const certificates = of(...['old', 'new', 'gone'].map((one, at) => row(one, at, held)), row('next', 7));
  assert.equal(standings(certificates, 'old', 'new', 'gone'), ['restored', 'restored', 'restored']);
  certificates.readmit('new');
  // It was read before that, and is told now.
  certificates.put(row('new', 1, held));
  certificates.put(row('gone', 2, { revoked: 10, reason: 'retired' }));
  certificates.readmit('gone');
  assert.equal(standings(certificates, 'old', 'new', 'gone'), ['restored', 'good', 'retired']);
  assert.equal(certificates.use('next'), ['old', 'new']);
  certificates.readmit('old');
  assert.is(certificates.standing('old', 'mast'), 'superseded');
});

test('one that was revoked before reasons were kept is revoked', () => {
  assert.is(of(row('old', null, { revoked: 1 })).standing('old', 'mast'), 'revoked');
});

test.run();
