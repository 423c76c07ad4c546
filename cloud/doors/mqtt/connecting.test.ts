// What a CONNECT and its certificate may leave out, and what not.
import { X509Certificate } from 'node:crypto';
import { limits } from '@loadline/sdk/contract';
import type { ConnectPacket } from 'aedes';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Doors, openDoors, ours, type Proof, Wire } from '../test-doors.ts';
import { fitConnect } from './connect-packet.ts';

const test = suite('a client that connects');

let doors: Doors;
let proof: Proof;

test.before(async () => {
  doors = await openDoors();
  proof = await doors.prove(ours);
});
test.after(() => doors.close());

const connect = {
  cmd: 'connect',
  clientId: ours,
  clean: true,
  protocolId: 'MQTT',
  protocolVersion: 4,
} as const;

async function returnCode(keepalive: number): Promise<unknown> {
  const wire = new Wire({ port: doors.mqtt.port, ca: doors.authorityPem, ...proof });
  wire.send({ ...connect, keepalive });
  const [connack] = await wire.got('connack');
  wire.socket.destroy();
  return connack?.cmd === 'connack' && connack.returnCode;
}

test('is believed by its own certificate alone, without the one that issued it', async () => {
  assert.is(proof.cert.match(/BEGIN CERTIFICATE/g)?.length, 1);
  assert.not(new X509Certificate(proof.cert).verify(new X509Certificate(doors.authorityPem).publicKey));
  (await Wire.open(doors, proof, ours)).socket.destroy();
});

test('without a keepalive gets the longest there is, so that it is cut when it is gone', async () => {
  const packet = { ...connect, keepalive: 0 } as unknown as ConnectPacket;
  assert.is(fitConnect(packet), undefined);
  assert.is(packet.keepalive, limits.mqttKeepaliveSeconds);
  assert.is(await returnCode(0), 0);
});

test('with a longer one than that is refused', async () => {
  assert.is(await returnCode(limits.mqttKeepaliveSeconds), 0);
  assert.is(await returnCode(limits.mqttKeepaliveSeconds + 1), 6);
});

test('with a key of its own, and the name of a gateway for its client id, does not end the link of that gateway', async () => {
  const gateway = await Wire.open(doors, proof, ours);
  const { id: application } = await doors.organisation.createApplication({
    body: { name: 'a program', devices: null },
  });
  const { id, secret } = await doors.organisation.createApplicationKey({
    application,
    body: { name: 'key' },
  });
  const program = new Wire({ port: doors.mqtt.port, ca: doors.authorityPem });
  program.send({ ...connect, keepalive: 30, username: id, password: Buffer.from(secret) });
  const [connack] = await program.got('connack');
  assert.is(connack?.cmd === 'connack' && connack.returnCode, 0);
  // Whatever the broker does to the older link it has done by the time it answers on both.
  gateway.send({ cmd: 'pingreq' });
  await gateway.got('pingresp');
  assert.ok(doors.mqtt.isConnected(ours));
  for (const { socket } of [program, gateway]) socket.destroy();
});

test.run();
