// Real TLS servers that are not the cloud, seen by a client whose clock nobody vouches for.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import tls from 'node:tls';
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
import { type Holder, localServer, makeHolder, makeRoot } from '../identity/test-fleet.ts';
import { chainFault, type JudgedAt, presentedChain } from './index.ts';

const test = suite('impostors');

const year = 365.25 * 86_400_000;
const now = Date.UTC(2026, 10, 22);
/** What a gateway without a battery knows: it was this late when it was last switched off. */
const floor: JudgedAt = { kind: 'at-least', wall: now - year / 2 };
const sane = { notBefore: now - year, notAfter: now + year };
const ended = { notBefore: now - 2 * year, notAfter: now - year };

const decades = { notBefore: now - 9 * year, notAfter: now + 9 * year };
const authority = (commonName: string, times = decades) => makeRoot(commonName, times);
const holder = (issuer: Issuer, profile: Profile = localServer, times = sane, commonName = 'cloud') =>
  makeHolder(issuer, commonName, profile, times);

const root = await authority('Loadline fleet');
const sameName = await authority('Loadline fleet');

/** Shakes hands with a server on this machine as TLS does without verifying, and judges what it has shown. */
async function judged(
  server: Holder,
  { host = 'localhost', time = floor, trusted = root.certificatePem } = {},
): Promise<string> {
  const listener = tls.createServer({ ...server });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  const socket = tls.connect({ port, host: '127.0.0.1', ca: trusted, rejectUnauthorized: false });
  try {
    await once(socket, 'secureConnect');
    return (
      chainFault({
        presented: presentedChain(socket),
        authorityPem: trusted,
        claim: { kind: 'server', host },
        time,
      }) ?? 'trusted'
    );
  } finally {
    socket.destroy();
    listener.close();
  }
}

test('the cloud itself is trusted, by host name and by address', async () => {
  const cloud = await holder(root);
  assert.is(await judged(cloud), 'trusted');
  assert.is(await judged(cloud, { host: '127.0.0.1' }), 'trusted');
});

test('a certificate that began after the floor is trusted: the clock is behind, that is all', async () => {
  const cloud = await holder(root, localServer, { notBefore: now, notAfter: now + year });
  assert.is(await judged(cloud, { time: { kind: 'at-least', wall: 0 } }), 'trusted');
  assert.is(await judged(cloud), 'trusted');
  // At a known time the same is not valid yet.
  assert.match(await judged(cloud, { time: { kind: 'known', wall: now - 1 } }), /^begins at 2026-11-22/);
  assert.is(await judged(cloud, { time: { kind: 'known', wall: now } }), 'trusted');
});

test('a certificate that ended before the floor has really expired', async () => {
  const cloud = await holder(root, localServer, ended);
  assert.match(await judged(cloud), /^ended at 2025-11-21.* or later$/);
  assert.match(await judged(cloud, { time: { kind: 'known', wall: now } }), /^ended at 2025-11-21/);
  assert.is(await judged(cloud, { time: { kind: 'at-least', wall: ended.notAfter } }), 'trusted');
});

test('an authority that ended before the floor ends all it issued', async () => {
  const old = await authority('Loadline fleet', ended);
  const cloud = await holder(old, localServer, ended);
  assert.match(await judged(cloud, { trusted: old.certificatePem }), /^ended at/);
});

test('an impostor is refused: self-signed, of another authority, of another with the same name', async () => {
  const notIssued = /^was not issued under the authority/;
  const own = await generateKeyPair();
  const selfSigned = createAuthority({
    commonName: 'localhost',
    signer: softwareSigner(own.privateKeyPem),
    serial: randomBytes(16),
    ...sane,
  });
  assert.match(await judged({ key: own.privateKeyPem, cert: selfSigned }), notIssued);
  assert.match(await judged(await holder(await authority('Elsewhere'))), notIssued);
  assert.match(await judged(await holder(sameName)), notIssued);
  // Showing the true authority beside it does not help, nor the false one.
  const forged = await holder(sameName);
  assert.match(await judged({ ...forged, cert: forged.cert + root.certificatePem }), notIssued);
  assert.match(await judged({ ...forged, cert: forged.cert + sameName.certificatePem }), notIssued);
});

test('expired and forged under an authority of the same name is refused as forged', async () => {
  const forged = await holder(sameName, localServer, ended);
  assert.match(await judged(forged), /^was not issued under the authority/);
  assert.match(await judged(forged, { time: { kind: 'at-least', wall: 0 } }), /^was not issued under/);
  const early = await holder(sameName, localServer, { notBefore: now, notAfter: now + year });
  assert.match(await judged(early, { time: { kind: 'at-least', wall: 0 } }), /^was not issued under/);
});

test('the wrong host is refused', async () => {
  const elsewhere = await holder(root, { profile: 'server', dnsNames: ['other.example'], ipAddresses: [] });
  assert.match(await judged(elsewhere), /^is not for localhost \(it is for DNS:other\.example\)/);
  assert.match(await judged(elsewhere, { host: '127.0.0.1' }), /^is not for 127\.0\.0\.1/);
  // The common name is no host name, whatever it says.
  const named = await holder(
    root,
    { profile: 'server', dnsNames: ['other.example'], ipAddresses: [] },
    sane,
    'localhost',
  );
  assert.match(await judged(named), /^is not for localhost/);
});

test("a gateway's certificate makes no server, nor does an authority's", async () => {
  const gateway = await holder(root, { profile: 'gateway' }, sane, 'localhost');
  assert.match(await judged(gateway), /^is not for a TLS server/);
  const { privateKeyPem, publicKeyPem } = await generateKeyPair();
  const subject = { commonName: 'localhost', publicKeyPem };
  const cert = issueCertificate({
    ...sane,
    profile: 'authority',
    serial: randomBytes(16),
    issuer: root,
    subject,
  });
  assert.match(await judged({ key: privateKeyPem, cert }), /^is an authority's/);
});

test('what a gateway issues with its own key is refused', async () => {
  const gateway = await holder(root, { profile: 'gateway' }, sane, 'mast-1');
  const signer = softwareSigner(gateway.key);
  // Its own root of the gateway's name and key, so that the certificate names the gateway as its issuer.
  const asRoot = createAuthority({ commonName: 'mast-1', signer, serial: randomBytes(16), ...sane });
  const server = await holder({ signer, certificatePem: asRoot });
  assert.match(await judged({ ...server, cert: server.cert + gateway.cert }), /^was not issued under/);
  assert.match(
    await judged({ ...server, cert: server.cert + asRoot + gateway.cert }),
    /^was not issued under/,
  );
});

test('a client is judged by the same rules', async () => {
  const presentedBy = ({ cert }: Holder) => [Buffer.from(cert.replace(/-----[^-]+-----/g, ''), 'base64')];
  const fault = (client: Holder, commonName: string, time = floor) =>
    chainFault({
      presented: presentedBy(client),
      authorityPem: root.certificatePem,
      claim: { kind: 'client', commonName },
      time,
    }) ?? 'trusted';
  const client = await holder(root, { profile: 'gateway' }, sane, 'mast-1');
  assert.is(fault(client, 'mast-1'), 'trusted');
  assert.match(fault(client, 'mast-2'), /^is not for mast-2/);
  assert.match(fault(await holder(root, localServer, sane, 'mast-1'), 'mast-1'), /^is not for a TLS client/);
  assert.match(
    fault(await holder(sameName, { profile: 'gateway' }, sane, 'mast-1'), 'mast-1'),
    /^was not issued/,
  );
});

test.run();
