// @long
// Strangers at the MQTT door, by certificate and by name: nobody gets in who is not a gateway of this fleet.
import { randomBytes, X509Certificate } from 'node:crypto';
import { connect } from 'node:tls';
import { gatewayTopic } from '@loadline/sdk/contract';
import {
  createAuthority,
  generateKeyPair,
  type Issuer,
  issueCertificate,
  type KeyPair,
  type Profile,
  softwareSigner,
} from '@loadline/sdk/identity';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { until } from '../rig/index.ts';
import { enrolIdentity, type GatewayIdentity } from '../system/mqtt-gateway.ts';
import { stolenRoot, stolenServer } from '../system/sealed-keys.ts';
import { GoodGateway } from './good-gateway.ts';
import { connectPacket, MqttWire, type Proof, publishPacket } from './raw-mqtt.ts';
import { openStateDatabase } from './state-database.ts';
import { type TemporaryCloud, temporaryCloud } from './temporary-cloud.ts';

const test = suite('strangers at the MQTT door');

const day = 86_400_000;
/** In every payload that must not get in. */
const mark = 'stranger-was-here-6f1d';
/** Of our organisation, of another one, and nobody's. */
const [ours, neighbour, theirs, nobodys] = ['mast-1', 'mast-2', 'crane-9', 'winch-4'] as const;

let temporary: TemporaryCloud;
/** Whose connections are the strangers' in what follows; and the one that is good all the time. */
let stranger: GatewayIdentity;
let good: GoodGateway;
let fleet: Issuer;
let keys: KeyPair;

function proofOf(
  issuer: Issuer,
  commonName: string,
  term: { from: number; to: number },
  profile?: Profile,
): Proof {
  const chainPem = issueCertificate({
    ...(profile ?? { profile: 'gateway' }),
    issuer,
    subject: { commonName, publicKeyPem: keys.publicKeyPem },
    notBefore: Date.now() + term.from,
    notAfter: Date.now() + term.to,
    serial: randomBytes(16),
  });
  return { privateKeyPem: keys.privateKeyPem, chainPem };
}

/** Of the fleet's own authority. `record`: whether, and as what, the cloud has it written down. */
const made = {
  unrecorded: { name: ours, from: -day, to: day, record: 'none' },
  recorded: { name: ours, from: -day, to: day, record: 'issued' },
  expired: { name: ours, from: -2 * day, to: -1000, record: 'issued' },
  'not yet valid': { name: ours, from: day, to: 2 * day, record: 'issued' },
  revoked: { name: ours, from: -day, to: day, record: 'revoked' },
  'of a gateway that is not there': { name: nobodys, from: -day, to: day, record: 'issued' },
} as const;
let proofs: Record<keyof typeof made, Proof>;

test.before(async () => {
  temporary = await temporaryCloud();
  await temporary.cloud.organisation.createDevice({ body: { id: neighbour } });
  good = await GoodGateway.enrol(temporary);
  stranger = await enrolIdentity(temporary.cloud, ours);
  keys = await generateKeyPair();
  fleet = await stolenRoot(temporary.state);
  proofs = Object.fromEntries(
    Object.entries(made).map(([key, { name, from, to }]) => [key, proofOf(fleet, name, { from, to })]),
  ) as typeof proofs;
  await temporary.restart(() => {
    const database = openStateDatabase(temporary.state);
    const insert = database.prepare(
      'INSERT INTO certificate (fingerprint, subject, serial, expires, revoked) VALUES (?, ?, ?, ?, ?)',
    );
    for (const [key, { name, record }] of Object.entries(made)) {
      if (record === 'none') continue;
      const { fingerprint256, serialNumber } = new X509Certificate(proofs[key as keyof typeof made].chainPem);
      const fingerprint = fingerprint256.replaceAll(':', '').toLowerCase();
      insert.run(fingerprint, name, serialNumber, Date.now() + day, record === 'revoked' ? Date.now() : null);
    }
    database.prepare("INSERT INTO organisation (id, name) VALUES ('second', 'Second')").run();
    database.prepare("INSERT INTO device (id, organisation) VALUES (?, 'second')").run(theirs);
    database.close();
  });
});
test.after(async () => {
  good.end();
  await temporary.end();
});

// Whatever a stranger does, the gateway that is in order goes on delivering.
test.after.each(() => good.deliver());

/** Sends a CONNECT and a publish behind it, and waits to be thrown out without a word of MQTT; the log says why. */
async function assertRefusedByTls(proof: Proof, reason: RegExp): Promise<void> {
  const refusals = () =>
    temporary.cloud.service.log.filter(({ event }) => event === 'mqtt-handshake-refused');
  const before = refusals().length;
  const wire = await MqttWire.open(temporary.cloud, proof);
  wire.send(connectPacket({ clientId: ours }));
  wire.send(publishPacket({ topic: gatewayTopic(ours, 'telemetry'), payload: mark }));
  await wire.ended();
  assert.equal(wire.packets, []);
  const line = await until(() => refusals()[before], { what: 'a line in the log' });
  assert.match(String(line.reason), reason);
}

/** Connects, and expects the CONNACK to refuse (MQTT 3.1.1, table 3.1) and the link to be closed. */
async function assertConnack(proof: Proof | undefined, clientId: string, returnCode: number): Promise<void> {
  const answer = await MqttWire.connect(temporary.cloud, proof, { clientId });
  assert.is(answer.returnCode, returnCode, clientId);
  answer.wire.send(publishPacket({ topic: gatewayTopic(ours, 'telemetry'), payload: mark }));
  await answer.wire.ended();
  assert.is(answer.wire.packets.length, 1);
}

async function connected(): Promise<MqttWire> {
  const { wire, returnCode } = await MqttWire.connect(temporary.cloud, stranger, { clientId: ours });
  assert.is(returnCode, 0);
  return wire;
}

test('the certificate that is recorded opens the door: what is refused below lacks one thing each', async () => {
  const { wire, returnCode } = await MqttWire.connect(temporary.cloud, proofs.recorded, { clientId: ours });
  assert.is(returnCode, 0);
  wire.destroy();
});

test('a client without a certificate and without a key gets CONNACK 5, by whatever name', async () => {
  for (const clientId of [ours, 'program-1', '']) await assertConnack(undefined, clientId, 5);
});

test('a certificate of a foreign authority does not, even of one with the same name', async () => {
  const { privateKeyPem } = await generateKeyPair();
  const signer = softwareSigner(privateKeyPem);
  const ownName = new X509Certificate(fleet.certificatePem).subject.replace('CN=', '');
  for (const commonName of ['Another authority', ownName]) {
    const term = { notBefore: Date.now() - day, notAfter: Date.now() + day, serial: randomBytes(16) };
    const certificatePem = createAuthority({ commonName, signer, ...term });
    const proof = proofOf({ certificatePem, signer }, ours, { from: -day / 2, to: day / 2 });
    await assertRefusedByTls(proof, /^(SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_|CERT_SIGNATURE_FAILURE)/);
    // With its authority in the chain, in case that is believed.
    const chain = { ...proof, chainPem: proof.chainPem + certificatePem };
    await assertRefusedByTls(chain, /^(SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_|CERT_SIGNATURE_FAILURE)/);
  }
});

test('a certificate that is expired or not yet valid does not, although the cloud has it on record', async () => {
  await assertRefusedByTls(proofs.expired, /^CERT_HAS_EXPIRED/);
  await assertRefusedByTls(proofs['not yet valid'], /^CERT_NOT_YET_VALID/);
});

test("the cloud's own certificate does not: it is a server's", async () => {
  const own = await stolenServer(temporary.state);
  await assertRefusedByTls(own, /INVALID_PURPOSE|unsupported|purpose/i);
});

test('a TLS session of the HTTPS door proves nothing at the MQTT door', async () => {
  const { authorityPem: ca, httpsPort, mqttPort } = temporary.cloud;
  const https = connect({ host: 'localhost', port: httpsPort, ca });
  const session = await new Promise<Buffer>((resolve) => https.once('session', resolve));
  https.destroy();
  const socket = connect({ host: 'localhost', port: mqttPort, ca, session });
  const heard: Buffer[] = [];
  let isResumed: boolean | undefined;
  socket.on('secureConnect', () => {
    isResumed = socket.isSessionReused();
  });
  socket.on('data', (chunk) => heard.push(chunk));
  socket.on('error', () => undefined);
  socket.write(connectPacket({ clientId: ours }));
  await until(() => socket.destroyed);
  assert.is(isResumed, false);
  // CONNACK 5, and nothing else.
  assert.is(Buffer.concat(heard).toString('hex'), '20020005');
});

test('a certificate that was never recorded, is revoked, or names no gateway gets CONNACK 5', async () => {
  await assertConnack(proofs.unrecorded, ours, 5);
  await assertConnack(proofs.revoked, ours, 5);
  await assertConnack(proofs['of a gateway that is not there'], nobodys, 5);
});

test('a client id that is not the name in the certificate gets CONNACK 2', async () => {
  for (const clientId of [
    neighbour,
    theirs,
    'good-1',
    '',
    'MAST-1',
    `${ours} `,
    `${ours}\n`,
    `${ours}\u0000`,
    '#',
  ]) {
    if (clientId.includes('\u0000')) continue;
    await assertConnack(stranger, clientId, 2);
  }
});

test('a will is refused: the link is closed, and nobody hears it', async () => {
  const will = { topic: gatewayTopic(neighbour, 'telemetry'), payload: mark };
  const wire = await MqttWire.open(temporary.cloud, stranger);
  wire.send(connectPacket({ clientId: ours, will }));
  await wire.ended();
  assert.equal(wire.packets, []);
});

test('another version, a second CONNECT, and a packet before the first close the link', async () => {
  const older = await MqttWire.connect(temporary.cloud, stranger, { clientId: ours, level: 3 });
  assert.is(older.returnCode, 1);
  await older.wire.ended();
  const newer = await MqttWire.open(temporary.cloud, stranger);
  newer.send(connectPacket({ clientId: ours, level: 9 }));
  await newer.ended();
  assert.not.equal(newer.all('connack')[0]?.body[1], 0);
  const twice = await connected();
  twice.send(connectPacket({ clientId: neighbour }));
  await twice.ended();
  const early = await MqttWire.open(temporary.cloud, stranger);
  early.send(publishPacket({ topic: gatewayTopic(ours, 'telemetry'), payload: mark }));
  await early.ended();
  assert.equal(early.packets, []);
});

test('nobody is connected in the end but the gateway that is in order', () => good.alone());

test('nothing of it is in the store, and the good gateway has lost nothing', async () => {
  await good.assertNothingElse(mark, { [ours]: 0, [neighbour]: 0 });
});

test.run();
