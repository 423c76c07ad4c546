// A gateway's certificate through its life, by a clock of the test's own, at a real EST server.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Identity } from './identity.ts';
import { crossOver, makeRoot } from './test-est.ts';
import {
  begin,
  codes,
  day,
  fingerprint,
  first,
  fleet,
  forbidden,
  known,
  RenewalPlace,
  tick,
  tickUntil,
} from './test-renewal.ts';

const test = suite('renewal');

const minute = 60_000;

let place: RenewalPlace;
test.before.each(async () => {
  place = await RenewalPlace.open();
});
test.after.each(() => place.close());

test('asks for another at two thirds of the life, for a new key, and that takes over once it is used', async () => {
  await place.keepFirst();
  const at = await place.bench({ url: await place.est.open(fleet) });
  at.links.isConnected = false;
  at.time = known(19.9);
  await tick(at.renewal);
  assert.equal(place.est.asked, []);

  at.time = known(20.1);
  place.est.times = { notBefore: begin + 20 * day, notAfter: begin + 50 * day };
  await tickUntil(at.renewal, () => at.takenOver.length === 1, 'it takes over');
  assert.equal(place.est.asked, ['cacerts', `simplereenroll ${fingerprint(first)}`]);
  const [second] = at.takenOver as [Identity];
  assert.is(at.renewal.identity, second);
  assert.is.not(second.privateKeyPem, first.privateKeyPem);
  assert.equal((await readdir(place.folder)).sort(), [
    'gateway.crt',
    'gateway.key',
    'renewal.crt',
    'renewal.key',
  ]);
  assert.equal(at.events, []);

  // A link by the old one says nothing of the new one.
  at.renewal.connected(first);
  assert.equal(at.events, []);
  at.renewal.connected(second);
  assert.equal(at.events, [
    [
      'certificate-renewed',
      `it is good until ${new Date(begin + 50 * day).toISOString().replace(/\.\d+/, '.000')}`,
    ],
  ]);
  await at.renewal.stop();
  const settled = async () => (await readFile(join(place.folder, 'gateway.crt'), 'utf8')) === second.chainPem;
  for (const limit = Date.now() + 30_000; !(await settled()) || (await readdir(place.folder)).length > 2; ) {
    assert.ok(Date.now() < limit, 'it is settled');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert.is(await readFile(join(place.folder, 'gateway.key'), 'utf8'), second.privateKeyPem);

  // Of the next life two thirds are over at 40 days, and nothing is asked before.
  place.est.asked.length = 0;
  at.time = known(39.9);
  await tick(at.renewal);
  assert.equal(place.est.asked, []);
});

test('the jitter spreads a fleet over a twelfth of the life', async () => {
  await place.keepFirst();
  const at = await place.bench({ url: await place.est.open(fleet), draw: () => 0.999 });
  at.links.isConnected = false;
  at.time = known(22.4);
  await tick(at.renewal);
  assert.equal(place.est.asked, []);
  at.time = known(22.5);
  await tickUntil(at.renewal, () => place.est.asked.length > 0, 'it asks');
  await at.renewal.stop();
});

test('a clock that nobody vouches for renews nothing, at 1970 or long after', async () => {
  await place.keepFirst();
  const at = await place.bench({ url: await place.est.open(fleet) });
  at.links.isConnected = false;
  for (const wall of [0, begin + 25 * day, begin + 20_000 * day]) {
    at.time = { kind: 'at-least', wall };
    for (let ticks = 0; ticks < 5; ticks++) await tick(at.renewal);
  }
  assert.equal(place.est.asked, []);
  assert.equal(at.events, []);
});

test('what fails is tried again after waits that grow, and is said when little is left', async () => {
  await place.keepFirst();
  const at = await place.bench({ url: 'https://localhost:1', draw: () => 0.5 });
  at.time = known(24);
  const failures = () => at.logged.filter((line) => line.includes('renewal-failed'));
  for (let attempt = 1; attempt <= 14; attempt++) {
    await tickUntil(at.renewal, () => failures().length === attempt, `attempt ${attempt}`);
    await tick(at.renewal);
    assert.is(failures().length, attempt, 'it waits');
    at.monotonic += 30 * minute;
  }
  const waits = failures().map((line) => JSON.parse(line).retryMs);
  assert.equal(waits.slice(0, 3), [500, 1000, 2000]);
  assert.is(waits.at(-1), 30 * minute);
  assert.equal(at.events, []);
  at.time = known(25.1);
  await tickUntil(at.renewal, () => at.events.length > 0, 'it is said');
  assert.equal(codes(at), ['certificate-expiring']);
  assert.match(at.events[0]?.[1] ?? '', /^it ends at .*, and is not renewed: cannot enrol at localhost:1/);
  at.monotonic += 60 * minute;
  await tickUntil(at.renewal, () => failures().length >= 16, 'once more');
  assert.equal(codes(at), ['certificate-expiring'], 'once');
  await at.renewal.stop();
});

test('due again before any link was made by the one it has, it asks by that one and keeps it meanwhile', async () => {
  await place.keepFirst();
  const at = await place.bench({ url: await place.est.open(fleet) });
  at.links.isConnected = false;
  at.time = known(21);
  place.est.times = { notBefore: begin + 21 * day, notAfter: begin + 51 * day };
  await tickUntil(at.renewal, () => at.takenOver.length === 1, 'the second');
  const [second] = at.takenOver as [Identity];
  at.time = known(42);
  place.est.times = { notBefore: begin + 42 * day, notAfter: begin + 72 * day };
  place.est.refusal = 'not now';
  await tickUntil(at.renewal, () => codes(at).includes('certificate-refused'), 'it is refused');
  assert.is(place.est.asked.at(-1), `simplereenroll ${fingerprint(second)}`);
  const found = await at.files.find();
  assert.ok(found.kind === 'identity' && found.identity.chainPem === second.chainPem);
  await at.renewal.stop();
});

test('turned down with the certificate that it was given, it goes back to the one before while that is good', async () => {
  await place.keepFirst();
  const at = await place.bench({ url: await place.est.open(fleet) });
  at.time = known(21);
  place.est.times = { notBefore: begin + 21 * day, notAfter: begin + 51 * day };
  await tickUntil(at.renewal, () => at.takenOver.length === 1, 'it takes over');
  at.links.refusals = forbidden(3);
  await tickUntil(at.renewal, () => at.takenOver.length === 2, 'it goes back');
  assert.equal(at.takenOver[1], first);
  const found = await at.files.find();
  assert.ok(found.kind === 'identity' && found.identity.chainPem === first.chainPem && found.isSettled);
  assert.match(at.logged.at(-1) ?? '', /renewal-failed.*refuses links by the certificate that it gave/);
  await at.renewal.stop();
});

test('one that has ended already when it comes is not taken', async () => {
  await place.keepFirst();
  const at = await place.bench({ url: await place.est.open(fleet) });
  at.time = known(60);
  await tickUntil(at.renewal, () => at.logged.some((line) => line.includes('ended at')), 'it is refused');
  assert.equal(at.takenOver, []);
  const found = await at.files.find();
  assert.ok(found.kind === 'identity' && found.identity.chainPem === first.chainPem);
  await at.renewal.stop();
});

test('without an EST server it says that it ends, and that it has ended', async () => {
  await place.keepFirst();
  const at = await place.bench();
  at.time = known(24);
  await tick(at.renewal);
  assert.equal(at.events, []);
  at.time = known(26);
  await tick(at.renewal);
  at.time = known(31);
  await tick(at.renewal);
  assert.equal(codes(at), ['certificate-expiring', 'certificate-expired']);
  assert.match(at.events[0]?.[1] ?? '', /enrolment\.url. is not configured/);
  assert.match(at.events[1]?.[1] ?? '', /Provision it again, or name a file/);
});

test('follows the fleet to a new root, and lets the old one go when it is over', async () => {
  await place.keepFirst();
  const second = await makeRoot('Fleet two', begin);
  const cross = crossOver('Fleet two', second, fleet, begin);
  place.est.told = [fleet.certificatePem, second.certificatePem, cross];
  const at = await place.bench({ url: await place.est.open(second, cross) });
  await tickUntil(at.renewal, () => at.events.length === 1, 'it is told');
  assert.is(at.trust.pem, fleet.certificatePem + second.certificatePem);
  place.est.told = [second.certificatePem, cross];
  at.monotonic += 2 * day;
  await tickUntil(at.renewal, () => at.events.length === 2, 'it is told again');
  assert.is(at.trust.pem, second.certificatePem);
  assert.equal(codes(at), ['trust-changed', 'trust-changed']);
  assert.match(at.events[0]?.[1] ?? '', /^believes CN=Fleet two \(SHA-256 [0-9a-f]{16}…\)$/);
  assert.match(at.events[1]?.[1] ?? '', /^believes CN=Fleet \(SHA-256 [0-9a-f]{16}…\) no more$/);
  // It asks no more often than once a day, on average.
  const asked = place.est.asked.length;
  at.monotonic += 0.4 * day;
  await tick(at.renewal);
  assert.is(place.est.asked.length, asked);
  await at.renewal.stop();
});

test('believes no root because a server that is believed tells it', async () => {
  await place.keepFirst();
  const stranger = await makeRoot('Stranger', begin);
  place.est.told = [fleet.certificatePem, stranger.certificatePem];
  const at = await place.bench({ url: await place.est.open(fleet) });
  await tickUntil(at.renewal, () => place.est.asked.length > 0, 'it asks');
  await tick(at.renewal);
  assert.is(at.trust.pem, fleet.certificatePem);
  assert.equal(at.events, []);
  await at.renewal.stop();
});

test.run();
