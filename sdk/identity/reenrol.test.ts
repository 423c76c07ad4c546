// A certificate by the one before it, from a real TLS server that asks for one and leaves the judgement to its handler.
import { once } from 'node:events';
import { createServer, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  caCertificates,
  certificateDetails,
  createSigningRequest,
  encodeCertsOnly,
  generateKeyPair,
  type Issuer,
  issueCertificate,
  readSigningRequest,
  reenrol,
  softwareSigner,
} from './index.ts';
import { coded, type Holder, localServer, makeHolder, makeRoot, terms } from './test-fleet.ts';

const test = suite('renewal');

const root = await makeRoot();
const intermediateKey = await generateKeyPair();
const intermediate: Issuer = {
  signer: softwareSigner(intermediateKey.privateKeyPem),
  certificatePem: issueCertificate({
    ...terms(),
    profile: 'authority',
    issuer: root,
    subject: { commonName: 'Issuing', publicKeyPem: intermediateKey.publicKeyPem },
  }),
};
const cloud = await makeHolder(root, 'cloud', localServer);
const old = await makeHolder(root, 'mast-1', { profile: 'gateway' });
const { privateKeyPem } = await generateKeyPair();
const requestPem = createSigningRequest({ commonName: 'mast-1', signer: softwareSigner(privateKeyPem) });

interface Asked {
  readonly path: string;
  readonly shown: string | undefined;
  readonly alpn: string | false | null;
  readonly authorization: string | undefined;
}

/** What the server answers: certificates, or a problem. */
type Answer = (body: Buffer) => readonly string[] | { readonly status: number; readonly problem: object };

async function withServer(answer: Answer, use: (url: string) => Promise<void>): Promise<Asked[]> {
  const asked: Asked[] = [];
  const options = { ...cloud, ca: root.certificatePem, requestCert: true, rejectUnauthorized: false };
  const server = createServer(options, async (incoming, response) => {
    const socket = incoming.socket as TLSSocket;
    const shown = socket.getPeerX509Certificate();
    asked.push({
      path: incoming.url ?? '',
      shown: shown && certificateDetails(shown.raw).fingerprint,
      alpn: socket.alpnProtocol,
      authorization: incoming.headers.authorization,
    });
    const parts: Buffer[] = [];
    for await (const part of incoming) parts.push(part as Buffer);
    const said = answer(Buffer.concat(parts));
    if ('problem' in said) response.writeHead(said.status).end(JSON.stringify(said.problem));
    else response.end(encodeCertsOnly(said));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    await use(`https://localhost:${(server.address() as AddressInfo).port}`);
  } finally {
    server.close();
  }
  return asked;
}

function options(url: string, shown: Holder | undefined = old) {
  return {
    url,
    gatewayId: 'mast-1',
    requestPem,
    authorityPem: root.certificatePem,
    request,
    signal: AbortSignal.timeout(10_000),
    connect: async (host: string, port: number) => {
      const socket = connect({ host, port, ca: root.certificatePem, ...shown });
      await once(socket, 'secureConnect');
      return socket;
    },
  };
}

/** Issues what is asked for, by the intermediate. */
function issued(body: Buffer): string {
  const subject = readSigningRequest(Buffer.from(body.toString(), 'base64'));
  return issueCertificate({ ...terms(), profile: 'gateway', issuer: intermediate, subject });
}

test('is by the certificate that is shown, without a secret, and may be for another key', async () => {
  const asked = await withServer(
    (body) => [issued(body), intermediate.certificatePem],
    async (url) => {
      const { chainPem, certificate } = await reenrol(options(url));
      assert.is(certificate.publicKeyPem, softwareSigner(privateKeyPem).publicKeyPem);
      assert.is(chainPem.match(/BEGIN CERTIFICATE/g)?.length, 2);
    },
  );
  const shown = certificateDetails(old.cert).fingerprint;
  const path = '/.well-known/est/simplereenroll';
  assert.equal(asked, [{ path, shown, alpn: false, authorization: undefined }]);
});

test('asks for the intermediate where the answer is the certificate alone', async () => {
  let told = [root.certificatePem, intermediate.certificatePem];
  const answer = (body: Buffer) => (body.length === 0 ? told : [issued(body)]);
  const asked = await withServer(answer, async (url) => {
    const { chainPem } = await reenrol(options(url));
    assert.ok(chainPem.endsWith(intermediate.certificatePem));
    assert.is(chainPem.match(/BEGIN CERTIFICATE/g)?.length, 2);
    told = [root.certificatePem];
    await reenrol(options(url)).then(
      () => assert.unreachable('an incomplete chain was taken'),
      (error) => assert.ok(coded('enrolment-malformed', /not issued under the trusted authority/)(error)),
    );
  });
  assert.equal(
    asked.map(({ path }) => path.split('/').at(-1)),
    ['simplereenroll', 'cacerts', 'simplereenroll', 'cacerts'],
  );
});

test('hands on why a certificate opens nothing any more', async () => {
  const problem = { type: 'codes/certificate-expired', detail: 'it ended 12 days ago, and 7 are allowed' };
  await withServer(
    () => ({ status: 403, problem }),
    async (url) => {
      await reenrol(options(url)).then(
        () => assert.unreachable('it was refused'),
        (error) => assert.ok(coded('enrolment-refused', /403.*12 days ago, and 7 are allowed/)(error)),
      );
    },
  );
});

test('the authorities are told without any proof of who asks', async () => {
  const told = [root.certificatePem, intermediate.certificatePem];
  const asked = await withServer(
    () => told,
    async (url) => {
      const server = { url, authorityPem: root.certificatePem, request, signal: AbortSignal.timeout(10_000) };
      assert.equal(new Set(await caCertificates(server)), new Set(told));
      const byNobody = options(url, {} as Holder);
      assert.equal(new Set(await caCertificates(byNobody)), new Set(told));
    },
  );
  assert.equal(
    asked.map(({ path, shown }) => `${path} ${shown}`),
    Array(2).fill('/.well-known/est/cacerts undefined'),
  );
});

test.run();
