// A gateway whose certificate opens no links: let in again by the certificate, by a secret, or told what somebody must do.
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  begin,
  codes,
  day,
  fingerprint,
  first,
  fleet,
  forbidden,
  hungUp,
  known,
  RenewalPlace,
  tick,
  tickUntil,
} from './test-renewal.ts';

const test = suite('shut out');

let place: RenewalPlace;
test.before.each(async () => {
  place = await RenewalPlace.open();
});
test.after.each(() => place.close());

test('without a time it tries links first, and asks once the cloud has refused them', async () => {
  await place.keepFirst();
  const at = await place.bench({ url: await place.est.open(fleet) });
  at.links.isConnected = false;
  at.time = { kind: 'at-least', wall: 0 };
  at.links.refusals = hungUp(2);
  await tick(at.renewal);
  assert.equal(place.est.asked, []);
  at.links.refusals = hungUp(3);
  place.est.times = { notBefore: begin + 100 * day, notAfter: begin + 130 * day };
  await tickUntil(at.renewal, () => at.takenOver.length === 1, 'it takes over');
  place.est.asked.length = 0;
  for (let ticks = 0; ticks < 3; ticks++) await tick(at.renewal);
  assert.equal(place.est.asked, [], 'once, and no storm');
});

test('ended, it gets back in by the ended certificate where the cloud allows that', async () => {
  await place.keepFirst();
  const at = await place.bench({
    url: await place.est.open(fleet),
    secretFile: join(place.folder, 'secret'),
  });
  at.time = known(37);
  place.est.times = { notBefore: begin + 37 * day, notAfter: begin + 67 * day };
  await tickUntil(at.renewal, () => at.takenOver.length === 1, 'it takes over');
  assert.equal(place.est.asked, ['cacerts', `simplereenroll ${fingerprint(first)}`]);
  assert.equal(codes(at), ['certificate-expired']);
  at.renewal.connected(at.renewal.identity);
  assert.equal(codes(at), ['certificate-expired', 'certificate-renewed']);
  await at.renewal.stop();
});

test('ended and refused, it says what to do, and takes up a secret that is put there, at once', async () => {
  await place.keepFirst();
  const secretFile = join(place.folder, 'secret');
  const at = await place.bench({ url: await place.est.open(fleet), secretFile, draw: () => 0.999 });
  at.time = known(37);
  place.est.refusal = 'it ended 7 days ago, and the organisation allows 0';
  await tickUntil(at.renewal, () => codes(at).includes('certificate-refused'), 'it is said');
  assert.equal(codes(at), ['certificate-expired', 'certificate-refused']);
  for (const [, detail] of at.events) {
    assert.match(detail, `Put a new enrolment secret into ${secretFile}: it is taken up within seconds`);
  }
  assert.match(at.events[1]?.[1] ?? '', /403.*ended 7 days ago, and the organisation allows 0/);

  // A wrong one is tried once, and does not make it ask faster than it would.
  await writeFile(secretFile, 'guess\n');
  await tickUntil(at.renewal, () => place.est.asked.includes('simpleenroll guess'), 'it is tried');
  await tick(at.renewal);
  const asked = place.est.asked.length;
  for (let ticks = 0; ticks < 5; ticks++) await tick(at.renewal);
  assert.is(place.est.asked.length, asked);

  place.est.times = { notBefore: begin + 37 * day, notAfter: begin + 67 * day };
  await writeFile(secretFile, 'open-sesame\n');
  await tickUntil(at.renewal, () => at.takenOver.length === 1, 'it takes over');
  assert.is(place.est.asked.at(-1), 'simpleenroll open-sesame');
  assert.not.ok((await readdir(place.folder)).includes('secret'), 'it is used up');
  assert.not.match(at.logged.join(''), /open-sesame|guess/);
  await at.renewal.stop();
});

test('revoked long before its end, it says what to do, and takes up a secret that is put there, at once', async () => {
  await place.keepFirst();
  const secretFile = join(place.folder, 'secret');
  const at = await place.bench({ url: await place.est.open(fleet), secretFile, draw: () => 0.999 });
  at.time = known(3);
  at.links.isConnected = false;
  place.est.refusal = 'the certificate was revoked';
  at.links.refusals = forbidden(2);
  for (let ticks = 0; ticks < 3; ticks++) await tick(at.renewal);
  assert.equal(place.est.asked, [], 'a link or two may be lost');
  at.links.refusals = hungUp(30);
  for (let ticks = 0; ticks < 3; ticks++) await tick(at.renewal);
  assert.equal(place.est.asked, [], 'a cloud that hangs up may be in trouble');
  at.links.refusals = forbidden(3);
  await tickUntil(at.renewal, () => codes(at).length > 0, 'it is said');
  assert.equal(codes(at), ['certificate-refused']);
  assert.match(at.events[0]?.[1] ?? '', /403.*was revoked.*Put a new enrolment secret into/);
  await writeFile(secretFile, 'open-sesame\n');
  place.est.times = { notBefore: begin + 3 * day, notAfter: begin + 33 * day };
  await tickUntil(at.renewal, () => at.takenOver.length === 1, 'it takes over');
  assert.is(place.est.asked.at(-1), 'simpleenroll open-sesame');
  await at.renewal.stop();
});

test('a cloud that gives certificates and takes no links by them is asked less and less often', async () => {
  await place.keepFirst();
  const at = await place.bench({ url: await place.est.open(fleet), draw: () => 0.999 });
  at.links.isConnected = false;
  at.time = known(3);
  for (let given = 1; given <= 4; given++) {
    at.links.refusals = forbidden(3);
    await tickUntil(at.renewal, () => at.takenOver.length === given, `certificate ${given}`);
    at.links.refusals = forbidden(3);
    for (let ticks = 0; ticks < 3; ticks++) await tick(at.renewal);
    assert.is(at.takenOver.length, given, 'it waits');
    at.monotonic += 1000 * 2 ** (given - 1);
  }
  await at.renewal.stop();
});

test('a secret that waits there does not make it ask a cloud that is away any faster', async () => {
  await place.keepFirst();
  const secretFile = join(place.folder, 'secret');
  await writeFile(secretFile, 'open-sesame\n');
  const at = await place.bench({ url: 'https://localhost:1', secretFile, draw: () => 0.999 });
  at.time = known(37);
  const failures = () => at.logged.filter((line) => line.includes('renewal-failed')).length;
  await tickUntil(at.renewal, () => failures() === 2, 'at once, and once more for the secret');
  for (let ticks = 0; ticks < 5; ticks++) await tick(at.renewal);
  assert.is(failures(), 2);
  await at.renewal.stop();
});

test.run();
