// @long
// Certificates that have really ended, by the clock that OpenSSL judges by: it has one word for all of these.
import { randomBytes, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { connect, type TLSSocket } from 'node:tls';
import {
  createAuthority,
  createSigningRequest,
  generateKeyPair,
  issueCertificate,
  softwareSigner,
} from '@loadline/sdk/identity';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Doors, openDoors, ours, type Proof, until } from '../test-doors.ts';

const test = suite('renewing by a certificate that has really ended');

const day = 86_400_000;
const versions = ['TLSv1.2', 'TLSv1.3'] as const;
let doors: Doors;
let ended: Proof;

test.before(async () => {
  doors = await openDoors({ gatewayMilliseconds: 1500 });
  ended = await doors.prove(ours);
  await doors.organisation.patchOrganisation({ body: { certificateGraceDays: 1 } });
  const end = new X509Certificate(ended.cert).validToDate.getTime();
  await until(() => Date.now() > end + 1000, 'the end of a certificate');
});
test.after(() => doors.close());

/** Asks to renew by a proof, over a connection of this version of TLS. */
async function ask(proof: Proof, maxVersion: (typeof versions)[number]): Promise<string> {
  const { port } = doors.https;
  const socket: TLSSocket = connect({
    host: 'localhost',
    port,
    ca: doors.authorityPem,
    ...proof,
    maxVersion,
  });
  await once(socket, 'secureConnect');
  const signer = softwareSigner(ended.key);
  const request = createSigningRequest({ commonName: ours, signer }).replace(/-----[^-]+-----|\s/g, '');
  const asked = httpRequest({
    createConnection: () => socket,
    method: 'POST',
    path: '/.well-known/est/simplereenroll',
    headers: { host: 'localhost', 'content-type': 'application/pkcs10', connection: 'close' },
  });
  asked.end(request);
  const [response] = await once(asked, 'response');
  let body = '';
  for await (const chunk of response) body += chunk;
  return response.statusCode === 200 ? 'renewed' : JSON.parse(body).code;
}

test('it is let in to renew itself, and MQTT does not let it in', async () => {
  for (const version of versions) {
    assert.is(await ask(ended, version), 'renewed', version);
    const link = connect({
      ...{ host: 'localhost', port: doors.mqtt.port, ca: doors.authorityPem, ...ended, maxVersion: version },
    });
    link.on('error', () => undefined).resume();
    await until(() => link.destroyed, 'its end');
  }
  const refused = doors.lines.filter(({ event }) => event === 'mqtt-handshake-refused');
  assert.equal(
    refused.map(({ reason }) => reason),
    ['CERT_HAS_EXPIRED', 'CERT_HAS_EXPIRED'],
  );
});

test('one that is forged besides, under an authority of the same name and serial number, is not', async () => {
  const genuine = new X509Certificate(ended.cert);
  const now = Date.now();
  const times = { notBefore: now - 2 * day, notAfter: now - 5000 };
  const signer = softwareSigner((await generateKeyPair()).privateKeyPem);
  const certificatePem = createAuthority({
    ...{ commonName: genuine.issuer.replace('CN=', ''), signer, serial: randomBytes(16) },
    ...{ notBefore: now - 9 * day, notAfter: now + 9 * day },
  });
  const cert = issueCertificate({
    ...{ ...times, profile: 'gateway', serial: Buffer.from(genuine.serialNumber, 'hex') },
    issuer: { certificatePem, signer },
    subject: { commonName: ours, publicKeyPem: softwareSigner(ended.key).publicKeyPem },
  });
  for (const version of versions) {
    for (const shown of [cert, cert + certificatePem]) {
      assert.is(await ask({ key: ended.key, cert: shown }, version), 'certificate-refused');
    }
  }
});

test.run();
