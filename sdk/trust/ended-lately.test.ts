// Real TLS clients whose certificate has ended: one of them may still renew it, and none of the others.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import tls, { type SecureVersion, type TLSSocket } from 'node:tls';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  createAuthority,
  generateKeyPair,
  type Issuer,
  issueCertificate,
  type Profile,
  softwareSigner,
} from '../identity/index.ts';
import { type Holder, localServer, makeHolder, makeRoot, type Times } from '../identity/test-fleet.ts';
import { chainFault, type JudgedAt, presentedChain } from './index.ts';

const test = suite('certificates that ended lately');

const day = 86_400_000;
// The system's clock: OpenSSL's own verdict is part of what is shown.
const now = Date.now();
const long = { notBefore: now - 1000 * day, notAfter: now + 1000 * day };
/** Ended five days ago. */
const ended = { notBefore: now - 35 * day, notAfter: now - 5 * day };
const gateway: Profile = { profile: 'gateway' };
const lately = (days: number, wall = now): JudgedAt => ({
  kind: 'ended-lately',
  wall,
  endedAfter: wall - days * day,
});

const pair = async () => softwareSigner((await generateKeyPair()).privateKeyPem);

async function intermediate(issuer: Issuer, times: Times): Promise<Issuer> {
  const signer = await pair();
  const subject = { commonName: 'Fleet intermediate', publicKeyPem: signer.publicKeyPem };
  const order = { ...times, profile: 'authority', pathLength: 0, serial: randomBytes(16), issuer, subject };
  return { signer, certificatePem: issueCertificate(order as Parameters<typeof issueCertificate>[0]) };
}

const holder = (issuer: Issuer, times = ended, profile: Profile = gateway, commonName = 'mast') =>
  makeHolder(issuer, commonName, profile, times);

const root = await makeRoot('Fleet', long);
const sameName = await makeRoot('Fleet', long);
const server = await holder(root, long, localServer, 'cloud');

/** Has a client show its certificate to a server that lets everybody in, and judges it. */
async function shown<T>(
  client: Holder,
  version: SecureVersion,
  judge: (socket: TLSSocket) => T,
  ca: string[] = [root.certificatePem],
): Promise<T> {
  const listener = tls.createServer({ ...server, ca, requestCert: true, rejectUnauthorized: false });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  const versions = { minVersion: version, maxVersion: version };
  const socket = tls.connect({ port, host: 'localhost', ca: root.certificatePem, ...client, ...versions });
  socket.on('error', () => undefined);
  try {
    const [accepted] = await once(listener, 'secureConnection');
    return judge(accepted);
  } finally {
    socket.destroy();
    listener.close();
  }
}

/** What is wrong with it in both versions of TLS, and OpenSSL's own word for it. */
async function judged(
  client: Holder,
  { time = lately(30), commonName = 'mast', above = [] as readonly string[] } = {},
): Promise<{ fault: string; openssl: string }> {
  const verdicts = [];
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    const judge = (socket: TLSSocket) => ({
      fault:
        chainFault({
          presented: presentedChain(socket),
          authorityPem: root.certificatePem,
          claim: { kind: 'client', commonName },
          time,
        }) ?? 'trusted',
      openssl: String(socket.authorizationError),
    });
    verdicts.push(await shown(client, version, judge, [root.certificatePem, ...above]));
  }
  assert.equal(verdicts[0], verdicts[1], 'TLS 1.2 and 1.3 differ');
  return verdicts[0] as { fault: string; openssl: string };
}

test('one that ended within the time is believed, one that ended before it is not', async () => {
  const client = await holder(root);
  assert.equal(await judged(client), { fault: 'trusted', openssl: 'CERT_HAS_EXPIRED' });
  assert.is((await judged(client, { time: lately(6) })).fault, 'trusted');
  assert.match((await judged(client, { time: lately(4) })).fault, /^ended at .*, and not after /);
  assert.match((await judged(client, { time: { kind: 'known', wall: now } })).fault, /^ended at /);
});

test('one that has not ended is believed, and one that has not begun is not', async () => {
  const fresh = { notBefore: now - day, notAfter: now + day };
  assert.is((await judged(await holder(root, fresh))).fault, 'trusted');
  const early = { notBefore: now + day, notAfter: now + 2 * day };
  assert.match((await judged(await holder(root, early))).fault, /^begins at /);
});

test('one that is forged under an authority of the same name is not, though OpenSSL has the same word for it', async () => {
  const forged = await holder(sameName);
  const { fault, openssl } = await judged(forged);
  assert.is(openssl, 'CERT_HAS_EXPIRED');
  assert.match(fault, /^was not issued under/);
  for (const authority of [root, sameName]) {
    const cert = forged.cert + authority.certificatePem;
    assert.match((await judged({ ...forged, cert })).fault, /^was not issued under/);
  }
});

test('one that is self-signed is not', async () => {
  const { privateKeyPem } = await generateKeyPair();
  const signer = softwareSigner(privateKeyPem);
  for (const commonName of ['mast', 'Fleet']) {
    const cert = createAuthority({ commonName, signer, serial: randomBytes(16), ...ended });
    const { fault } = await judged({ key: privateKeyPem, cert }, { commonName });
    assert.match(fault, /^was not issued under/);
  }
});

test('one of another use, or of another name, is not', async () => {
  const wrongUse = await holder(root, ended, localServer);
  assert.match((await judged(wrongUse)).fault, /^is not for a TLS client/);
  assert.match((await judged(await holder(root), { commonName: 'crane' })).fault, /^is not for crane/);
  const voucher = await holder(root, ended, { profile: 'voucher' });
  assert.match((await judged(voucher)).fault, /^is not for a TLS client/);
});

test('under an intermediate that stands it is believed, under one that has ended it is not', async () => {
  for (const [times, wanted] of [
    [long, /^trusted$/],
    [{ notBefore: now - 40 * day, notAfter: now - day }, /^has an issuer that ended at /],
  ] as const) {
    const above = await intermediate(root, times);
    const client = await holder(above);
    // Shown by the client, or known to the server: the same.
    const chain = { ...client, cert: client.cert + above.certificatePem };
    assert.match((await judged(chain)).fault, wanted);
    assert.match((await judged(client, { above: [above.certificatePem] })).fault, wanted);
  }
});

test('under an intermediate that is forged itself, or that a gateway made, it is not', async () => {
  const forged = await intermediate(sameName, long);
  const client = await holder(forged);
  assert.match(
    (await judged({ ...client, cert: client.cert + forged.certificatePem })).fault,
    /^was not issued under/,
  );
  const crane = await holder(root, long, gateway, 'crane');
  const signer = softwareSigner(crane.key);
  const asRoot = createAuthority({ commonName: 'crane', signer, serial: randomBytes(16), ...long });
  const made = await holder({ signer, certificatePem: asRoot });
  assert.match((await judged({ ...made, cert: made.cert + crane.cert })).fault, /^was not issued under/);
});

test.run();
