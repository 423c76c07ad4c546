import { gatewayTopic, limits } from '@loadline/sdk/contract';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Doors, openDoors, ours, type Proof, until, Wire } from '../test-doors.ts';

const test = suite('how the MQTT door ends a link, and what it says');

let doors: Doors;
let proof: Proof;
test.before(async () => {
  doors = await openDoors();
  proof = await doors.prove(ours);
});
test.after(() => doors.close());

const notice = gatewayTopic(ours, 'notice');
const telemetry = gatewayTopic(ours, 'telemetry');

/** Sends it on a link of its own; the notices that came before the link's end. */
async function noticesAfter(send: (wire: Wire) => void): Promise<Record<string, unknown>[]> {
  const wire = await Wire.open(doors, proof, ours);
  send(wire);
  await wire.ended();
  assert.equal(
    wire.packets.filter(({ cmd }) => cmd === 'puback'),
    [],
  );
  return wire.on(notice);
}

/** PUBLISH with QoS 1 as bytes: the library does not write what is forbidden. */
function rawPublish(topic: string, flags = 0x32): Buffer {
  const name = Buffer.from(topic);
  const body = Buffer.concat([Buffer.of(0, name.length), name, Buffer.of(0, 1), Buffer.from('x')]);
  return Buffer.concat([Buffer.of(flags, body.length), body]);
}

test('a topic with a wildcard, or without a name, ends the link with a notice', async () => {
  for (const topic of ['#', 'v1/gw/+/telemetry', `v1/gw/${ours}/#`, '']) {
    const [said, ...more] = await noticesAfter((wire) => wire.socket.write(rawPublish(topic)));
    assert.is(said?.code, 'packet-malformed', topic);
    assert.equal(more, []);
  }
});

test('bytes that are no MQTT end the link with a notice', async () => {
  for (const bytes of [
    rawPublish(telemetry, 0x36),
    Buffer.of(0x32, 4, 0xff, 0xff, 0, 0),
    Buffer.of(0xf0, 0),
  ]) {
    const said = await noticesAfter((wire) => wire.socket.write(bytes));
    assert.equal(
      said.map(({ code }) => code),
      ['packet-malformed'],
      bytes.toString('hex'),
    );
  }
});

test('a packet that is too long ends the link with a notice, at its header', async () => {
  // 1 MiB is announced, and then as much is sent as the other end will take.
  const said = await noticesAfter((wire) => {
    wire.socket.write(Buffer.of(0x32, 0x80, 0x80, 0x40));
    wire.socket.write(Buffer.alloc(limits.mqttPacketBytes));
  });
  assert.equal(
    said.map(({ code }) => code),
    ['packet-too-large'],
  );
});

test('what was published before is still committed and acknowledged, or the link ends first: never a wrong word', async () => {
  const wire = await Wire.open(doors, proof, ours);
  wire.publish(gatewayTopic(ours, 'result'), 'no result', 9);
  await wire.got('puback');
  wire.socket.write(rawPublish('#'));
  await wire.ended();
  assert.equal(
    wire.packets.filter(({ cmd }) => cmd === 'puback').map(({ messageId }) => messageId),
    [9],
  );
});

test('a link whose other end does not read is closed all the same', async () => {
  const wire = await Wire.open(doors, proof, ours);
  wire.socket.pause();
  wire.socket.write(rawPublish('#'));
  await until(() => !doors.mqtt.isConnected(ours), 'the end of the session');
  wire.socket.destroy();
});

test('a gateway that connects again is told so on its older link', async () => {
  const older = await Wire.open(doors, proof, ours);
  const newer = await Wire.open(doors, proof, ours);
  await older.ended();
  assert.equal(
    older.on(notice).map(({ code }) => code),
    ['session-taken-over'],
  );
  assert.ok(doors.mqtt.isConnected(ours));
  newer.socket.destroy();
  await until(() => !doors.mqtt.isConnected(ours), 'the end of the newer link');
});

test('MQTT 3.1 is answered with CONNACK 1 and closed, and 3.1.1 is not', async () => {
  const wire = new Wire({ port: doors.mqtt.port, ca: doors.authorityPem, ...proof });
  wire.connect(ours, 3);
  const [connack] = await wire.got('connack');
  assert.is(connack?.cmd === 'connack' && connack.returnCode, 1);
  await wire.ended();
  assert.is(wire.packets.length, 1);
  assert.not.ok(doors.mqtt.isConnected(ours));
  (await Wire.open(doors, proof, ours)).socket.destroy();
});

test('before the CONNACK there is no way to say why: a will, and a CONNECT that is too long, end the link', async () => {
  const cases: ((wire: Wire) => void)[] = [
    (wire) =>
      wire.send({
        cmd: 'connect',
        clientId: ours,
        clean: true,
        keepalive: 30,
        protocolId: 'MQTT',
        protocolVersion: 4,
        will: { topic: telemetry, payload: Buffer.from('x'), qos: 0, retain: false },
      }),
    (wire) => wire.connect('x'.repeat(limits.mqttConnectBytes)),
  ];
  for (const say of cases) {
    const wire = new Wire({ port: doors.mqtt.port, ca: doors.authorityPem, ...proof });
    say(wire);
    await wire.ended();
    assert.equal(wire.packets, []);
  }
});

test('nothing of it was an error of the cloud', () => {
  assert.equal(
    doors.lines.filter(
      ({ event }) => /failed|overdue|committed/.test(event) && event !== 'mqtt-connection-failed',
    ),
    [],
  );
});

test.run();
