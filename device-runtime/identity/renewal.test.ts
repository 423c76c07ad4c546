// A gateway's certificate through its life, by a clock of the test's own, at a real EST server.
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { certificateDetails } from '@loadline/sdk/identity';
import { jsonLog } from '@loadline/sdk/platform';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Time } from '../clock/index.ts';
import type { Identity } from './identity.ts';
import { Est, IdentityFiles, Renewal, Trust } from './index.ts';
import { crossOver, makeIdentity, makeRoot, TestEst, type Times } from './test-est.ts';

const test = suite('renewal');

const minute = 60_000;
const day = 86_400_000;
const begin = Date.now();
const month: Times = { notBefore: begin, notAfter: begin + 30 * day };
const fleet = await makeRoot('Fleet', begin);
const first = await makeIdentity(fleet, 'mast-1', month);

let folder: string;
let est: TestEst;
test.before.each(async () => {
  folder = await mkdtemp(join(tmpdir(), 'loadline-renewal-'));
  est = new TestEst(fleet, month);
});
test.after.each(async () => {
  await est.close();
  await rm(folder, { recursive: true });
});

interface Bench {
  readonly renewal: Renewal;
  readonly files: IdentityFiles;
  readonly trust: Trust;
  readonly events: [code: string, detail: string][];
  readonly logged: string[];
  readonly links: { isConnected: boolean; refusals: number };
  readonly takenOver: Identity[];
  /** What is known of the time. */
  time: Time;
  /** Milliseconds of the monotonic clock since the start. */
  monotonic: number;
}

interface BenchOptions {
  readonly url?: string | undefined;
  readonly secretFile?: string;
  readonly draw?: () => number;
}

async function bench({ url, secretFile, draw = () => 0 }: BenchOptions = {}): Promise<Bench> {
  const logged: string[] = [];
  const log = jsonLog((line) => logged.push(line), Date.now);
  const files = new IdentityFiles(folder, 'mast-1');
  const trust = await Trust.open({ state: folder, authorityPem: fleet.certificatePem, log });
  const found = await files.find();
  if (found.kind === 'none') throw new Error(found.why);
  const signal = AbortSignal.timeout(30_000);
  const made: Omit<Bench, 'renewal'> = {
    ...{ files, trust, logged, events: [], links: { isConnected: true, refusals: 0 }, takenOver: [] },
    time: known(0),
    monotonic: 0,
  };
  const time = () => made.time;
  const options = {
    gatewayId: 'mast-1',
    authorityPem: () => trust.pem,
    time,
    proxy: () => undefined,
    signal,
  };
  const renewal = new Renewal({
    ...{ files, found, trust, log, secretFile, random: draw, time },
    est: url === undefined ? undefined : new Est({ url, ...options }),
    monotonic: () => made.monotonic,
    links: made.links,
    takeOver: (identity) => {
      made.takenOver.push(identity);
      // What the cloud thinks of this one, nobody knows yet.
      made.links.refusals = 0;
    },
    onEvent: (code, detail) => made.events.push([code, detail]),
  });
  return Object.assign(made, { renewal });
}

/** A time that somebody vouches for, so many days into the month. Not the system: OpenSSL would ask the true clock. */
const known = (days: number): Time => ({
  ...{ kind: 'known', by: 'cloud', uncertainty: 100 },
  wall: begin + days * day,
});

async function keepFirst(): Promise<void> {
  await writeFile(join(folder, 'gateway.key'), first.privateKeyPem);
  await writeFile(join(folder, 'gateway.crt'), first.chainPem);
}

async function until(condition: () => boolean, what: string): Promise<void> {
  for (const limit = Date.now() + 10_000; !condition(); ) {
    assert.ok(Date.now() < limit, `waited 10 s in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** Ticks until what that begins is done. */
async function tickUntil(renewal: Renewal, condition: () => boolean, what: string): Promise<void> {
  await until(() => {
    renewal.tick();
    return condition();
  }, what);
}

/** Ticks, and waits for as long as anything could take that it has begun. */
async function tick(renewal: Renewal): Promise<void> {
  renewal.tick();
  await new Promise((resolve) => setTimeout(resolve, 100));
}

const fingerprint = ({ chainPem }: Identity): string => certificateDetails(chainPem).fingerprint;
const codes = ({ events }: Bench): string[] => events.map(([code]) => code);

test('asks for another at two thirds of the life, for a new key, and that takes over once it is used', async () => {
  await keepFirst();
  const at = await bench({ url: await est.open(fleet) });
  at.links.isConnected = false;
  at.time = known(19.9);
  await tick(at.renewal);
  assert.equal(est.asked, []);

  at.time = known(20.1);
  est.times = { notBefore: begin + 20 * day, notAfter: begin + 50 * day };
  await tickUntil(at.renewal, () => at.takenOver.length === 1, 'it takes over');
  assert.equal(est.asked, ['cacerts', `simplereenroll ${fingerprint(first)}`]);
  const [second] = at.takenOver as [Identity];
  assert.is(at.renewal.identity, second);
  assert.is.not(second.privateKeyPem, first.privateKeyPem);
  assert.equal((await readdir(folder)).sort(), ['gateway.crt', 'gateway.key', 'renewal.crt', 'renewal.key']);
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
  const settled = async () => (await readFile(join(folder, 'gateway.crt'), 'utf8')) === second.chainPem;
  for (let tries = 0; !(await settled()) || (await readdir(folder)).length > 2; tries++) {
    assert.ok(tries < 500, 'it is settled');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert.is(await readFile(join(folder, 'gateway.key'), 'utf8'), second.privateKeyPem);

  // Of the next life two thirds are over at 40 days, and nothing is asked before.
  est.asked.length = 0;
  at.time = known(39.9);
  await tick(at.renewal);
  assert.equal(est.asked, []);
});

test('the jitter spreads a fleet over a twelfth of the life', async () => {
  await keepFirst();
  const at = await bench({ url: await est.open(fleet), draw: () => 0.999 });
  at.links.isConnected = false;
  at.time = known(22.4);
  await tick(at.renewal);
  assert.equal(est.asked, []);
  at.time = known(22.5);
  await tickUntil(at.renewal, () => est.asked.length > 0, 'it asks');
  await at.renewal.stop();
});

test('a clock that nobody vouches for renews nothing, at 1970 or long after', async () => {
  await keepFirst();
  const at = await bench({ url: await est.open(fleet) });
  at.links.isConnected = false;
  for (const wall of [0, begin + 25 * day, begin + 20_000 * day]) {
    at.time = { kind: 'at-least', wall };
    for (let ticks = 0; ticks < 5; ticks++) await tick(at.renewal);
  }
  assert.equal(est.asked, []);
  assert.equal(at.events, []);
});

test('without a time it tries links first, and asks once the cloud has refused them', async () => {
  await keepFirst();
  const at = await bench({ url: await est.open(fleet) });
  at.links.isConnected = false;
  at.time = { kind: 'at-least', wall: 0 };
  at.links.refusals = 2;
  await tick(at.renewal);
  assert.equal(est.asked, []);
  at.links.refusals = 3;
  est.times = { notBefore: begin + 100 * day, notAfter: begin + 130 * day };
  await tickUntil(at.renewal, () => at.takenOver.length === 1, 'it takes over');
  est.asked.length = 0;
  for (let ticks = 0; ticks < 3; ticks++) await tick(at.renewal);
  assert.equal(est.asked, [], 'once, and no storm');
});

test('what fails is tried again after waits that grow, and is said when little is left', async () => {
  await keepFirst();
  const at = await bench({ url: 'https://localhost:1', draw: () => 0.5 });
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

test('ended, it gets back in by the ended certificate where the cloud allows that', async () => {
  await keepFirst();
  const at = await bench({ url: await est.open(fleet), secretFile: join(folder, 'secret') });
  at.time = known(37);
  est.times = { notBefore: begin + 37 * day, notAfter: begin + 67 * day };
  await tickUntil(at.renewal, () => at.takenOver.length === 1, 'it takes over');
  assert.equal(est.asked, ['cacerts', `simplereenroll ${fingerprint(first)}`]);
  assert.equal(codes(at), ['certificate-expired']);
  at.renewal.connected(at.renewal.identity);
  assert.equal(codes(at), ['certificate-expired', 'certificate-renewed']);
  await at.renewal.stop();
});

test('ended and refused, it says what to do, and takes up a secret that is put there, at once', async () => {
  await keepFirst();
  const secretFile = join(folder, 'secret');
  const at = await bench({ url: await est.open(fleet), secretFile, draw: () => 0.999 });
  at.time = known(37);
  est.refusal = 'it ended 7 days ago, and the organisation allows 0';
  await tickUntil(at.renewal, () => codes(at).includes('certificate-refused'), 'it is said');
  assert.equal(codes(at), ['certificate-expired', 'certificate-refused']);
  for (const [, detail] of at.events) {
    assert.match(detail, `Put a new enrolment secret into ${secretFile}: it is taken up within seconds`);
  }
  assert.match(at.events[1]?.[1] ?? '', /403.*ended 7 days ago, and the organisation allows 0/);

  // A wrong one is tried once, and does not make it ask faster than it would.
  await writeFile(secretFile, 'guess\n');
  await tickUntil(at.renewal, () => est.asked.includes('simpleenroll guess'), 'it is tried');
  await tick(at.renewal);
  const asked = est.asked.length;
  for (let ticks = 0; ticks < 5; ticks++) await tick(at.renewal);
  assert.is(est.asked.length, asked);

  est.times = { notBefore: begin + 37 * day, notAfter: begin + 67 * day };
  await writeFile(secretFile, 'open-sesame\n');
  await tickUntil(at.renewal, () => at.takenOver.length === 1, 'it takes over');
  assert.is(est.asked.at(-1), 'simpleenroll open-sesame');
  assert.not.ok((await readdir(folder)).includes('secret'), 'it is used up');
  assert.not.match(at.logged.join(''), /open-sesame|guess/);
  await at.renewal.stop();
});

test('revoked long before its end, it says what to do, and takes up a secret that is put there, at once', async () => {
  await keepFirst();
  const secretFile = join(folder, 'secret');
  const at = await bench({ url: await est.open(fleet), secretFile, draw: () => 0.999 });
  at.time = known(3);
  est.refusal = 'the certificate was revoked';
  at.links.refusals = 2;
  for (let ticks = 0; ticks < 3; ticks++) await tick(at.renewal);
  assert.not.ok(
    est.asked.some((asked) => asked.startsWith('simplereenroll')),
    'a link or two may be lost',
  );
  at.links.isConnected = false;
  at.links.refusals = 3;
  await tickUntil(at.renewal, () => codes(at).length > 0, 'it is said');
  assert.equal(codes(at), ['certificate-refused']);
  assert.match(at.events[0]?.[1] ?? '', /403.*was revoked.*Put a new enrolment secret into/);
  await writeFile(secretFile, 'open-sesame\n');
  est.times = { notBefore: begin + 3 * day, notAfter: begin + 33 * day };
  await tickUntil(at.renewal, () => at.takenOver.length === 1, 'it takes over');
  assert.is(est.asked.at(-1), 'simpleenroll open-sesame');
  await at.renewal.stop();
});

test('a cloud that gives certificates and takes no links by them is asked less and less often', async () => {
  await keepFirst();
  const at = await bench({ url: await est.open(fleet), draw: () => 0.999 });
  at.links.isConnected = false;
  at.time = known(3);
  for (let given = 1; given <= 4; given++) {
    at.links.refusals = 3;
    await tickUntil(at.renewal, () => at.takenOver.length === given, `certificate ${given}`);
    at.links.refusals = 3;
    for (let ticks = 0; ticks < 3; ticks++) await tick(at.renewal);
    assert.is(at.takenOver.length, given, 'it waits');
    at.monotonic += 1000 * 2 ** (given - 1);
  }
  await at.renewal.stop();
});

test('a secret that waits there does not make it ask a cloud that is away any faster', async () => {
  await keepFirst();
  const secretFile = join(folder, 'secret');
  await writeFile(secretFile, 'open-sesame\n');
  const at = await bench({ url: 'https://localhost:1', secretFile, draw: () => 0.999 });
  at.time = known(37);
  const failures = () => at.logged.filter((line) => line.includes('renewal-failed')).length;
  await tickUntil(at.renewal, () => failures() === 2, 'at once, and once more for the secret');
  for (let ticks = 0; ticks < 5; ticks++) await tick(at.renewal);
  assert.is(failures(), 2);
  await at.renewal.stop();
});

test('due again before any link was made by the one it has, it asks by that one and keeps it meanwhile', async () => {
  await keepFirst();
  const at = await bench({ url: await est.open(fleet) });
  at.links.isConnected = false;
  at.time = known(21);
  est.times = { notBefore: begin + 21 * day, notAfter: begin + 51 * day };
  await tickUntil(at.renewal, () => at.takenOver.length === 1, 'the second');
  const [second] = at.takenOver as [Identity];
  at.time = known(42);
  est.times = { notBefore: begin + 42 * day, notAfter: begin + 72 * day };
  est.refusal = 'not now';
  await tickUntil(at.renewal, () => codes(at).includes('certificate-refused'), 'it is refused');
  assert.is(est.asked.at(-1), `simplereenroll ${fingerprint(second)}`);
  const found = await at.files.find();
  assert.ok(found.kind === 'identity' && found.identity.chainPem === second.chainPem);
  await at.renewal.stop();
});

test('turned down with the certificate that it was given, it goes back to the one before while that is good', async () => {
  await keepFirst();
  const at = await bench({ url: await est.open(fleet) });
  at.time = known(21);
  est.times = { notBefore: begin + 21 * day, notAfter: begin + 51 * day };
  await tickUntil(at.renewal, () => at.takenOver.length === 1, 'it takes over');
  at.links.refusals = 3;
  await tickUntil(at.renewal, () => at.takenOver.length === 2, 'it goes back');
  assert.equal(at.takenOver[1], first);
  const found = await at.files.find();
  assert.ok(found.kind === 'identity' && found.identity.chainPem === first.chainPem && found.isSettled);
  assert.match(at.logged.at(-1) ?? '', /renewal-failed.*refuses links by the certificate that it gave/);
  await at.renewal.stop();
});

test('one that has ended already when it comes is not taken', async () => {
  await keepFirst();
  const at = await bench({ url: await est.open(fleet) });
  at.time = known(60);
  await tickUntil(at.renewal, () => at.logged.some((line) => line.includes('ended at')), 'it is refused');
  assert.equal(at.takenOver, []);
  const found = await at.files.find();
  assert.ok(found.kind === 'identity' && found.identity.chainPem === first.chainPem);
  await at.renewal.stop();
});

test('without an EST server it says that it ends, and that it has ended', async () => {
  await keepFirst();
  const at = await bench();
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
  await keepFirst();
  const second = await makeRoot('Fleet two', begin);
  const cross = crossOver('Fleet two', second, fleet, begin);
  est.told = [fleet.certificatePem, second.certificatePem, cross];
  const at = await bench({ url: await est.open(second, cross) });
  await tickUntil(at.renewal, () => at.events.length === 1, 'it is told');
  assert.is(at.trust.pem, fleet.certificatePem + second.certificatePem);
  est.told = [second.certificatePem, cross];
  at.monotonic += 2 * day;
  await tickUntil(at.renewal, () => at.events.length === 2, 'it is told again');
  assert.is(at.trust.pem, second.certificatePem);
  assert.equal(codes(at), ['trust-changed', 'trust-changed']);
  assert.match(at.events[0]?.[1] ?? '', /^believes CN=Fleet two \(SHA-256 [0-9a-f]{16}…\)$/);
  assert.match(at.events[1]?.[1] ?? '', /^believes CN=Fleet \(SHA-256 [0-9a-f]{16}…\) no more$/);
  // It asks no more often than once a day, on average.
  const asked = est.asked.length;
  at.monotonic += 0.4 * day;
  await tick(at.renewal);
  assert.is(est.asked.length, asked);
  await at.renewal.stop();
});

test('believes no root because a server that is believed tells it', async () => {
  await keepFirst();
  const stranger = await makeRoot('Stranger', begin);
  est.told = [fleet.certificatePem, stranger.certificatePem];
  const at = await bench({ url: await est.open(fleet) });
  await tickUntil(at.renewal, () => est.asked.length > 0, 'it asks');
  await tick(at.renewal);
  assert.is(at.trust.pem, fleet.certificatePem);
  assert.equal(at.events, []);
  await at.renewal.stop();
});

test.run();
