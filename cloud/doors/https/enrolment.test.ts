import { request } from 'node:https';
import { limits } from '@loadline/sdk/contract';
import {
  createSigningRequest,
  decodeCertsOnly,
  generateKeyPair,
  softwareSigner,
} from '@loadline/sdk/identity';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Doors, fingerprintOf, openDoors, until, Wire } from '../test-doors.ts';

const test = suite<{ doors: Doors }>('enrolment over HTTPS');
test.before(async (context) => {
  context.doors = await openDoors();
});
test.after(({ doors }) => doors.close());

interface Enrolment {
  readonly gateway: string;
  readonly secret: string;
  /** Whom the request names, where that is not the gateway. */
  readonly commonName?: string;
  /** PEM; another one each time where nobody says which. */
  readonly key?: string;
}

/** The status of an enrolment, and the certificates that came with it, DER. */
async function enrol(
  { https, authorityPem }: Doors,
  { gateway, secret, commonName = gateway, key }: Enrolment,
) {
  const privateKeyPem = key ?? (await generateKeyPair()).privateKeyPem;
  const pem = createSigningRequest({ commonName, signer: softwareSigner(privateKeyPem) });
  const body = pem.replaceAll(/-----[^-]+-----|\s/g, '');
  return await new Promise<{ status: number | undefined; body: string }>((resolve, reject) => {
    const sent = request(
      {
        ...{ host: 'localhost', port: https.port, ca: authorityPem, agent: false },
        path: '/.well-known/est/simpleenroll',
        method: 'POST',
        auth: `${gateway}:${secret}`,
        headers: { 'content-type': 'application/pkcs10' },
      },
      (answer) => {
        let text = '';
        answer.setEncoding('latin1').on('data', (chunk) => {
          text += chunk;
        });
        answer.once('end', () => resolve({ status: answer.statusCode, body: text }));
      },
    );
    sent.once('error', reject);
    sent.end(body);
  });
}

const created = async ({ organisation }: Doors, id: string) =>
  (await organisation.createDevice({ body: { id } })).enrolmentSecret;

/** What the log says of a device, the oldest first, and the whole of both chains as text. */
async function told({ store, authentications }: Doors, device: string) {
  await authentications.flush();
  const read = (organisation: string | null) => store.read('audit', { organisation, limit: 1000 });
  const [first, fleet] = await Promise.all([read('first'), read(null)]);
  const about = ({ entries }: typeof first) =>
    entries
      .filter(({ target, action }) => target?.id === device && action !== 'devices.create')
      .sort((one, other) => one.sequence - other.sequence);
  return { first: about(first), fleet: about(fleet), text: JSON.stringify([first, fleet]) };
}

type Told = Awaited<ReturnType<typeof told>>['first'][number];

const inShort = ({ actor, action, outcome, code, after }: Told) => [
  `${actor.kind} ${actor.id}`.trim(),
  action,
  outcome,
  code,
  (after as { attempts?: number } | null)?.attempts ?? null,
];

test('stands in the audit log with its certificate, and its secret does not', async ({ doors }) => {
  const secret = await created(doors, 'boom');
  const { status, body } = await enrol(doors, { gateway: 'boom', secret });
  assert.is(status, 200);
  const { first, fleet, text } = await told(doors, 'boom');
  assert.equal(first.map(inShort), [
    ['gateway boom', 'enrolment.use', 'done', null, null],
    ['gateway boom', 'certificate.create', 'done', null, null],
  ]);
  assert.equal(fleet, []);
  assert.ok(first.every(({ personal }) => (personal as { source?: string } | null)?.source !== undefined));
  const after = first[1]?.after as { serial?: string; fingerprint?: string } | undefined;
  const { serial = '', fingerprint = '' } = after ?? {};
  assert.is(doors.directory.certificates.standing(fingerprint, 'boom'), 'good');
  assert.match(serial, /^[0-9a-f]{30,}$/);
  assert.match(Buffer.from(body, 'base64').toString('hex'), serial);
  assert.not.match(text, secret);
});

test('that is refused is told of once a minute, in the chain of whom it concerns', async ({ doors }) => {
  const secret = await created(doors, 'jib');
  const wrong = 'guess-guess-guess';
  for (let n = 0; n < 5; n++) assert.is((await enrol(doors, { gateway: 'jib', secret: wrong })).status, 403);
  assert.is((await enrol(doors, { gateway: 'nobody-knows', secret })).status, 403);
  const mistaken = { gateway: 'jib', secret, commonName: 'boom' };
  assert.is((await enrol(doors, mistaken)).status, 400);
  const { first, fleet, text } = await told(doors, 'jib');
  const counts = (code: string) =>
    first.filter((one) => one.code === code).map(({ after }) => (after as { attempts: number }).attempts);
  assert.equal(counts('enrolment-refused'), [1, 4]);
  assert.equal(counts('request-malformed'), [1]);
  assert.is(first.length, 3);
  assert.ok(first.every(({ actor, action }) => actor.kind === 'nobody' && action === 'enrolment.use'));
  assert.equal(fleet, []);
  const stranger = await told(doors, 'nobody-knows');
  assert.equal(stranger.first, []);
  assert.equal(stranger.fleet.map(inShort), [['nobody', 'enrolment.use', 'refused', 'enrolment-refused', 1]]);
  assert.not.match(text, secret);
  assert.not.match(text, wrong);
  // A request that was wrong has not used the secret up.
  assert.is((await enrol(doors, { gateway: 'jib', secret })).status, 200);
});

test('opens again for its key while the answer may have been lost, and no more once what it gave was revoked', async ({
  doors,
}) => {
  const [gateway, secret] = ['derrick', await created(doors, 'derrick')];
  const { privateKeyPem: key } = await generateKeyPair();
  const first = await enrol(doors, { gateway, secret, key });
  assert.is(first.status, 200);
  assert.is((await enrol(doors, { gateway, secret, key })).status, 200);
  const [cert = ''] = decodeCertsOnly(first.body);
  const certificate = fingerprintOf({ key, cert });
  // A secret that nobody has used yet is another matter: it may be what the gateway is to come back by.
  await doors.organisation.revokeCertificate({ device: gateway, certificate });
  assert.is((await enrol(doors, { gateway, secret, key })).status, 403, 'a stolen key would be let in again');
  const { enrolmentSecret } = await doors.organisation.enrolDevice({ device: gateway });
  const [other = ''] = (await doors.organisation.listCertificates({ device: gateway })).items
    .filter(({ ended }) => ended === null)
    .map(({ id }) => id);
  await doors.organisation.revokeCertificate({ device: gateway, certificate: other });
  assert.is((await enrol(doors, { gateway, secret: enrolmentSecret })).status, 200);
});

test('gives no more than so many certificates an hour to a key that cannot use them', async ({ doors }) => {
  const [gateway, secret] = ['crown', await created(doors, 'crown')];
  const { privateKeyPem: key } = await generateKeyPair();
  const statuses = [];
  for (let asked = 0; asked <= limits.certificateRenewalsPerHour; asked++) {
    statuses.push((await enrol(doors, { gateway, secret, key })).status);
  }
  assert.equal(statuses, [...Array(limits.certificateRenewalsPerHour).fill(200), 429]);
});

test('opens nothing more once the certificate that it gave was used', async ({ doors }) => {
  const [gateway, secret] = ['stay', await created(doors, 'stay')];
  const { privateKeyPem: key } = await generateKeyPair();
  const { body } = await enrol(doors, { gateway, secret, key });
  const [cert = ''] = decodeCertsOnly(body);
  const link = await Wire.open(doors, { key, cert }, gateway);
  const isUsed = async () =>
    (await doors.organisation.listCertificates({ device: gateway })).items.some(({ used }) => used !== null);
  await until(isUsed, 'its use in the store');
  assert.is((await enrol(doors, { gateway, secret, key })).status, 403);
  assert.is(link.socket.destroyed, false);
  link.socket.destroy();
});

test('what the cloud issues to itself is in the fleet’s chain', async ({ doors }) => {
  const { items } = await doors.client.listFleetAudit({ query: { action: 'certificate.create' } });
  const own = items.filter(({ actor }) => actor.kind === 'cloud');
  const profiles = own.map(({ target }) => target?.id);
  assert.equal([profiles.includes('authority'), profiles.includes('server')], [true, true]);
});

test.run();
