// @long
// @time-limit 400 s
// The ceremonies of the fleet's authority by the shipped commands: a root that is never in the cloud, and one replaced by another
// under a gateway that is connected and under one that is off meanwhile and knows only the old root.
import { randomBytes, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { chainFault, presentedChain } from '@loadline/sdk/trust';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { until } from '../rig/index.ts';
import { CloudProcess } from '../system/index.ts';
import { connectGateway, enrolIdentity } from '../system/mqtt-gateway.ts';
import { Counter, countsIn, countsTo } from './counter.ts';
import { loadline } from './loadline-command.ts';
import { filesBelow } from './needles.ts';
import { gatewayId, Site } from './site.ts';

const test = suite('ceremonies of the authority');

/** What is typed for the keys of all roots here. */
const passphrase = randomBytes(16).toString('base64url');

let folder: string;
const file = (name: string) => join(folder, name);

test.before(() => {
  folder = mkdtempSync(join(tmpdir(), 'loadline-ceremonies-'));
  writeFileSync(file('passphrase'), `${passphrase}\n`, { mode: 0o600 });
});
test.after(() => rmSync(folder, { recursive: true }));

/** Runs a command that must end well; its answer. Nothing it says may hold the passphrase. */
async function done(...words: string[]): Promise<Record<string, unknown>> {
  const { code, out, err } = await loadline(...words, '--json');
  assert.not.ok(`${out}${err}`.includes(passphrase));
  assert.is(code, 0, `${words.join(' ')}: ${err}`);
  return JSON.parse(out) as Record<string, unknown>;
}

/** The same of one that must be refused with these words. */
async function refused(code: number, piece: RegExp, ...words: string[]): Promise<void> {
  const ended = await loadline(...words);
  assert.match(ended.err, piece);
  assert.is(ended.code, code, ended.err);
}

const withPassphrase = () => ['--passphrase-file', file('passphrase')];

/** Makes a root in a folder of this name; its fingerprint. */
async function makeRoot(name: string): Promise<string> {
  const made = await done('ca', 'init', '--offline', '--folder', file(name), ...withPassphrase());
  return String(made.fingerprint);
}

/** Has the cloud of this state ask, and the root sign; the file with what came of it. */
async function signed(state: string, root: string): Promise<string> {
  const [request, out] = [file(`${root}.request.pem`), file(`${root}.issuing.pem`)];
  const { key } = await done('cloud', 'authority', 'request', '--state', state, '--out', request);
  const words = [
    'ca',
    'sign',
    '--folder',
    file(root),
    '--request',
    request,
    '--out',
    out,
    ...withPassphrase(),
  ];
  await refused(1, /not the one that --expect names/, ...words, '--expect', 'ab'.repeat(32));
  await refused(2, /nobody is at a terminal/, ...words);
  await done(...words, '--expect', String(key));
  return out;
}

const install = (state: string, ...rest: string[]) =>
  done('cloud', 'authority', 'install', '--state', state, ...rest);

/** What somebody who knows only this root, and not the time, finds wrong with the cloud. */
function faultOf(port: number, rootPem: string): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: 'localhost', port, rejectUnauthorized: false }, () => {
      const presented = presentedChain(socket);
      socket.destroy();
      const claim = { kind: 'server', host: 'localhost' } as const;
      resolve(chainFault({ presented, authorityPem: rootPem, claim, time: { kind: 'at-least', wall: 0 } }));
    });
    socket.once('error', reject);
  });
}

/** The fingerprint of what issued the certificate that the doors show. */
function issuerShown(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: 'localhost', port, rejectUnauthorized: false }, () => {
      const [, issuer = new Uint8Array()] = presentedChain(socket);
      socket.destroy();
      resolve(new X509Certificate(issuer).fingerprint256.replaceAll(':', '').toLowerCase());
    });
    socket.once('error', reject);
  });
}

/** Waits until every door shows a certificate of this issuer. */
async function shownEverywhere({ cloud }: Pick<Site, 'cloud'>, issuer: unknown): Promise<void> {
  for (const port of [cloud.httpsPort, cloud.mqttPort]) {
    await until(async () => (await issuerShown(port)) === issuer, {
      ...{ limitMs: 15_000, what: `the new certificate on port ${port}` },
    });
  }
}

test('a cloud that begins with an offline root never has it', async () => {
  const state = file('begun');
  await refused(2, /--offline/, 'ca', 'init', '--folder', file('first'), ...withPassphrase());
  const root = await makeRoot('first');
  await refused(
    2,
    /holds a root already/,
    'ca',
    'init',
    '--offline',
    '--folder',
    file('first'),
    ...withPassphrase(),
  );
  const issuing = await signed(state, 'first');
  await refused(2, /--expect/, 'cloud', 'authority', 'install', '--state', state, issuing);
  await refused(
    1,
    /not the one that --expect names/,
    ...['cloud', 'authority', 'install', '--state', state],
    ...['--expect', 'ab'.repeat(32), issuing],
  );
  const { issuer } = await install(state, '--expect', root, issuing);
  const cloud = await CloudProcess.start({ state });
  try {
    assert.is(cloud.authorityPem, readFileSync(file('first/root.pem'), 'utf8'));
    assert.is(await issuerShown(cloud.mqttPort), issuer);
    const link = await connectGateway(cloud.mqttPort, await enrolIdentity(cloud, 'mast-9'));
    link.end(true);
    const { items } = await cloud.organisation.listCertificates({ device: 'mast-9' });
    assert.equal(
      items.map((one) => one.issuer),
      [issuer],
    );
  } finally {
    await cloud.service.stop();
  }
  for (const path of filesBelow(state)) {
    const bytes = readFileSync(path);
    assert.not.ok(bytes.includes('PRIVATE KEY-----'), path);
    assert.not.ok(bytes.includes(passphrase), path);
  }
  const log = readFileSync(file('first/issued.jsonl'), 'utf8').trim().split('\n');
  assert.equal(
    log.map((line) => (JSON.parse(line) as { what: string }).what),
    ['init', 'sign'],
  );
  for (const name of ['root.key.jwe', 'issued.jsonl', 'root.pem']) {
    assert.not.match(readFileSync(file(`first/${name}`), 'utf8'), /PRIVATE KEY/);
  }
  const { items } = (await done('ca', 'show', file('first.request.pem'))) as { items: { key: string }[] };
  writeFileSync(file('other'), 'not the right passphrase\n', { mode: 0o600 });
  await refused(
    1,
    /the passphrase does not open .*root\.key\.jwe/,
    ...['ca', 'sign', '--folder', file('first'), '--request', file('first.request.pem')],
    ...['--out', file('never.pem'), '--passphrase-file', file('other'), '--expect', items[0]?.key ?? ''],
  );
  assert.is(readFileSync(file('first/issued.jsonl'), 'utf8').trim().split('\n').length, 2);
});

test('the root is replaced twice under a gateway: connected the first time, and off the second', async () => {
  const site = await Site.open();
  try {
    const { cloud } = site;
    const state = join(site.folder, 'cloud');
    const oldest = cloud.authorityPem;
    const counter = new Counter(site.port);
    await counter.send(20);
    await site.stored(20);

    // From the root that the cloud made itself to one that it never has.
    const second = await makeRoot('second');
    const issuing = await signed(state, 'second');
    await refused(
      1,
      /who knows only 'Loadline fleet authority.*cross-sign/,
      ...['cloud', 'authority', 'install', '--state', state, '--expect', second, issuing],
    );
    const cross = file('second.cross.pem');
    await done('cloud', 'authority', 'cross-sign', '--state', state, '--out', cross, issuing);
    const installing = install(state, '--expect', second, issuing, cross);
    await counter.sendWhile(20, installing);
    const { issuer } = await installing;
    const showing = shownEverywhere(site, issuer);
    await counter.sendWhile(20, showing);
    await showing;
    assert.equal(
      cloud.service.log.filter(({ event }) => event === 'authority-changed').map((line) => line.issuer),
      [issuer],
    );
    for (const known of [oldest, readFileSync(file('second/root.pem'), 'utf8')]) {
      assert.is(await faultOf(cloud.mqttPort, known), undefined);
      assert.is(await faultOf(cloud.httpsPort, known), undefined);
    }
    // Its link stood all the time.
    await site.stored(counter.sent);
    assert.is(site.gateway.log.filter(({ event }) => event === 'uplink-connected').length, 1);
    const { roots } = (await done('cloud', 'authority', 'show', '--state', state)) as {
      roots: { fingerprint: string; current: boolean }[];
    };
    assert.equal(
      roots.map(({ current }) => current),
      [true, false],
    );
    await done('cloud', 'authority', 'forget-root-key', '--state', state, roots[1]?.fingerprint ?? '');

    // Off while the root is replaced again: all it has is the first one, in its file.
    await site.gateway.stop();
    rmSync(join(site.folder, 'gateway/state/trust.json'), { force: true });
    const third = await makeRoot('third');
    const next = await signed(state, 'third');
    const nextCross = file('third.cross.pem');
    await done(
      ...['ca', 'cross-sign', '--folder', file('second'), '--root', next, '--out', nextCross],
      ...['--expect', third, ...withPassphrase()],
    );
    const installed = await install(state, '--expect', third, next, nextCross);
    await shownEverywhere(site, installed.issuer);
    assert.is(await faultOf(cloud.mqttPort, oldest), undefined);
    site.startGateway();
    await site.gateway.line('uplink-connected');
    await site.gateway.line('port-open');
    await counter.send(20);
    await site.stored(20);
    assert.equal(countsIn(site.readings()), countsTo(counter.sent));

    // And with the roots between taken away, somebody who knows the first has no way any more.
    await done('cloud', 'authority', 'retire', '--state', state, second);
    await until(async () => (await faultOf(cloud.mqttPort, oldest)) !== undefined, {
      ...{ limitMs: 15_000, what: 'the end of the way over the retired root' },
    });
    assert.is(await faultOf(cloud.mqttPort, readFileSync(file('third/root.pem'), 'utf8')), undefined);
  } finally {
    await site.close();
  }
});

test('an issuing certificate that is distrusted takes along what it has issued, links that stand included', async () => {
  const site = await Site.open();
  try {
    const state = join(site.folder, 'cloud');
    const { issuers } = (await done('cloud', 'authority', 'show', '--state', state)) as {
      issuers: { fingerprint: string }[];
    };
    const [leaked] = issuers;
    const { issuer } = await done('cloud', 'authority', 'renew', '--state', state);
    await shownEverywhere(site, issuer);
    const fresh = await enrolIdentity(site.cloud, 'mast-2');
    await done('cloud', 'authority', 'distrust', '--state', state, leaked?.fingerprint ?? '');
    await site.said('uplink-lost');
    const { items } = await site.cloud.organisation.listCertificates({ device: gatewayId });
    assert.ok(items.every(({ reason }) => reason === 'revoked'));
    // What the new one has issued is untouched.
    const link = await connectGateway(site.cloud.mqttPort, fresh);
    link.end(true);
  } finally {
    await site.close();
  }
});

test.run();
