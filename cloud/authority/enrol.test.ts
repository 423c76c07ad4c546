import { randomBytes, X509Certificate } from 'node:crypto';
import { request } from 'node:https';
import {
  createAuthority,
  createSigningRequest,
  type EnrolOptions,
  encodeCertsOnly,
  enrol,
  generateKeyPair,
  issueCertificate,
  readSigningRequest,
  softwareSigner,
} from '@loadline/sdk/identity';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Authority, type ServerIdentity, simpleEnrollResponse } from './index.ts';
import { estRoutes, open, requestFor, says, spoilSignature, withFolder, withServer } from './test-parts.ts';

const test = suite('enrolment');

let authority: Authority;
let foreign: Authority;
let identity: ServerIdentity;
let privateKeyPem: string;
let options: Omit<EnrolOptions, 'url'>;

test.before(async () => {
  await withFolder(async (folder) => {
    ({ authority } = await open(folder));
    identity = await authority.issueServer({ names: [] });
  });
  await withFolder(async (folder) => {
    foreign = (await open(folder)).authority;
  });
  const made = await requestFor('gateway-1');
  privateKeyPem = made.privateKeyPem;
  options = {
    gatewayId: 'gateway-1',
    secret: 'once:only',
    requestPem: made.requestPem,
    authorityPem: authority.certificatePem,
    request,
    signal: AbortSignal.timeout(20_000),
  };
});

async function refused(enrolling: Promise<unknown>, code: string, piece: RegExp): Promise<void> {
  await enrolling.then(
    () => assert.unreachable(`expected ${code}`),
    (error: unknown) => {
      assert.ok(says(error, code, piece), String(error));
      assert.not.ok(String(error).includes('once:only'));
    },
  );
}

/** Enrols at a server that answers just this. */
function answered(status: number, body: string) {
  return withServer(
    identity,
    (_, response) => response.writeHead(status).end(body),
    (url) => enrol({ url, ...options }),
  );
}

test('gives a certificate for our key and name, once', () =>
  withServer(identity, estRoutes(authority, 'gateway-1', 'once:only'), async (url) => {
    const { chainPem, certificate } = await enrol({ url: `${url}/`, ...options });
    const issued = new X509Certificate(chainPem);
    assert.ok(issued.checkIssued(new X509Certificate(authority.caCertificates()[1] ?? '')));
    assert.is(issued.subject, 'CN=gateway-1');
    assert.is(certificate.commonName, 'gateway-1');
    assert.is(chainPem.match(/BEGIN CERTIFICATE/g)?.length, 2);
    await refused(enrol({ url, ...options }), 'enrolment-refused', /401.*wrong or used up/);
  }));

test('is refused with a wrong secret', async () => {
  const routes = estRoutes(authority, 'gateway-1', 'once:only');
  await withServer(identity, routes, async (url) => {
    await refused(enrol({ url, ...options, secret: 'guess' }), 'enrolment-refused', /wrong or used up/);
  });
});

test('asks nobody with a request for another name', async () => {
  const { requestPem } = await requestFor('gateway-2');
  await refused(
    enrol({ url: 'https://localhost:1', ...options, requestPem }),
    'request-malformed',
    /for 'gateway-2', and this gateway is 'gateway-1'/,
  );
});

test('hands on what the cloud says of a malformed request', () =>
  refused(
    answered(
      400,
      JSON.stringify({ type: 'https://loadline.example/codes/request-malformed', detail: 'too short' }),
    ),
    'request-malformed',
    /^too short$/,
  ));

test('tells trouble that passes from an answer that makes no sense', async () => {
  for (const status of [202, 429, 500, 503]) {
    await refused(answered(status, 'busy'), 'enrolment-unavailable', new RegExp(`${status}`));
  }
  await refused(answered(404, '<html>'), 'enrolment-malformed', /404/);
  await refused(answered(200, '<html>'), 'enrolment-malformed', /not base64/);
  await refused(answered(200, 'A'.repeat(70_000)), 'enrolment-malformed', /longer than/);
});

test('takes no certificate for another key, for another name, or of another authority', async () => {
  const stranger = await requestFor('gateway-1');
  const forStranger = await authority.issueGateway(stranger.requestPem, 'gateway-1');
  await refused(
    answered(200, simpleEnrollResponse(forStranger.certificatePem).body),
    'enrolment-malformed',
    /no certificate for our key/,
  );

  const ours = await foreign.issueGateway(options.requestPem, 'gateway-1');
  await refused(
    answered(200, encodeCertsOnly([ours.certificatePem, foreign.certificatePem])),
    'enrolment-malformed',
    /not issued under the trusted authority/,
  );

  const good = await authority.issueGateway(options.requestPem, 'gateway-1');
  await refused(
    answered(200, encodeCertsOnly([spoilSignature(good.certificatePem)])),
    'enrolment-malformed',
    /not issued under the trusted authority/,
  );

  const renamed = createSigningRequest({ commonName: 'gateway-2', signer: softwareSigner(privateKeyPem) });
  const misnamed = await authority.issueGateway(renamed, 'gateway-2');
  await refused(
    answered(200, simpleEnrollResponse(misnamed.certificatePem).body),
    'enrolment-malformed',
    /for 'gateway-2', not 'gateway-1'/,
  );
});

test('gives the intermediate with our certificate, and leaves out the root, for any of several roots', async () => {
  const now = Date.now();
  const terms = () => ({ notBefore: now, notAfter: now + 60_000, serial: randomBytes(16) });
  const [rootKey, key] = await Promise.all([generateKeyPair(), generateKeyPair()]);
  const signer = softwareSigner(rootKey.privateKeyPem);
  const rootPem = createAuthority({ ...terms(), commonName: 'Root kept elsewhere', signer });
  const intermediatePem = issueCertificate({
    ...terms(),
    profile: 'authority',
    issuer: { certificatePem: rootPem, signer },
    subject: { commonName: 'Intermediate', publicKeyPem: key.publicKeyPem },
  });
  const leafPem = issueCertificate({
    ...terms(),
    profile: 'gateway',
    issuer: { certificatePem: intermediatePem, signer: softwareSigner(key.privateKeyPem) },
    subject: readSigningRequest(options.requestPem),
  });
  const { chainPem } = await withServer(
    identity,
    (_, response) => response.end(encodeCertsOnly([rootPem, intermediatePem, leafPem])),
    (url) => enrol({ url, ...options, authorityPem: authority.certificatePem + rootPem }),
  );
  assert.is(chainPem, leafPem + intermediatePem);
});

test('sends its secret to nobody whom the authority has not certified', async () => {
  const made = await requestFor('localhost');
  const { chainPem: certificatePem } = await authority.issueGateway(made.requestPem, 'localhost');
  const gatewayAsServer = { certificatePem, privateKeyPem: made.privateKeyPem, notAfter: 0 };
  let asked = 0;
  const count = () => {
    asked += 1;
  };
  await withServer(identity, count, (url) =>
    refused(
      enrol({ url, ...options, authorityPem: foreign.certificatePem }),
      'enrolment-untrusted',
      /authority this gateway was given/,
    ),
  );
  // As if the name that was asked for led to another server of the same fleet.
  const elsewhere = ((url: URL, how: object) =>
    request(url, { ...how, servername: 'other.example' })) as typeof request;
  await withServer(identity, count, (url) =>
    refused(enrol({ url, ...options, request: elsewhere }), 'enrolment-untrusted', /other\.example/),
  );
  await withServer(gatewayAsServer, count, (url) =>
    refused(enrol({ url, ...options }), 'enrolment-untrusted', /purpose/),
  );
  await withServer(identity, count, (url) =>
    refused(enrol({ url, ...options, authorityPem: '' }), 'certificate-malformed', /no certificate/),
  );
  await refused(
    enrol({ url: 'http://localhost:1', ...options }),
    'enrolment-untrusted',
    /only sent over https/,
  );
  assert.is(asked, 0);
});

test('says that nobody is there', async () => {
  const url = await withServer(
    identity,
    () => undefined,
    async (listening) => listening,
  );
  await refused(enrol({ url, ...options }), 'enrolment-unavailable', /ECONNREFUSED/);
});

test('ends at its signal when nobody answers', async () => {
  const gone = new AbortController();
  await withServer(
    identity,
    () => gone.abort(),
    (url) => refused(enrol({ url, ...options, signal: gone.signal }), 'enrolment-unavailable', /abort/i),
  );
});

test.run();
