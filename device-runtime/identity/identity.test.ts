import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAuthority, generateKeyPair, issueCertificate, softwareSigner } from '@loadline/sdk/identity';
import { jsonLog } from '@loadline/sdk/platform';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Config, parseConfig } from '../config/index.ts';
import { Est, IdentityFiles, IdentityMissing, loadIdentity } from './index.ts';

const test = suite('identity');
const time = { kind: 'at-least', wall: 0 } as const;

let folder: string;
let logged: string[];

test.before.each(async () => {
  folder = await mkdtemp(join(tmpdir(), 'loadline-identity-'));
  logged = [];
});
test.after.each(() => rm(folder, { recursive: true }));

function configWith(enrolment: string): Config {
  const text = `
[gateway]
id = "mast-1"
state = "state"
[uplink]
host = "localhost"
authority = "authority.pem"
${enrolment}
[[ports]]
name = "radio"
path = "/dev/null"
`;
  return parseConfig(text, join(folder, 'gateway.toml')).config;
}

function load(config: Config, signal: AbortSignal = AbortSignal.timeout(30_000)) {
  const log = jsonLog((line) => logged.push(line), Date.now);
  const { enrolment, gateway } = config;
  const usual = { gatewayId: gateway.id, authorityPem: () => '', time: () => time, proxy: () => undefined };
  const est = enrolment && new Est({ url: enrolment.url, ...usual, signal });
  const files = new IdentityFiles(gateway.state, gateway.id);
  return loadIdentity({ files, enrolment, est, log, random: () => 0, signal });
}

async function fault(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    () => assert.unreachable('it should have failed'),
    (error) => error,
  );
}

/** A certificate for `commonName` and the key in the state folder, by an authority made for it. */
async function certify(commonName: string, privateKeyPem: string): Promise<void> {
  const pair = await generateKeyPair();
  const signer = softwareSigner(pair.privateKeyPem);
  const term = { notBefore: Date.now() - 1000, notAfter: Date.now() + 60_000, serial: Buffer.alloc(16, 7) };
  const certificatePem = createAuthority({ ...term, commonName: 'authority', signer });
  const subject = { commonName, publicKeyPem: softwareSigner(privateKeyPem).publicKeyPem };
  const issuer = { certificatePem, signer };
  const issued = issueCertificate({ ...term, profile: 'gateway', subject, issuer });
  await writeFile(join(folder, 'state', 'gateway.crt'), issued);
}

test('makes a key that only its owner can read, and keeps it from then on', async () => {
  assert.instance(await fault(load(configWith(''))), IdentityMissing);
  const file = join(folder, 'state', 'gateway.key');
  const made = await readFile(file, 'utf8');
  assert.match(made, 'BEGIN PRIVATE KEY');
  assert.is((await stat(file)).mode & 0o777, 0o600);
  await fault(load(configWith('')));
  assert.is(await readFile(file, 'utf8'), made);
  assert.equal(await readdir(join(folder, 'state')), ['gateway.key']);
});

test('uses a certificate for its own name and key, and no other', async () => {
  await fault(load(configWith('')));
  const key = await readFile(join(folder, 'state', 'gateway.key'), 'utf8');

  await certify('mast-2', key);
  assert.match((await fault(load(configWith('')))).message, 'CN=mast-2');

  await certify('mast-1', (await generateKeyPair()).privateKeyPem);
  assert.match((await fault(load(configWith('')))).message, 'another key');

  await certify('mast-1', key);
  const { identity } = await load(configWith(''));
  assert.is(identity.privateKeyPem, key);
  assert.match(identity.chainPem, 'BEGIN CERTIFICATE');
});

test('without a secret to enrol by, somebody has to act', async () => {
  const error = await fault(load(configWith('[enrolment]\nurl = "https://localhost:1"')));
  assert.instance(error, IdentityMissing);
  assert.match(error.message, /secret_file, provision the gateway/);
});

test('tries to enrol until it is stopped, and never logs its secret', async () => {
  await writeFile(join(folder, 'secret'), 'open-sesame\n');
  const config = configWith('[enrolment]\nurl = "https://localhost:1"\nsecret_file = "secret"');
  const stopping = new AbortController();
  const loading = fault(load(config, stopping.signal));
  const limit = Date.now() + 30_000;
  while (logged.filter((line) => line.includes('enrolment-failed')).length < 3) {
    assert.ok(Date.now() < limit, 'waited 30 s in vain');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  stopping.abort();
  assert.is((await loading).name, 'AbortError');
  assert.not.match(logged.join(''), 'open-sesame');
  assert.not.match(logged.join(''), 'PRIVATE KEY');
  assert.is(await readFile(join(folder, 'secret'), 'utf8'), 'open-sesame\n');
});

test.run();
