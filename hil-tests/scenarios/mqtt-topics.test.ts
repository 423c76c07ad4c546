// @long
// A gateway of the fleet that publishes and subscribes where it must not: its own subtree is all there is to it.
import { downChannels, gatewayTopic, upChannels } from '@loadline/sdk/contract';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { enrolIdentity, type GatewayIdentity } from '../system/mqtt-gateway.ts';
import { batchMaker } from './batches.ts';
import { GoodGateway } from './good-gateway.ts';
import { MqttWire, publishPacket, subscribePacket } from './raw-mqtt.ts';
import { openStateDatabase } from './state-database.ts';
import { type TemporaryCloud, temporaryCloud } from './temporary-cloud.ts';

const test = suite('topics at the MQTT door');

/** In every payload that must not get in. */
const mark = 'stranger-was-here-6f1d';
/** Of our organisation, of another one, and nobody's. */
const [ours, neighbour, theirs, nobodys] = ['mast-1', 'mast-2', 'crane-9', 'winch-4'] as const;

let temporary: TemporaryCloud;
let stranger: GatewayIdentity;
let good: GoodGateway;

test.before(async () => {
  temporary = await temporaryCloud();
  await temporary.cloud.organisation.createDevice({ body: { id: neighbour } });
  good = await GoodGateway.enrol(temporary);
  stranger = await enrolIdentity(temporary.cloud, ours);
  await temporary.restart(() => {
    const database = openStateDatabase(temporary.state);
    database.prepare("INSERT INTO organisation (id, name) VALUES ('second', 'Second')").run();
    database.prepare("INSERT INTO device (id, organisation) VALUES (?, 'second')").run(theirs);
    database.close();
  });
});
test.after(async () => {
  good.end();
  await temporary.end();
});

// Whatever one does, the gateway that is in order goes on delivering.
test.after.each(() => good.deliver());

async function connected(): Promise<MqttWire> {
  const { wire, returnCode } = await MqttWire.connect(temporary.cloud, stranger, { clientId: ours });
  assert.is(returnCode, 0);
  return wire;
}

/** Publishes, and expects a notice of that code, the link's end, and no acknowledgement of any kind. */
async function assertPublishRefused(
  publish: Parameters<typeof publishPacket>[0],
  code: string,
): Promise<void> {
  const wire = await connected();
  wire.send(subscribePacket(gatewayTopic(ours, 'notice')));
  await wire.packet('suback');
  wire.send(publishPacket(publish));
  await wire.ended();
  assert.equal(wire.notices(), [code], publish.topic);
  assert.equal(wire.all('puback').concat(wire.all('pubrec')), [], publish.topic);
}

test('a publish in the name of another gateway ends the link, and says the same whoever that is', async () => {
  for (const gateway of [neighbour, 'good-1', theirs, nobodys]) {
    for (const channel of upChannels) {
      await assertPublishRefused({ topic: gatewayTopic(gateway, channel), payload: mark }, 'topic-forbidden');
    }
  }
});

test('a publish outside the contract ends the link', async () => {
  for (const topic of [
    gatewayTopic(ours, 'notice'),
    gatewayTopic(ours, 'desired'),
    gatewayTopic(ours, 'command'),
    `v1/gw/${ours}/telemetry/`,
    `v1/gw/${ours}`,
    `/v1/gw/${ours}/telemetry`,
    `v2/gw/${ours}/telemetry`,
    `v1/gw/../${ours}/telemetry`,
    `v1/GW/${ours}/telemetry`,
    '$SYS/broker/clients',
    '__proto__',
  ]) {
    await assertPublishRefused({ topic, payload: mark }, 'topic-forbidden');
  }
});

test('a publish to a wildcard, to nothing or with QoS 3 is no MQTT: a notice says so, and nothing is acknowledged', async () => {
  for (const publish of [
    { topic: '#' },
    { topic: `v1/gw/${ours}/#` },
    { topic: 'v1/gw/+/telemetry' },
    { topic: '' },
    { topic: gatewayTopic(ours, 'telemetry'), qos: 3 as const },
  ]) {
    const wire = await connected();
    wire.send(publishPacket({ ...publish, payload: mark }));
    await wire.ended();
    assert.equal(wire.notices(), ['packet-malformed'], publish.topic);
    assert.equal(wire.all('puback'), []);
  }
});

test('QoS 2 is refused, in the own subtree too', async () => {
  await assertPublishRefused(
    { topic: gatewayTopic(ours, 'telemetry'), payload: mark, qos: 2 },
    'topic-forbidden',
  );
});

test('subscriptions outside of the own down-link are refused one by one', async () => {
  const refused = [
    '#',
    '+/#',
    'v1/#',
    'v1/gw/+/notice',
    `v1/gw/${ours}/#`,
    `v1/gw/${ours}/+`,
    gatewayTopic(ours, 'telemetry'),
    gatewayTopic(ours, 'result'),
    gatewayTopic(neighbour, 'desired'),
    gatewayTopic(theirs, 'command'),
    gatewayTopic(neighbour, 'time'),
    gatewayTopic('good-1', 'telemetry'),
    gatewayTopic(neighbour, 'notice'),
    gatewayTopic(theirs, 'notice'),
    gatewayTopic(nobodys, 'notice'),
    '$SYS/#',
    '$SYS/+/new/clients',
    '__proto__',
    'constructor',
  ];
  const wire = await connected();
  wire.send(subscribePacket(...refused, ...downChannels.map((channel) => gatewayTopic(ours, channel))));
  const { body } = await wire.packet('suback');
  assert.equal([...body.subarray(2)], [...refused.map(() => 0x80), ...downChannels.map(() => 0)]);
  wire.destroy();
});

test('nothing is retained: what is published with that flag meets no later subscriber', async () => {
  const notice = gatewayTopic(ours, 'notice');
  await assertPublishRefused({ topic: notice, payload: mark, retain: true }, 'topic-forbidden');
  const wire = await connected();
  wire.send(
    publishPacket({
      topic: gatewayTopic(ours, 'telemetry'),
      payload: batchMaker()(),
      retain: true,
      messageId: 9,
    }),
  );
  await wire.packet('puback');
  wire.destroy();
  const later = await connected();
  later.send(subscribePacket(notice, gatewayTopic(ours, 'telemetry'), '#'));
  await later.packet('suback');
  // The broker answers in order: with this one acknowledged, what was retained would have been there before.
  later.send(publishPacket({ topic: gatewayTopic(ours, 'telemetry'), payload: batchMaker()() }));
  await later.packet('puback');
  assert.equal(later.all('publish'), []);
  later.destroy();
});

test('nobody is connected in the end but the gateway that is in order', () => good.alone());

test('nothing of it is in the store, and the good gateway has lost nothing', async () => {
  // Two of the retained kind, in the own name: they are batches like others.
  await good.assertNothingElse(mark, { [ours]: 2, [neighbour]: 0 });
});

test.run();
