// @long
// What a gateway says besides plain readings: windows, calibrations, derived series, events; and an older gateway.
import { CloudClient, CloudError, type OrganisationClient } from '@loadline/sdk/client';
import { gatewayTopic } from '@loadline/sdk/contract';
import {
  type Entry,
  encodeBatch,
  type ForeignEventCode,
  gatewayEvent,
  type Reading,
} from '@loadline/sdk/telemetry';
import type { MqttClient } from 'mqtt';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { connectGateway, enrolIdentity, type GatewayIdentity } from '../system/mqtt-gateway.ts';
import { type TemporaryCloud, temporaryCloud } from './temporary-cloud.ts';

const test = suite('aspects and events');

const start = Date.now() - 60_000;
const epoch = 'e0'.repeat(16);
const boot = 'b0'.repeat(16);
const calibration = { gain: 0.25, offset: -100 };

let temporary: TemporaryCloud;
let identity: GatewayIdentity;
let gateway: MqttClient;

test.before(async () => {
  temporary = await temporaryCloud();
  identity = await enrolIdentity(temporary.cloud, 'mast');
  gateway = await connectGateway(temporary.cloud.mqttPort, identity);
});

test.after(async () => {
  gateway.end(true);
  await temporary.end();
});

function reading(monotonic: number, value: Reading['value'], over: Partial<Reading> = {}): Reading {
  return {
    kind: 'reading',
    port: 'radio',
    base: 1,
    tag: 0x25df,
    aspect: 'heard',
    calibration,
    monotonic,
    value,
    flags: 0,
    status: 0,
    quality: { kind: 'none' },
    ...over,
  };
}

function ours(): OrganisationClient {
  return temporary.cloud.organisation;
}

/** Values of a series by their time, in a span of ms since 1970. */
async function pointsOf(series: string, span: { from: number; to: number; points: number }) {
  const [from, to] = [new Date(span.from), new Date(span.to)].map((time) => time.toISOString());
  const query = { from: from ?? '', to: to ?? '', points: span.points };
  return (await ours().getReadings({ device: 'mast', series, query })).points;
}

/** Publishes a batch; settles when it is acknowledged. */
async function publish(body: Uint8Array): Promise<void> {
  await gateway.publishAsync(gatewayTopic('mast', 'telemetry'), Buffer.from(body), { qos: 1 });
}

/** Delivers entries of the gateway's epoch. */
async function deliver(first: number, entries: readonly Entry[]): Promise<void> {
  await publish(encodeBatch({ epoch, parent: undefined, boot, oldest: 0, first, dropped: [] }, entries));
}

async function refusal(call: Promise<unknown>): Promise<[number, string]> {
  try {
    await call;
  } catch (error) {
    assert.instance(error, CloudError);
    return [(error as CloudError).status, (error as CloudError).code];
  }
  throw new Error('it was not refused');
}

test('each aspect is a series with physical values, and the raw value can be read beside them', async () => {
  await deliver(0, [
    { kind: 'anchor', monotonic: 0, wall: start, uncertainty: 1 },
    reading(1000, { type: 'int32', value: 400 }),
    reading(2000, { type: 'int32', value: 404 }),
    reading(3000, { type: 'float64', value: 0.5 }, { aspect: 'mean', calibration: undefined }),
    reading(
      4000,
      { type: 'float64', value: 9 },
      { tag: 0xf001, port: 'derived', base: 0, aspect: 'derived', calibration: undefined },
    ),
  ]);
  const { items: all } = await ours().listSeries();
  assert.equal(
    all.map(({ tag, aspect, count, latest }) => [tag, aspect, count, latest?.value, latest?.calibrated]),
    [
      [
        '25DF',
        'heard',
        2,
        { type: 'float64', value: 1 },
        { raw: { type: 'int32', value: 404 }, ...calibration },
      ],
      ['25DF', 'mean', 1, { type: 'float64', value: 0.5 }, null],
      ['F001', 'derived', 1, { type: 'float64', value: 9 }, null],
    ],
  );
  const values = async (series: string) => {
    const range = { from: start, to: start + 60_000, points: 100 };
    return (await pointsOf(series, range)).map(([, value]) => value);
  };
  assert.equal(await values('25DF'), [0, 1]);
  assert.equal(await values('25DF.mean'), [0.5]);
  assert.equal(await values('F001.derived'), [9]);
  assert.equal(await values('F001'), []);
});

test('a calibration changes nothing of what is no number, and its overflow is no number', async () => {
  const latest = async () => (await ours().listSeries()).items[0]?.latest;
  await deliver(5, [reading(5000, { type: 'nonFinite', bits: 0x7fc00001 })]);
  const bad = { type: 'nonFinite', bits: '7fc00001' };
  assert.equal([(await latest())?.value, (await latest())?.calibrated], [bad, { raw: bad, ...calibration }]);
  const huge = { gain: -1e308, offset: 0 };
  await deliver(6, [reading(6000, { type: 'int32', value: 1000 }, { calibration: huge })]);
  assert.equal((await latest())?.value, { type: 'nonFinite', bits: 'ff800000' });
});

test('a name that no series has is not found, and one that none may have is refused', async () => {
  const range = { from: start, to: start + 1, points: 100 };
  for (const series of ['25df', '25DF.heard', '25DF.median', 'zzzz']) {
    const call = pointsOf(series, range);
    assert.equal(await refusal(call), [404, 'not-found'], series);
  }
  for (const series of ['25 DF', '.25DF', 'ü', 'x'.repeat(65)]) {
    const call = pointsOf(series, range);
    assert.equal(await refusal(call), [400, 'request-invalid'], series);
  }
});

test('events come the newest first, page by page, with what they mean', async () => {
  assert.equal(await ours().listEvents({ device: 'mast' }), { items: [], next: null });
  const foreign = { ...gatewayEvent(9000, { code: 'port-open', subject: '', detail: '' }) };
  await deliver(7, [
    gatewayEvent(7000, { code: 'port-lost', subject: 'radio', detail: '/dev/ttyUSB0 is gone' }),
    gatewayEvent(8000, { code: 'sensor-stale', subject: '25DF', detail: '' }),
    { ...foreign, code: 'of-version-9' as ForeignEventCode },
  ]);
  const first = await ours().listEvents({ device: 'mast', query: { limit: 2 } });
  assert.equal(
    first.items.map(({ code, severity, time }) => [code, severity, time]),
    [
      ['of-version-9', null, new Date(start + 9000).toISOString()],
      ['sensor-stale', 'warning', new Date(start + 8000).toISOString()],
    ],
  );
  const rest = await ours().listEvents({ device: 'mast', query: { limit: 2, after: first.next ?? '' } });
  assert.equal(rest, {
    items: [
      {
        time: new Date(start + 7000).toISOString(),
        monotonicMs: 7000,
        epoch,
        number: 7,
        code: 'port-lost',
        severity: 'warning',
        meaning: 'the port was open and its device is gone',
        act: 'plug the adapter in; the port is opened again within a second',
        subject: 'radio',
        detail: '/dev/ttyUSB0 is gone',
      },
    ],
    next: null,
  });
  const { readings } = await ours().getLedger({ device: 'mast' });
  assert.equal([readings.received, readings.stored], [6, 6]);
});

test('events are for those who may read them, and asked for as the API says', async () => {
  assert.equal(await refusal(ours().listEvents({ device: 'nobody' })), [404, 'not-found']);
  for (const after of ['7', '1.2.3', 'x.y']) {
    assert.equal(
      await refusal(ours().listEvents({ device: 'mast', query: { after } })),
      [400, 'request-invalid'],
      after,
    );
  }
  assert.equal(await refusal(ours().listEvents({ device: 'mast', query: { limit: 1001 } })), [
    400,
    'request-invalid',
  ]);
  const { url, authorityPem } = temporary.cloud;
  const nobody = new CloudClient({ url, authorityPem }).organisation(ours().id);
  assert.equal(await refusal(nobody.listEvents({ device: 'mast' })), [401, 'unauthenticated']);
});

test('a restart changes nothing of it', async () => {
  const told = async () => [await ours().listSeries(), await ours().listEvents({ device: 'mast' })];
  const before = await told();
  await temporary.restart(() => {});
  assert.equal(await told(), before);
  gateway = await connectGateway(temporary.cloud.mqttPort, identity);
});

test('a gateway of before, whose batches are of version 1, is understood', async () => {
  const tag = '1B1B';
  // An anchor at 1000 ms and, 7 ms later, a float32 of tag 1B1B: the first example of the format.
  const parts = [
    '8f01 5000112233445566778899aabbccddeeff f6 50ffeeddccbbaa99887766554433221100 010180',
    `8165726164696f 45${tag}010014 02 81420100 821903e80e 84000018fb18e8`,
    '88f6f6f6f6d855449f4e0f3ff6f6f6 81821b000001a1ee565e001832',
  ];
  const wall = 1_795_000_000_000;
  await publish(Buffer.from(parts.join('').replaceAll(' ', ''), 'hex'));
  const range = { from: wall, to: wall + 1000, points: 8 };
  const points = await pointsOf(tag, range);
  assert.equal(points, [[wall + 7, Math.fround(0.5597934)]]);
  assert.is((await ours().listSeries()).items.find((one) => one.tag === tag)?.aspect, 'heard');
});

test.run();
