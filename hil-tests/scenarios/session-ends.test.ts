// @long
// A session that ends, ends everywhere: on the page, in REST, and on a live stream that is open.
import { request } from 'node:https';
import { connect } from 'node:tls';
import { sessionCookie } from '@loadline/sdk/api';
import { createSigningRequest, generateKeyPair, softwareSigner } from '@loadline/sdk/identity';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { until } from '../rig/index.ts';
import { connectGateway, enrolIdentity } from '../system/mqtt-gateway.ts';
import { batchMaker } from './batches.ts';
import { ask, logIn } from './raw-https.ts';
import { type TemporaryCloud, temporaryCloud } from './temporary-cloud.ts';

const test = suite('the end of a session and of an enrolment secret');

/** What the product promises: milliseconds from the end of a session to the end of its streams. */
const revokedMilliseconds = 2000;

let temporary: TemporaryCloud;
test.before(async () => {
  temporary = await temporaryCloud();
});
test.after(() => temporary.end());

/** Follows the live stream; what came so far, and whether it has ended. */
async function follow(token: string): Promise<{ said: string; ended: boolean }> {
  const { cloud } = temporary;
  const stream = { said: '', ended: false };
  const call = request(`${cloud.url}/api/v1/organisations/first/live`, {
    ca: cloud.authorityPem,
    headers: { cookie: `${sessionCookie}=${token}` },
  });
  call.on('response', (response) => {
    response.setEncoding('utf8').on('data', (text: string) => {
      stream.said += text;
    });
    response.on('error', () => undefined);
    response.on('close', () => {
      stream.ended = true;
    });
  });
  call.on('error', () => undefined);
  call.end();
  await until(() => stream.said !== '', { what: 'the beginning of the stream' });
  return stream;
}

const logOut = (token: string) =>
  ask(temporary.cloud, { method: 'DELETE', path: '/api/v1/session', token }).then(({ status }) =>
    assert.is(status, 204),
  );

/** The status an API call gets with this cookie. */
const statusWith = (token: string) =>
  ask(temporary.cloud, { path: '/api/v1/organisations/first/devices', token }).then(({ status }) => status);

test('logging out ends the live streams of that session within 2 s, and no other', async () => {
  const [mine, other] = [await logIn(temporary.cloud), await logIn(temporary.cloud)];
  const streams = [await follow(mine), await follow(mine)];
  const others = await follow(other);
  await logOut(mine);
  await until(() => streams.every(({ ended }) => ended), {
    limitMs: revokedMilliseconds,
    what: 'both streams ended',
  });
  for (const { said } of streams) assert.match(said, /event: end\n/);
  assert.is(await statusWith(mine), 401);
  assert.is(others.ended, false);
  assert.is(await statusWith(other), 200);
  await logOut(other);
});

test('a follower that does not read is cut off too, and does the cloud no harm', async () => {
  const { cloud } = temporary;
  const token = await logIn(cloud);
  const socket = connect({ host: 'localhost', port: cloud.httpsPort, ca: cloud.authorityPem });
  let closed = false;
  socket.on('error', () => undefined);
  socket.on('close', () => {
    closed = true;
  });
  socket.write(
    `GET /api/v1/organisations/first/live HTTP/1.1\r\nhost: localhost\r\ncookie: ${sessionCookie}=${token}\r\n\r\n`,
  );
  await new Promise<void>((resolve) => socket.once('data', () => resolve()));
  socket.pause();
  // Events of a megabyte each, until more has been said than the kernels between them hold.
  const identity = await enrolIdentity(cloud, 'mast-1');
  const gateway = await connectGateway(cloud.mqttPort, identity);
  const batch = batchMaker({ readings: 12_000, series: 12_000 });
  for (let count = 0; count < 12; count++) {
    await gateway.publishAsync('v1/gw/mast-1/telemetry', Buffer.from(batch()), { qos: 1 });
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  await logOut(token);
  assert.is(await statusWith(token), 401);
  // It sees the end as soon as it reads again: what had been sent to it before, and then nothing.
  await new Promise((resolve) => setTimeout(resolve, revokedMilliseconds));
  socket.resume();
  await until(() => closed, { what: 'the connection to be over' });
  gateway.end(true);
  assert.is(cloud.service.end, undefined, cloud.service.errors);
  assert.is(await logIn(cloud).then(statusWith), 200);
});

/** Tries a secret with a good request; the status and code of the answer. */
async function tryEnrol(gateway: string, secret: string, requestPem: string): Promise<[number, string]> {
  const { status, body } = await ask(temporary.cloud, {
    method: 'POST',
    path: '/.well-known/est/simpleenroll',
    headers: {
      authorization: `Basic ${Buffer.from(`${gateway}:${secret}`).toString('base64')}`,
      'content-type': 'application/pkcs10',
    },
    body: requestPem.replace(/-----.*-----/g, ''),
  });
  return [status, status === 200 ? '' : JSON.parse(body).code];
}

test('an enrolment secret opens once, for its own gateway, and a wrong request does not use it up', async () => {
  const { cloud } = temporary;
  const { privateKeyPem } = await generateKeyPair();
  const requestFor = (commonName: string) =>
    createSigningRequest({ commonName, signer: softwareSigner(privateKeyPem) });
  const { enrolmentSecret: secret } = await cloud.organisation.createDevice({ body: { id: 'crane-1' } });
  const { enrolmentSecret: other } = await cloud.organisation.createDevice({ body: { id: 'crane-2' } });
  const [mine, wrong] = [requestFor('crane-1'), requestFor('crane-2')];

  assert.equal(await tryEnrol('crane-1', other, mine), [403, 'enrolment-refused']);
  assert.equal(await tryEnrol('crane-2', secret, wrong), [403, 'enrolment-refused']);
  assert.equal(await tryEnrol('crane-1', `${secret}x`, mine), [403, 'enrolment-refused']);
  assert.equal(await tryEnrol('crane-9', secret, requestFor('crane-9')), [403, 'enrolment-refused']);
  assert.equal(await tryEnrol('crane-1', secret, wrong), [400, 'request-malformed']);
  assert.equal(await tryEnrol('crane-1', secret, mine.slice(0, 400)), [400, 'request-malformed']);
  assert.equal(await tryEnrol('crane-1', secret, mine), [200, '']);
  // Whoever saw the secret and has a key of his own comes too late.
  const thief = createSigningRequest({
    commonName: 'crane-1',
    signer: softwareSigner((await generateKeyPair()).privateKeyPem),
  });
  assert.equal(await tryEnrol('crane-1', secret, thief), [403, 'enrolment-refused']);
  assert.equal(await tryEnrol('crane-2', other, wrong), [200, '']);
});

test('of several keys that come with one secret at once, one gets a certificate', async () => {
  const { enrolmentSecret } = await temporary.cloud.organisation.createDevice({ body: { id: 'crane-3' } });
  const pairs = await Promise.all([1, 2, 3].map(() => generateKeyPair()));
  const answers = await Promise.all(
    pairs.map(({ privateKeyPem }) => {
      const requestPem = createSigningRequest({
        commonName: 'crane-3',
        signer: softwareSigner(privateKeyPem),
      });
      return tryEnrol('crane-3', enrolmentSecret, requestPem);
    }),
  );
  assert.equal(answers.map(([status]) => status).sort(), [200, 403, 403]);
});

test('a new secret for a gateway ends the one before', async () => {
  const { enrolmentSecret: first } = await temporary.cloud.organisation.createDevice({
    body: { id: 'crane-4' },
  });
  await temporary.cloud.organisation.enrolDevice({ device: 'crane-4' });
  const signer = softwareSigner((await generateKeyPair()).privateKeyPem);
  const requestPem = createSigningRequest({ commonName: 'crane-4', signer });
  assert.equal(await tryEnrol('crane-4', first, requestPem), [403, 'enrolment-refused']);
});

test.run();
