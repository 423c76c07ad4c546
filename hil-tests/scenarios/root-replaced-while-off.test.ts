// @long
// The root of the fleet is replaced while a gateway is off: it follows by the signature of the old one, lets that go when it
// is retired, and needs nobody at its file `uplink.authority`.
import { randomBytes, X509Certificate } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { until } from '../rig/index.ts';
import { Counter, countsIn, countsTo } from './counter.ts';
import { loadline } from './loadline-command.ts';
import { elapsed, gatewayId, Site } from './site.ts';

const test = suite('the root is replaced while a gateway is off');

let site: Site;
let counter: Counter;
test.before(async () => {
  // It looks at the authorities thirty times in the life of a certificate.
  site = await Site.open({ certificateLife: '40s' });
  // However slow this machine is at ceremonies, so short a life is not what this is about.
  await site.cloud.client.patchOrganisation({ organisation: 'first', body: { certificateGraceDays: 1 } });
  counter = new Counter(site.port);
  writeFileSync(file('passphrase'), randomBytes(16).toString('base64url'), { mode: 0o600 });
});
test.after(() => site.close());

const file = (name: string) => join(site.folder, name);
const state = () => file('cloud');
const fingerprintOf = (pem: string) =>
  new X509Certificate(pem).fingerprint256.replaceAll(':', '').toLowerCase();

async function done(...words: string[]): Promise<Record<string, unknown>> {
  const { code, out, err } = await loadline(...words, '--json');
  assert.is(code, 0, `${words.join(' ')}: ${err}`);
  return JSON.parse(out) as Record<string, unknown>;
}

/** Makes another root, offline; the files to install. The old one, in the cloud, certifies it. */
async function prepare(): Promise<{ readonly root: string; readonly files: string[] }> {
  const [request, issuing, cross] = [file('request.pem'), file('issuing.pem'), file('cross.pem')] as const;
  const withPassphrase = ['--passphrase-file', file('passphrase')];
  const made = await done('ca', 'init', '--offline', '--folder', file('root'), ...withPassphrase);
  const { key } = await done('cloud', 'authority', 'request', '--state', state(), '--out', request);
  const signing = ['--folder', file('root'), '--request', request, '--out', issuing, '--expect', String(key)];
  await done('ca', 'sign', ...signing, ...withPassphrase);
  await done('cloud', 'authority', 'cross-sign', '--state', state(), '--out', cross, issuing);
  return { root: String(made.fingerprint), files: [issuing, cross] };
}

/** Roots that the gateway believes, by what it has kept. */
function believed(): string[] {
  const { roots } = JSON.parse(readFileSync(file('gateway/state/trust.json'), 'utf8')) as {
    roots: { pem: string }[];
  };
  return roots.map(({ pem }) => fingerprintOf(pem));
}

async function allStored(): Promise<void> {
  await until(
    async () => {
      await elapsed(100);
      return site.readings().length >= counter.sent;
    },
    { limitMs: 30_000, what: `${counter.sent} readings are stored` },
  );
  assert.equal(
    countsIn(site.readings()).sort((one, other) => one - other),
    countsTo(counter.sent),
  );
}

test('it believes the cloud by the old root, and then the new root as well', async () => {
  const old = fingerprintOf(site.cloud.authorityPem);
  const { root, files } = await prepare();
  await counter.send(10);
  await allStored();
  await site.gateway.stop();
  await done('cloud', 'authority', 'install', '--state', state(), '--expect', root, ...files);
  site.startGateway();
  await site.said('port-open');
  await counter.send(10);
  await site.said('uplink-connected');
  const { detail } = await site.said('trust-changed');
  assert.match(String(detail), new RegExp(`^believes CN=.*SHA-256 ${root.slice(0, 16)}`));
  assert.equal(believed(), [old, root]);
  await allStored();
});

test('when the old one is retired it lets that go, and comes back by the new one alone', async () => {
  const old = fingerprintOf(site.cloud.authorityPem);
  // What the old root stands above ends with it: its own certificate must be of the new one first.
  await until(
    async () => {
      await elapsed(500);
      const { items } = await site.cloud.organisation.listCertificates({ device: gatewayId });
      return new Set(items.filter(({ used }) => used !== null).map(({ issuer }) => issuer)).size === 2;
    },
    { limitMs: 60_000, what: 'a certificate under the new root is used' },
  );
  // This test's own client knows only the old root.
  assert.ok((await site.events()).includes('trust-changed'));
  await done('cloud', 'authority', 'retire', '--state', state(), old);
  await until(() => believed().length === 1, { limitMs: 30_000, what: 'the old root is let go' });
  const [left] = believed();
  assert.is.not(left, old);
  const { detail } = await site.said('trust-changed', 2);
  assert.match(String(detail), new RegExp(`SHA-256 ${old.slice(0, 16)}…\\) no more$`));

  await site.gateway.stop();
  // The file is what it was on the first day.
  assert.is(fingerprintOf(readFileSync(file('gateway/authority.pem'), 'utf8')), old);
  site.startGateway();
  await site.said('port-open');
  await counter.send(10);
  await site.said('uplink-connected');
  await allStored();
  // The doctor goes by what the gateway believes, and not by the file.
  const { findings } = await site.doctor();
  assert.equal(
    findings.filter(({ about }) => about === 'cloud' || about === 'authority'),
    [],
  );
});

test.run();
