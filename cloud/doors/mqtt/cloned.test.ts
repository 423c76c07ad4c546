import { randomBytes } from 'node:crypto';
import { encodeBatch } from '@loadline/sdk/telemetry';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openDoors, type Proof, theirs, until, Wire } from '../test-doors.ts';

const test = suite('two gateways with one identity, at the MQTT door');

const newEpoch = () => randomBytes(16).toString('hex');
const doors = await openDoors();
/** The gateway: a new one for each test. */
let ours = '';
let gateways = 0;
let proof: Proof;
test.before.each(async () => {
  ours = `cloned-${++gateways}`;
  await doors.organisation.createDevice({ body: { id: ours } });
  proof = await doors.prove(ours);
});
test.after(() => doors.close());

const topic = (channel: string) => `v1/gw/${ours}/${channel}`;

/** A process of the gateway connects, from one of this machine's own addresses. */
function connect(epoch: string | undefined, localAddress = '127.0.0.1'): Wire {
  const wire = new Wire({
    ...{ host: '127.0.0.1', servername: 'localhost', port: doors.mqtt.port, ca: doors.authorityPem },
    ...{ ...proof, localAddress },
  });
  wire.connect(ours, 4, epoch);
  return wire;
}

async function letIn(epoch: string | undefined, localAddress?: string): Promise<Wire> {
  const wire = connect(epoch, localAddress);
  const [connack] = await wire.got('connack');
  assert.is(connack?.cmd === 'connack' && connack.returnCode, 0);
  assert.ok(Array.isArray(await wire.subscribe(topic('notice'))));
  return wire;
}

/** Codes of the notices it got until its end. */
async function notices(wire: Wire): Promise<unknown[]> {
  await wire.ended();
  return wire.on(topic('notice')).map(({ code }) => code);
}

/** A batch of one event in an epoch. */
function batch(epoch: string, parent: string): Uint8Array {
  const header = { epoch, parent: { epoch: parent, last: 3 }, boot: 'b0'.repeat(16), oldest: 0, first: 0 };
  const event = { kind: 'event', monotonic: 1, code: 'gateway-started', subject: '', detail: 'x' } as const;
  return encodeBatch({ ...header, dropped: [] }, [event]);
}

async function deliver(wire: Wire, epoch: string, parent: string): Promise<void> {
  const payload = Buffer.from(batch(epoch, parent));
  wire.send({
    cmd: 'publish',
    topic: topic('telemetry'),
    payload,
    qos: 1,
    messageId: 1,
    retain: false,
    dup: false,
  });
  await wire.got('puback');
}

async function alarms() {
  await doors.alarms.settled();
  return (await doors.organisation.listAlarms({ query: { device: ours } })).items;
}

test('the link that stands stays; the other is told why once it has its CONNACK, and the alarm has both addresses', async () => {
  const [a, b] = [newEpoch(), newEpoch()];
  const first = await letIn(a, '127.0.0.1');
  const second = await letIn(b, '127.0.0.2');
  assert.equal(await notices(first), ['session-taken-over']);
  assert.equal(await alarms(), []);

  const again = connect(a, '127.0.0.1');
  // As a gateway does: it does not wait for anything but its CONNACK.
  await again.got('connack');
  again.publish(topic('telemetry'), 'x'.repeat(100_000));
  assert.equal(await notices(again), ['identity-contested']);
  assert.is(again.packets.filter(({ cmd }) => cmd === 'puback').length, 0);
  assert.is(second.socket.destroyed, false);
  assert.ok(Array.isArray(await second.subscribe(topic('time'))));

  const [alarm] = await alarms();
  assert.equal(
    [alarm?.device, alarm?.kind, alarm?.times, alarm?.evidence],
    [ours, 'identity-cloned', 1, ['came-back']],
  );
  assert.equal(
    alarm?.epochs.map(({ epoch, source }) => [epoch, source]),
    [
      [b, '127.0.0.2'],
      [a, '127.0.0.1'],
    ],
  );
  assert.ok(
    doors.lines.some(({ event, code }) => event === 'mqtt-client-refused' && code === 'identity-contested'),
  );
});

test('what the refused one publishes is neither taken in nor acknowledged, however fast it is', async () => {
  const [a, b] = [newEpoch(), newEpoch()];
  await letIn(a);
  const standing = await letIn(b);
  const hasty = connect(a);
  const payload = Buffer.from(batch(a, 'f'.repeat(32)));
  hasty.send({
    cmd: 'publish',
    topic: topic('telemetry'),
    payload,
    qos: 1,
    messageId: 1,
    retain: false,
    dup: false,
  });
  await hasty.ended();
  assert.is(hasty.packets.filter(({ cmd }) => cmd === 'puback').length, 0);
  const { deliveries } = await doors.organisation.getLedger({ device: ours });
  assert.is(deliveries.received, 0);
  assert.is(standing.socket.destroyed, false);
});

test('the refused one is let in when the one that stood has taken its leave', async () => {
  const [a, b] = [newEpoch(), newEpoch()];
  await letIn(a);
  const standing = await letIn(b);
  assert.equal(await notices(connect(a)), ['identity-contested']);
  standing.send({ cmd: 'disconnect' });
  await standing.ended();
  await until(() => !doors.mqtt.isConnected(ours), 'the end of that link');
  const back = await letIn(a);
  assert.equal(await notices(connect(b)), ['identity-contested']);
  assert.is(back.socket.destroyed, false);
});

test('a start, another address, another certificate and a half-open link take the place over, and raise nothing', async () => {
  const [a, b] = [newEpoch(), newEpoch()];
  const links = [await letIn(a, '127.0.0.1'), await letIn(a, '127.0.0.2')];
  proof = await doors.prove(ours);
  links.push(await letIn(a, '127.0.0.2'), await letIn(b, '127.0.0.3'), await letIn(b, '127.0.0.1'));
  const last = links.pop();
  for (const link of links) assert.equal(await notices(link), ['session-taken-over']);
  assert.is(last?.socket.destroyed, false);
  assert.equal(await alarms(), []);
});

test('gateways that state no epoch take each other’s place, as they always did', async () => {
  const older = await letIn(undefined);
  const newer = await letIn(newEpoch());
  assert.equal(await notices(older), ['session-taken-over']);
  const again = await letIn(undefined);
  assert.equal(await notices(newer), ['session-taken-over']);
  assert.is(again.socket.destroyed, false);
  assert.equal(await alarms(), []);
});

test('of those, two epochs with one parent raise the alarm at the commit, with the addresses they were delivered from', async () => {
  const [a, b, parent] = [newEpoch(), newEpoch(), newEpoch()];
  await deliver(await letIn(undefined, '127.0.0.1'), a, parent);
  assert.equal(await alarms(), []);
  await deliver(await letIn(undefined, '127.0.0.2'), b, parent);
  const [alarm] = await alarms();
  assert.equal(alarm?.evidence, ['one-parent']);
  assert.equal(
    alarm?.epochs.map(({ epoch, source, boot }) => [epoch, source, boot]),
    [
      [a, '127.0.0.1', 'b0'.repeat(16)],
      [b, '127.0.0.2', 'b0'.repeat(16)],
    ],
  );
});

test('a user name that is none of ours is no key, and no epoch either', async () => {
  const wire = new Wire({ port: doors.mqtt.port, ca: doors.authorityPem, ...proof });
  wire.send({
    ...{ cmd: 'connect', clientId: ours, clean: true, keepalive: 30, protocolId: 'MQTT', protocolVersion: 4 },
    username: 'epoch:not-one',
  });
  const [connack] = await wire.got('connack');
  assert.is(connack?.cmd === 'connack' && connack.returnCode, 0);
});

test('whoever follows the organisation hears of it at once, as far as he may; somebody says that it is seen to', async () => {
  const { organisation } = doors;
  const { id: application } = await organisation.createApplication({ body: { name: 'app', devices: null } });
  const key = async (body: Parameters<typeof organisation.createApplicationKey>[0]['body']) => {
    const { id, secret } = await organisation.createApplicationKey({ application, body });
    const wire = new Wire({ port: doors.mqtt.port, ca: doors.authorityPem });
    wire.send({
      ...{
        cmd: 'connect',
        clientId: id.replaceAll('_', '-'),
        clean: true,
        keepalive: 30,
        protocolId: 'MQTT',
      },
      ...{ protocolVersion: 4, username: id, password: Buffer.from(secret) },
    });
    await wire.got('connack');
    await wire.subscribe('v1/org/first/#');
    return wire;
  };
  const all = await key({ name: 'all' });
  const tagged = await key({ name: 'tagged', tags: ['25DF'] });
  const [a, b] = [newEpoch(), newEpoch()];
  await letIn(a);
  await letIn(b);
  await connect(a).ended();
  const heard = await all.heard(`v1/org/first/devices/${ours}/alarms`);
  const [alarm] = await alarms();
  assert.equal(heard, alarm);
  assert.equal(tagged.on(`v1/org/first/devices/${ours}/alarms`), []);

  const seen = await organisation.patchAlarm({ alarm: alarm?.id ?? '', body: { seen: true } });
  assert.is(seen.seen?.by, doors.login.email);
  assert.equal((await organisation.listAlarms({ query: { device: ours, seen: 'false' } })).items, []);
  assert.equal((await organisation.listAlarms({ query: { device: theirs } })).items, []);
});

test('an event stream tells of it, of the device that is asked for', async () => {
  const { organisation } = doors;
  const streams = await Promise.all(
    [ours, theirs].map((device) => organisation.followReadings({ query: { device } }).catch(() => undefined)),
  );
  // A device of another organisation is none.
  assert.is(streams[1], undefined);
  const [a, b] = [newEpoch(), newEpoch()];
  await letIn(a);
  await letIn(b);
  await connect(a).ended();
  const [alarm] = await alarms();
  for await (const { event, data } of streams[0] ?? []) {
    if (event === 'ping') continue;
    assert.equal([event, data], ['alarm', alarm]);
    break;
  }
});

test.run();
