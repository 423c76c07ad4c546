// @long
import { randomBytes, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import {
  createAuthority,
  createSigningRequest,
  decodeCertsOnly,
  generateKeyPair,
  issueCertificate,
  softwareSigner,
} from '@loadline/sdk/identity';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Doors, fingerprintOf, openDoors, type Proof, theirs, until, Wire } from '../test-doors.ts';

const test = suite('renewing a certificate by the one before');

const day = 86_400_000;
let doors: Doors;
/** A gateway for each test: each may renew only so often. */
let ours = '';
let gateways = 0;

test.before(async () => {
  doors = await openDoors();
});
test.before.each(async () => {
  ours = `mast-${gateways++}`;
  await doors.organisation.createDevice({ body: { id: ours } });
});
test.after.each(() => {
  doors.clock.offset = 0;
});
test.after(() => doors.close());

/** A TLS connection to the HTTPS port that offers no ALPN, its handshake done. */
async function tls(options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connect({ host: 'localhost', port: doors.https.port, ca: doors.authorityPem, ...options });
  await once(socket, 'secureConnect');
  return socket;
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  /** The code of a refusal. */
  readonly code: string | undefined;
}

/** Says one request on a connection. */
async function say(
  socket: TLSSocket,
  body: string | Uint8Array,
  { path = 'simplereenroll', type = 'application/pkcs10', method = 'POST', close = true } = {},
): Promise<Answer> {
  const asked = httpRequest({
    createConnection: () => socket,
    path: `/.well-known/est/${path}`,
    method,
    headers: {
      host: 'localhost',
      ...(method === 'POST' && { 'content-type': type }),
      connection: close ? 'close' : 'keep-alive',
    },
  });
  asked.end(method === 'POST' ? body : undefined);
  const [response] = await once(asked, 'response');
  let text = '';
  for await (const chunk of response) text += chunk;
  const mediaType = response.headers['content-type'];
  const code = mediaType.startsWith('application/problem+json') ? JSON.parse(text).code : undefined;
  return { status: response.statusCode, type: mediaType, body: text, code };
}

const base64Of = (pem: string) => pem.replace(/-----[^-]+-----|\s/g, '');

/** The next keys of gateways: another than that of the certificate before, and made once, since that takes its time. */
const nextKeys = [await generateKeyPair(), await generateKeyPair()];
let requests = 0;

/** A request for a gateway by another key than the last one's, as EST takes it. */
async function newRequest(commonName: string): Promise<{ key: string; body: string }> {
  const { privateKeyPem } = nextKeys[requests++ % 2] as (typeof nextKeys)[0];
  const signer = softwareSigner(privateKeyPem);
  return { key: privateKeyPem, body: base64Of(createSigningRequest({ commonName, signer })) };
}

/** Renews by a proof; what it has then. */
async function renewed(proof: Proof, options: ConnectionOptions = {}): Promise<Proof> {
  const { key, body } = await newRequest(ours);
  const answer = await say(await tls({ ...proof, ...options }), body);
  assert.is(answer.status, 200, answer.body);
  assert.is(answer.type, 'application/pkcs7-mime; smime-type=certs-only');
  const [cert = '', ...others] = decodeCertsOnly(answer.body);
  assert.equal(others, [], 'the certificate alone (RFC 7030, section 4.2.3)');
  return { key, cert };
}

/** The code that renewing by a proof is refused with, and in what words. */
async function refusedWith(proof: Proof | undefined, options: ConnectionOptions = {}): Promise<Answer> {
  const { body } = await newRequest(ours);
  const answer = await say(await tls({ ...proof, ...options }), body);
  assert.is(answer.status, 403, answer.body);
  return answer;
}

const listed = async () => (await doors.organisation.listCertificates({ device: ours })).items;
const entryOf = async (proof: Proof) => (await listed()).find(({ id }) => id === fingerprintOf(proof));

test('it is given by the current one, for another key, in both versions of TLS; both open until the new one is used', async () => {
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    const old = await doors.prove(ours);
    const link = await Wire.open(doors, old, ours);
    const next = await renewed(old, { maxVersion });
    assert.is(new X509Certificate(next.cert).subject, `CN=${ours}`);
    assert.not.equal(
      new X509Certificate(next.cert).publicKey.export({ type: 'spki', format: 'pem' }),
      new X509Certificate(old.cert).publicKey.export({ type: 'spki', format: 'pem' }),
    );
    const given = await entryOf(next);
    assert.equal([given?.issuedFor, given?.used, given?.ended], ['certificate', null, null]);
    // The old one opens as before, and can ask again: the answer may have been lost.
    const again = await renewed(old);
    assert.is((await entryOf(old))?.ended, null);
    const other = await Wire.open(doors, again, ours);
    await link.ended();
    await until(async () => (await entryOf(old))?.reason === 'superseded', 'the end of the old one');
    // Also the one whose answer was lost.
    assert.is((await entryOf(next))?.reason, 'superseded');
    assert.ok((await entryOf(again))?.used);
    assert.is((await refusedWith(old)).code, 'certificate-superseded');
    assert.is(other.socket.destroyed, false);
    other.socket.destroy();
  }
});

test('the link that the new certificate takes over is told of that, and the new link stays', async () => {
  const old = await doors.prove(ours);
  const before = await Wire.open(doors, old, ours);
  const next = await renewed(old);
  const after = await Wire.open(doors, next, ours);
  await before.ended();
  assert.equal(
    before.on(`v1/gw/${ours}/notice`).map(({ code }) => code),
    ['session-taken-over'],
  );
  // What looks once a second has looked at it by then.
  await new Promise((resolve) => setTimeout(resolve, 1500));
  assert.is(after.socket.destroyed, false);
  assert.is(doors.mqtt.isConnected(ours), true);
  // The one before gets no further, and does not end the one that stands.
  const late = new Wire({ port: doors.mqtt.port, ca: doors.authorityPem, ...old });
  late.connect(ours);
  const [connack] = await late.got('connack');
  assert.is(connack?.cmd === 'connack' && connack.returnCode, 5);
  const lines = doors.lines.filter(({ event }) => event === 'mqtt-client-refused');
  assert.is(lines.at(-1)?.code, 'certificate-superseded');
  assert.is(after.socket.destroyed, false);
  after.socket.destroy();
});

test('what was used by EST first supersedes like what was used by MQTT first', async () => {
  const old = await doors.prove(ours);
  const next = await renewed(old);
  const last = await renewed(next);
  assert.is((await refusedWith(old)).code, 'certificate-superseded');
  await until(async () => (await entryOf(next))?.used, 'its use in the store');
  assert.is((await entryOf(last))?.used, null);
});

test('who has revoked a certificate has ended what was renewed by it and not used yet', async () => {
  const stolen = await doors.prove(ours);
  const kept = await renewed(stolen);
  const before = await doors.prove('another-mast');
  await doors.organisation.revokeCertificate({ device: ours, certificate: fingerprintOf(stolen) });
  for (const proof of [stolen, kept]) assert.is((await refusedWith(proof)).code, 'certificate-revoked');
  assert.equal(
    (await listed()).map(({ reason }) => reason),
    ['revoked', 'revoked'],
  );
  assert.is(doors.directory.certificates.standing(fingerprintOf(before), 'another-mast'), 'good');
  // What somebody else answers for is another matter.
  const fresh = await doors.prove(ours);
  assert.is((await entryOf(fresh))?.ended, null);
});

test('without a certificate it says what to show, and everything else is served', async () => {
  const { code, body } = await refusedWith(undefined);
  assert.is(code, 'certificate-required');
  assert.match(body, /--no-alpn/);
  const asBrowser = await say(await tls({ ALPNProtocols: ['http/1.1'] }), (await newRequest(ours)).body);
  assert.is(asBrowser.code, 'certificate-required');
  for (const shown of [{}, await doors.prove(ours)]) {
    const { status, type } = await say(await tls(shown), '', { path: 'cacerts', method: 'GET' });
    assert.equal([status, type], [200, 'application/pkcs7-mime; smime-type=certs-only']);
  }
});

test('a request is refused with what is wrong with it', async () => {
  const proof = await doors.prove(ours);
  const good = await newRequest(ours);
  const pem = `-----BEGIN CERTIFICATE REQUEST-----\n${good.body}\n-----END CERTIFICATE REQUEST-----\n`;
  const spoilt = Buffer.from(good.body, 'base64');
  spoilt.writeUInt8(spoilt.readUInt8(spoilt.length - 1) ^ 1, spoilt.length - 1);
  for (const [body, piece] of [
    [(await newRequest(theirs)).body, /is for 'theirs', and the gateway that sent it is 'mast-\d+'/],
    [pem, /it is PEM/],
    [Buffer.from(good.body, 'base64'), /not base64/],
    ['', /not base64/],
    [spoilt.toString('base64'), /signature does not verify/],
    ['AAAA', /not a PKCS#10 request/],
  ] as const) {
    const answer = await say(await tls(proof), body);
    assert.equal([answer.status, answer.code], [400, 'request-malformed']);
    assert.match(answer.body, piece);
  }
  for (const type of ['application/x-www-form-urlencoded', 'application/json', 'text/plain']) {
    const answer = await say(await tls(proof), good.body, { type });
    assert.equal([answer.status, answer.code], [415, 'media-type-unsupported'], type);
    assert.match(answer.body, /Content-Type: application\/pkcs10/);
  }
  // Parameters of the type change nothing.
  assert.is((await say(await tls(proof), good.body, { type: 'Application/PKCS10; v=1' })).status, 200);
});

test('a certificate that is another fleet’s, self-signed, a server’s or forged is refused, expired or not', async () => {
  const fleet = new X509Certificate((await doors.prove(ours)).cert).issuer.replace('CN=', '');
  const make = async (times: { notBefore: number; notAfter: number }) => {
    const signer = softwareSigner((await generateKeyPair()).privateKeyPem);
    const terms = { ...times, serial: randomBytes(16) };
    const certificatePem = createAuthority({ commonName: fleet, signer, ...terms });
    const { privateKeyPem: key, publicKeyPem } = await generateKeyPair();
    const subject = { commonName: ours, publicKeyPem };
    const issuer = { certificatePem, signer };
    const forged = issueCertificate({ ...terms, profile: 'gateway', issuer, subject });
    const own = softwareSigner(key);
    const selfSigned = createAuthority({ commonName: ours, signer: own, ...terms });
    return [
      { key, cert: forged },
      { key, cert: forged + certificatePem },
      { key, cert: selfSigned },
    ];
  };
  await doors.organisation.patchOrganisation({ body: { certificateGraceDays: 400 } });
  const now = Date.now();
  const proofs = [
    ...(await make({ notBefore: now - day, notAfter: now + day })),
    ...(await make({ notBefore: now - 3 * day, notAfter: now - day })),
    // The cloud's own: it is for a TLS server.
    doors.server,
  ];
  for (const proof of proofs) {
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      assert.is((await refusedWith(proof, { maxVersion })).code, 'certificate-refused');
    }
  }
  await doors.organisation.patchOrganisation({ body: { certificateGraceDays: 0 } });
});

test('one that the cloud did not record, and one of a gateway that is off or revoked, say so', async () => {
  const proof = await doors.prove(ours);
  await doors.organisation.patchDevice({ device: ours, body: { enabled: false } });
  assert.is((await refusedWith(proof)).code, 'device-disabled');
  await doors.organisation.patchDevice({ device: ours, body: { enabled: true } });
  assert.is((await refusedWith(await doors.unrecorded(ours))).code, 'gateway-unknown');
  const revoked = await doors.prove(ours);
  await doors.organisation.revokeCertificate({ device: ours, certificate: fingerprintOf(revoked) });
  const { code, body } = await refusedWith(revoked);
  assert.is(code, 'certificate-revoked');
  assert.match(body, /new enrolment secret/);
  // It stays so after its time, and in the time that an organisation grants.
  await doors.organisation.patchOrganisation({ body: { certificateGraceDays: 400 } });
  doors.clock.offset = 40 * day;
  assert.is((await refusedWith(revoked)).code, 'certificate-revoked');
  doors.clock.offset = 0;
  await doors.organisation.patchOrganisation({ body: { certificateGraceDays: 0 } });
  const told = doors.lines.filter(({ event }) => event === 'renewal-refused').map(({ code }) => code);
  assert.equal(told.slice(-4), [
    'device-disabled',
    'gateway-unknown',
    'certificate-revoked',
    'certificate-revoked',
  ]);
});

test('an expired one renews itself for as long as the organisation says, and opens nothing else', async () => {
  const proof = await doors.prove(ours);
  const afterEnd = 10 * day;
  doors.clock.offset = 30 * day + afterEnd;
  const never = await refusedWith(proof);
  assert.is(never.code, 'certificate-expired');
  assert.match(never.body, /lets no certificate be renewed after its end: .*device enrol/);
  const grace = async (certificateGraceDays: number) => {
    doors.clock.offset = 0;
    await doors.organisation.patchOrganisation({ body: { certificateGraceDays } });
    doors.clock.offset = 30 * day + afterEnd;
  };
  await grace(9);
  assert.match((await refusedWith(proof)).body, /renewed for 9 days after their end/);
  await grace(11);
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    const wire = new Wire({ port: doors.mqtt.port, ca: doors.authorityPem, ...proof, maxVersion });
    wire.connect(ours);
    await wire.ended();
    await renewed(proof, { maxVersion });
  }
  await grace(0);
});

test('a resumed session is judged like a new one', async () => {
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    const proof = await doors.prove(ours);
    const first = await tls({ ...proof, maxVersion });
    let session = maxVersion === 'TLSv1.2' ? first.getSession() : undefined;
    first.on('session', (ticket) => {
      session = ticket;
    });
    await say(first, '', { path: 'cacerts', method: 'GET' });
    await until(() => session, 'a ticket');
    const resumed = async () => {
      // It shows no certificate: the ticket brings the old one.
      const socket = await tls({ maxVersion, session });
      assert.is(socket.isSessionReused(), true, 'the control: it is resumed');
      return socket;
    };
    assert.is((await say(await resumed(), (await newRequest(ours)).body)).status, 200);
    doors.clock.offset = 40 * day;
    assert.is((await say(await resumed(), (await newRequest(ours)).body)).code, 'certificate-expired');
    doors.clock.offset = 0;
    await doors.organisation.revokeCertificate({ device: ours, certificate: fingerprintOf(proof) });
    assert.is((await say(await resumed(), (await newRequest(ours)).body)).code, 'certificate-revoked');
  }
});

test('a connection that stays open by a certificate ends with it, and no other does', async () => {
  const proof = await doors.prove(ours);
  const stays = await tls(await doors.prove(theirs));
  const idle = await tls(proof);
  const kept = await tls(proof);
  for (const socket of [stays, idle, kept]) socket.on('error', () => undefined).resume();
  assert.is((await say(kept, '', { path: 'cacerts', method: 'GET', close: false })).status, 200);
  await doors.organisation.revokeCertificate({ device: ours, certificate: fingerprintOf(proof) });
  await until(() => idle.destroyed && kept.destroyed, 'their end', 2000);
  assert.is(stays.destroyed, false);
  stays.destroy();
});

test('a link does not outlive the certificate that it was opened by', async () => {
  const link = await Wire.open(doors, await doors.prove(ours), ours);
  doors.clock.offset = 31 * day;
  await link.ended();
  const [notice] = link.on(`v1/gw/${ours}/notice`);
  assert.is(notice?.code, 'certificate-expired');
  assert.match(String(notice?.detail), /certificateGraceDays/);
});

test('who renews, and who may not, is in the audit log of the organisation', async () => {
  const proof = await doors.prove(ours);
  const link = await Wire.open(doors, await renewed(proof), ours);
  link.socket.destroy();
  await refusedWith(proof);
  const told = async () => {
    await doors.authentications.flush();
    const { entries } = await doors.store.read('audit', { organisation: 'first', limit: 1000 });
    return entries
      .filter(({ target, action }) => target?.id === ours && action.startsWith('certificate.'))
      .map(({ actor, action, code }) => `${actor.kind} ${action} ${code ?? 'done'}`)
      .sort();
  };
  // Those of its kind may have been counted together with what other tests did.
  await until(async () => (await told()).includes('gateway certificate.supersede done'), 'the entries');
  assert.ok((await told()).includes('gateway certificate.create done'));
  const refusals = await doors.organisation.listAudit({ query: { limit: 1000 } });
  assert.ok(
    refusals.items.some(
      ({ action, code }) => action === 'certificate.renew' && code === 'certificate-superseded',
    ),
  );
});

test('a gateway may do so only so often, and is told when again', async () => {
  const proof = await doors.prove(theirs);
  const { body } = await newRequest(theirs);
  for (let times = 0; times < 12; times++) assert.is((await say(await tls(proof), body)).status, 200);
  const answer = await say(await tls(proof), body);
  assert.equal([answer.status, answer.code], [429, 'rate-limited']);
});

test('csrattrs says which requests are taken', async () => {
  const answer = await say(await tls(), '', { path: 'csrattrs', method: 'GET' });
  assert.equal([answer.status, answer.type], [200, 'application/csrattrs']);
  // SEQUENCE { SEQUENCE { rsaEncryption, SET { 2048 } }, sha256WithRSAEncryption }
  assert.is(
    Buffer.from(answer.body, 'base64').toString('hex'),
    '301e301106092a864886f70d0101013104020208000609' + '2a864886f70d01010b',
  );
});

test('what could not be written of a first use is written when the store takes it again', async () => {
  const old = await doors.prove(ours);
  const next = await renewed(old);
  const { store } = doors;
  const change = store.change.bind(store);
  let failed = 0;
  store.change = async (write) => {
    if (write.steps.some((one) => one.do === 'noteCertificateUse') && failed++ === 0) throw new Error('full');
    return await change(write);
  };
  const wire = await Wire.open(doors, next, ours);
  assert.is((await refusedWith(old)).code, 'certificate-superseded', 'at once, whatever the store says');
  await until(async () => (await entryOf(old))?.reason === 'superseded', 'the second try');
  assert.is(failed, 2);
  store.change = change;
  wire.socket.destroy();
});

test.run();
