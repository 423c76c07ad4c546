// Enrolment over the connections this folder makes: the same authority, the same clock, the same proxy.
import { once } from 'node:events';
import { createServer as createHttpsServer, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import {
  createSigningRequest,
  encodeCertsOnly,
  enrol,
  generateKeyPair,
  IdentityError,
  issueCertificate,
  readSigningRequest,
  softwareSigner,
} from '@loadline/sdk/identity';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { connectSecure } from './secure.ts';
import { goodTimes, localServer, makeAuthority, makeHolder } from './test-fleet.ts';

const test = suite('enrolment');

const authority = await makeAuthority('Fleet');
const sameName = await makeAuthority('Fleet');
const requestPem = createSigningRequest({
  commonName: 'mast-1',
  signer: softwareSigner((await generateKeyPair()).privateKeyPem),
});

/** An EST server of an authority; how often it was asked. */
async function estServer(issuer = authority) {
  const { privateKeyPem, chainPem } = await makeHolder(issuer, 'cloud', localServer);
  let asked = 0;
  const server = createHttpsServer({ key: privateKeyPem, cert: chainPem }, (_request, response) => {
    asked++;
    const subject = readSigningRequest(requestPem);
    const serial = Buffer.alloc(16, 5);
    const order = { ...goodTimes, profile: 'gateway', serial, issuer, subject } as const;
    response.end(encodeCertsOnly([issueCertificate(order)]));
  });
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `https://localhost:${(server.address() as AddressInfo).port}`, server, asked: () => asked };
}

function enrolAt(url: string) {
  const signal = AbortSignal.timeout(5000);
  const { certificatePem: authorityPem } = authority;
  return enrol({
    url,
    gatewayId: 'mast-1',
    secret: 'secret',
    requestPem,
    authorityPem,
    request,
    signal,
    connect: (host, port) =>
      connectSecure({ host, port, authorityPem, time: { kind: 'at-least', wall: 0 }, signal }),
  });
}

test('goes well at a time nobody vouches for', async () => {
  const { url, server } = await estServer();
  assert.is((await enrolAt(url)).certificate.commonName, 'mast-1');
  server.close();
});

test('gives its secret to no impostor, and tells one from a network that is not there', async () => {
  const { url, server, asked } = await estServer(sameName);
  const refused = await enrolAt(url).catch((error: IdentityError) => error);
  assert.ok(refused instanceof IdentityError);
  assert.is(refused.code, 'enrolment-untrusted');
  assert.match(refused.message, /something else answers in place of the cloud/);
  assert.is(asked(), 0);
  server.close();
  const gone = await enrolAt(url).catch((error: IdentityError) => error);
  assert.ok(gone instanceof IdentityError);
  assert.is(gone.code, 'enrolment-unavailable');
});

test.run();
