import type { ConnectionOptions } from 'node:tls';
import { type DeviceChannel, deviceTopic, gatewayTopic, limits } from '@loadline/sdk/contract';
import { encodeBatch, writeSenml } from '@loadline/sdk/telemetry';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Doors, openDoors, ours, until, Wire } from '../test-doors.ts';
import { takeIn } from '../test-software.ts';

type Software = Awaited<ReturnType<typeof takeIn>>;

const test = suite<{ doors: Doors; logger: Software }>('MQTT for devices with a key');

test.before(async (context) => {
  context.doors = await openDoors();
  context.logger = await takeIn(context.doors, 'logger');
});
test.after(({ doors }) => doors.close());

/** A CONNECT of a device; what it answers is in the packets. */
function knock(
  doors: Doors,
  { id, key }: Software,
  claim: Partial<Claimed> = {},
  options: ConnectionOptions = {},
): Wire {
  const wire = new Wire({ port: doors.mqtt.port, ca: doors.authorityPem, ...options });
  const { clientId = id, username = key.id, password = key.secret } = claim;
  wire.send({
    ...{ cmd: 'connect', clientId, clean: true, keepalive: limits.mqttKeepaliveSeconds },
    ...{ protocolId: 'MQTT', protocolVersion: 4, username, password: Buffer.from(password) },
  });
  return wire;
}

interface Claimed {
  readonly clientId: string;
  readonly username: string;
  readonly password: string;
}

async function enter(doors: Doors, device: Software, options: ConnectionOptions = {}): Promise<Wire> {
  const wire = knock(doors, device, {}, options);
  assert.is(await codeOf(wire), 0);
  return wire;
}

async function codeOf(wire: Wire): Promise<number | undefined> {
  const [connack] = await wire.got('connack');
  return connack?.cmd === 'connack' ? connack.returnCode : undefined;
}

function publish(
  wire: Wire,
  channel: DeviceChannel,
  payload: string | Uint8Array,
  { messageId = 1, dup = false, qos = 1 as 0 | 1 | 2, device = 'logger' } = {},
): void {
  wire.send({
    ...{
      cmd: 'publish',
      topic: deviceTopic(device, channel),
      payload: Buffer.from(payload),
      qos,
      dup,
      retain: false,
    },
    ...(qos > 0 && { messageId }),
  });
}

async function stored(
  doors: Doors,
  id = 'logger',
): Promise<{ received: number; stored: number; duplicate: number; rejected: number }> {
  const device = doors.directory.device(id)?.number as number;
  const ledger = await doors.store.read('ledger', { device, limit: 10 });
  assert.ok(ledger);
  return (ledger as NonNullable<typeof ledger>).deliveries;
}

test('delivers in each form, and hears the PUBACK after the commit', async ({ doors, logger }) => {
  const wire = await enter(doors, logger);
  const before = await stored(doors);
  const reading = {
    name: 'wind',
    time: Date.now(),
    value: { type: 'float64', value: 4.25 },
    unit: 'm/s',
  } as const;
  publish(wire, 'json', '{"temp":21.5}', { messageId: 1 });
  publish(wire, 'senml', writeSenml('senml', [reading]), { messageId: 2 });
  publish(wire, 'senml-cbor', writeSenml('senml-cbor', [{ ...reading, time: reading.time + 1 }]), {
    messageId: 3,
  });
  const header = {
    epoch: 'ab'.repeat(16),
    boot: 'cd'.repeat(16),
    parent: undefined,
    oldest: 0,
    first: 0,
    dropped: [],
  };
  const anchor = { kind: 'anchor', monotonic: 5, wall: Date.now(), uncertainty: 1 } as const;
  publish(wire, 'telemetry', encodeBatch(header, [anchor]), { messageId: 4 });
  publish(wire, 'json', '{"temp":21.75}', { qos: 0 });
  const acks = await wire.got('puback', 4);
  assert.equal(
    acks.map((one) => one.cmd === 'puback' && one.messageId),
    [1, 2, 3, 4],
  );
  await until(async () => (await stored(doors)).stored - before.stored === 5, 'five deliveries');
  const { items } = await doors.organisation.listSeries();
  assert.is(items.filter(({ device }) => device === 'logger').length, 2);
  wire.socket.destroy();
});

test('a publish that comes again counts once, as far as it can be known', async ({ doors, logger }) => {
  const wire = await enter(doors, logger);
  const before = await stored(doors);
  publish(wire, 'json', '{"a":1}', { messageId: 7 });
  await wire.got('puback', 1);
  wire.socket.destroy();
  const again = await enter(doors, logger);
  publish(again, 'json', '{"a":1}', { messageId: 7, dup: true });
  await again.got('puback', 1);
  assert.equal(await change(), [1, 1], 'the same packet, the same body');
  publish(again, 'json', '{"a":1}', { messageId: 7 });
  await again.got('puback', 2);
  assert.equal(await change(), [2, 1], 'its id used again: measured twice');
  publish(again, 'json', '{"a":2}', { messageId: 7, dup: true });
  await again.got('puback', 3);
  assert.equal(await change(), [3, 1], 'another body: the first of it was lost');
  publish(again, 'json', '{"a":2}', { messageId: 7, dup: true });
  publish(again, 'json', '{"a":2}', { messageId: 8, dup: true });
  await again.got('puback', 5);
  assert.equal(await change(), [4, 2], 'another id');
  doors.clock.offset += limits.resendMilliseconds;
  publish(again, 'json', '{"a":2}', { messageId: 8, dup: true });
  await again.got('puback', 6);
  assert.equal(await change(), [5, 2], 'longer ago than is remembered');
  doors.clock.offset = 0;
  const timed = '{"a":{"value":1,"timestamp":"2026-11-22T10:00:00Z"}}';
  publish(again, 'json', timed, { messageId: 9 });
  publish(again, 'json', timed, { messageId: 10 });
  await again.got('puback', 8);
  assert.equal(await change(), [6, 3], 'each reading has its time: whatever the packet');
  again.socket.destroy();

  async function change(): Promise<[stored: number, duplicate: number]> {
    const now = await stored(doors);
    return [now.stored - before.stored, now.duplicate - before.duplicate];
  }
});

test('is told on notice what was rejected, and goes on', async ({ doors, logger }) => {
  const wire = await enter(doors, logger);
  const before = await stored(doors);
  publish(wire, 'json', '{"temp":', { messageId: 1 });
  publish(wire, 'senml', '{}', { messageId: 2 });
  publish(wire, 'telemetry', 'x', { messageId: 3 });
  publish(wire, 'json', '{"temp":1}', { messageId: 4 });
  await wire.got('puback', 4);
  await wire.heard(deviceTopic('logger', 'notice'), 3);
  assert.equal(
    wire.on(deviceTopic('logger', 'notice')).map(({ code }) => code),
    ['readings-malformed', 'readings-malformed', 'batch-malformed'],
  );
  const after = await stored(doors);
  assert.equal([after.rejected - before.rejected, after.stored - before.stored], [3, 1]);
  wire.socket.destroy();
});

test('speaks for itself only', async ({ doors, logger }) => {
  await takeIn(doors, 'other');
  const topics = [
    deviceTopic('other', 'json'),
    deviceTopic('nobody', 'json'),
    deviceTopic(ours, 'telemetry'),
    gatewayTopic('logger', 'telemetry'),
    gatewayTopic(ours, 'telemetry'),
    deviceTopic('logger', 'notice'),
    'v1/dev/logger/xml',
    'v1/dev/logger/json/deep',
    'v1/org/first/devices/logger/readings',
    '$SYS/x',
    'x',
  ];
  for (const topic of topics) {
    const wire = await enter(doors, logger);
    wire.publish(topic, '{"a":1}');
    await wire.ended();
    assert.equal(
      wire.packets.filter(({ cmd }) => cmd === 'puback'),
      [],
      topic,
    );
    assert.is(wire.on(deviceTopic('logger', 'notice'))[0]?.code, 'topic-forbidden', topic);
  }
  const wire = await enter(doors, logger);
  assert.equal(await wire.subscribe(deviceTopic('logger', 'notice')), [1]);
  for (const topic of [
    '#',
    '+/dev/logger/notice',
    'v1/dev/+/notice',
    deviceTopic('other', 'notice'),
    deviceTopic('logger', 'json'),
    gatewayTopic(ours, 'notice'),
  ]) {
    assert.equal(await wire.subscribe(topic), [128], topic);
  }
  publish(wire, 'json', '{}', { qos: 2 });
  await wire.ended();
  assert.is((await stored(doors, 'other')).received, 0);
});

test('a gateway keeps to its own subtree, and does not deliver as such a device', async ({ doors }) => {
  const proof = await doors.prove(ours);
  const wire = await Wire.open(doors, proof, ours);
  wire.publish(deviceTopic(ours, 'json'), '{"a":1}');
  await wire.ended();
  assert.is(wire.on(gatewayTopic(ours, 'notice'))[0]?.code, 'topic-forbidden');
});

test('is let in by its own id, key and secret only', async ({ doors, logger }) => {
  const other = await takeIn(doors, 'third');
  const refused: [Partial<Claimed>, number][] = [
    [{ clientId: 'third' }, 2],
    [{ clientId: '' }, 2],
    [{ clientId: ours }, 2],
    [{ password: other.key.secret }, 5],
    [{ username: other.key.id }, 5],
    [{ username: `dev_${'A'.repeat(24)}` }, 5],
    [{ password: logger.token.secret }, 4],
    [{ username: 'logger' }, 4],
    [{ username: '', password: '' }, 4],
  ];
  for (const [claim, code] of refused) {
    const wire = knock(doors, logger, claim);
    assert.is(await codeOf(wire), code, JSON.stringify(Object.keys(claim)));
    wire.socket.destroy();
  }
});

test('has one link: the newer one takes the place of the older, by another of its keys too', async ({
  doors,
  logger,
}) => {
  const body = { kind: 'key', name: 'second' } as const;
  const older = await enter(doors, logger);
  const second = await doors.organisation.createDeviceCredential({ device: 'logger', body });
  const newer = await enter(doors, { ...logger, key: second });
  await older.ended();
  assert.is(older.on(deviceTopic('logger', 'notice'))[0]?.code, 'session-taken-over');
  publish(newer, 'json', '{"a":1}');
  await newer.got('puback');
  Object.assign(logger, { key: second });
  newer.socket.destroy();
});

test('loses its link within two seconds of its key, and of being switched off', async ({ doors }) => {
  const device = await takeIn(doors, 'leaving');
  const ended = async (act: () => Promise<unknown>, code: string) => {
    const wire = await enter(doors, device);
    await act();
    await wire.ended(2000);
    assert.is(wire.on(deviceTopic('leaving', 'notice'))[0]?.code, code);
    const refused = knock(doors, device);
    assert.is(await codeOf(refused), 5);
    refused.socket.destroy();
  };
  const { organisation } = doors;
  await ended(
    () => organisation.patchDevice({ device: 'leaving', body: { enabled: false } }),
    'device-disabled',
  );
  await organisation.patchDevice({ device: 'leaving', body: { enabled: true } });
  const credential = device.key.id;
  await ended(
    () => organisation.deleteDeviceCredential({ device: 'leaving', credential }),
    'credential-ended',
  );
});

test('comes in by ALPN on the HTTPS port, where nobody is asked for a certificate but by MQTT', async ({
  doors,
  logger,
}) => {
  const wire = await enter(doors, logger, { port: doors.https.port, ALPNProtocols: ['mqtt'] });
  assert.is(wire.socket.alpnProtocol, 'mqtt');
  assert.ok(doors.mqtt.isConnected(logger.id));
  publish(wire, 'json', '{"a":1}');
  await wire.got('puback');
  wire.socket.destroy();
});

test('sends packets as long as a batch may be, and no longer', async ({ doors, logger }) => {
  const wire = await enter(doors, logger);
  publish(wire, 'json', Buffer.alloc(limits.mqttPacketBytes));
  await wire.ended();
  assert.is(wire.on(deviceTopic('logger', 'notice'))[0]?.code, 'packet-too-large');
});

test.run();
