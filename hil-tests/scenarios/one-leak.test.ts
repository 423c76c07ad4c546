// Whatever one device proves itself by, in other hands: it appends readings to that device, at its own door, and opens nothing else.
import { apiPrefix, type Operation, type OperationId, operations, sessionCookie } from '@loadline/sdk/api';
import { socketSecret, writeSignedLine } from '@loadline/sdk/socket';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { addressOf, Caller, freshAddress } from '../inhabited/caller.ts';
import { until } from '../rig/index.ts';
import { enrolmentSecretOf } from '../system/gateway-process.ts';
import { freeSocketPorts } from '../system/index.ts';
import { connects, deviceLink, post, sayLine } from './device-doors.ts';
import { type Credentials, takeInSoftware } from './software-device.ts';
import { type TemporaryCloud, temporaryCloud } from './temporary-cloud.ts';
import { tried } from './thief.ts';

const test = suite('one leak');

type Kind = keyof Credentials;
const kinds: readonly Kind[] = ['token', 'key', 'socket-token', 'socket-key'];
const [device, other, gateway] = ['hut', 'other-hut', 'mast-1'];

let temporary: TemporaryCloud;
let leaked: Credentials;
/** May do everything in the organisation: the control of what is refused. */
let administrator: string;

test.before(async () => {
  temporary = await temporaryCloud({ sockets: freeSocketPorts });
  const { cloud } = temporary;
  await cloud.organisation.patchOrganisation({ body: { sockets: 'all' } });
  leaked = await takeInSoftware(cloud, device);
  await takeInSoftware(cloud, other);
  await enrolmentSecretOf(cloud.organisation, gateway);
  const body = { name: 'control', scopes: ['all.*'], days: 1 };
  administrator = (await cloud.organisation.createToken({ body })).value;
  cloud.service.watchFor(administrator, 'an API token');
  await post(cloud, leaked.token.secret);
});
test.after(() => temporary.end());

/** Something that could stand in a path, of its own device where it is one. */
const parameters: Readonly<Record<string, string>> = {
  organisation: 'first',
  device,
  role: 'viewer',
  key: `app_${'A'.repeat(24)}`,
  block: 'source.AAAAAAAA',
  rejection: '1',
  epoch: 'a'.repeat(32),
  series: 'temp',
};
const uuid = '00000000-0000-4000-8000-000000000000';
const closed = (Object.keys(operations) as OperationId[]).filter((id) => operations[id].opens !== 'public');

/** What each operation that is not for everybody says to somebody with these headers. */
async function atEachOperation(
  headers: Readonly<Record<string, string>>,
  ids: readonly OperationId[] = closed,
): Promise<Record<string, number>> {
  return await tried(temporary.cloud, ids, async (caller, id) => {
    const { method, path }: Operation = operations[id as OperationId];
    const named = { ...parameters, credential: leaked.token.id };
    const of = new Proxy(named, { get: (known, name: string) => known[name as keyof typeof known] ?? uuid });
    const body = method === 'GET' ? {} : { body: '{}' };
    const type: Record<string, string> =
      method === 'GET' ? {} : { 'content-type': 'application/json', 'content-length': '2' };
    const about = { origin: `https://${caller.host}`, ...type, ...headers };
    return (await caller.send({ method, path: addressOf(path, of), headers: about, ...body })).status;
  });
}

test('the REST API, its live stream too, knows none of them: not as a token, a session, a password or a header', async () => {
  assert.ok(closed.length > 80);
  for (const kind of kinds) {
    const { id, secret } = leaked[kind];
    const basic = Buffer.from(`${id}:${secret}`).toString('base64');
    const ways: readonly Readonly<Record<string, string>>[] = [
      { authorization: `Bearer ${secret}` },
      { authorization: `Basic ${basic}`, 'x-auth-token': secret },
      { cookie: `${sessionCookie}=${secret}`, 'x-auth-token': secret },
    ];
    for (const headers of ways) {
      const said = await atEachOperation(headers);
      assert.equal(Object.keys(said), ['401'], `${kind} by ${Object.keys(headers)}: ${JSON.stringify(said)}`);
    }
  }
  // The same requests by who may, of those that change nothing.
  const reading = closed.filter((id) => operations[id].method === 'GET');
  const said = await atEachOperation({ authorization: `Bearer ${administrator}` }, reading);
  assert.is(said['401'], undefined, JSON.stringify(said));
  assert.ok((said['200'] ?? 0) > 10, JSON.stringify(said));
});

const named = [{ name: 'temp', value: 21.5 }];
let counter = 1;

/** What a door says to a credential that is shown there as if it were one of the door's own kind. */
const doors: Readonly<Record<Kind, (shown: { id: string; secret: string }) => Promise<number | string>>> = {
  token: ({ secret }) => post(temporary.cloud, secret),
  key: (shown) => connects(temporary.cloud, shown, device),
  'socket-token': ({ secret }) => sayLine(temporary.cloud, 'tcp', `LL1 ${secret} temp=21.5`),
  'socket-key': ({ id, secret }) => {
    const line = writeSignedLine({ id, secret: socketSecret(secret) }, counter++, named);
    return sayLine(temporary.cloud, 'tcp', line);
  },
};
const open: Readonly<Record<Kind, number | string>> = {
  token: 200,
  key: 'in',
  'socket-token': 'OK 1',
  'socket-key': 'OK 1',
};
const shut: Readonly<Record<Kind, number | string>> = {
  token: 401,
  key: 'refused',
  'socket-token': 'ERR unauthenticated',
  'socket-key': 'ERR unauthenticated',
};

for (const door of kinds) {
  test(`the door of a ${door} takes no other kind, nor the id of one with the secret of another`, async () => {
    assert.is(await doors[door](leaked[door]), open[door]);
    for (const kind of kinds.filter((one) => one !== door)) {
      assert.is(await doors[door](leaked[kind]), shut[door], kind);
      if (door === 'token' || door === 'socket-token') continue;
      assert.is(await doors[door]({ id: leaked[door].id, secret: leaked[kind].secret }), shut[door], kind);
    }
  });
}

test('none is an application’s key, enrols a gateway, or takes the name of another device', async () => {
  const { cloud } = temporary;
  const caller = new Caller({ cloud });
  for (const kind of kinds) {
    for (const clientId of [undefined, other, gateway]) {
      assert.is(await connects(cloud, leaked[kind], clientId), 'refused', `${kind} as ${clientId}`);
    }
    for (const who of [device, gateway]) {
      const authorization = `Basic ${Buffer.from(`${who}:${leaked[kind].secret}`).toString('base64')}`;
      const { status } = await caller.send({
        method: 'POST',
        path: '/.well-known/est/simpleenroll',
        headers: { authorization, 'content-type': 'application/pkcs10' },
        body: 'MIIB',
        address: freshAddress(),
      });
      assert.ok(status >= 400 && status < 500, `${kind} enrols ${who}: ${status}`);
    }
  }
  caller.close();
});

test('a link by a key hears its own notices, and publishes nowhere but below its own name', async () => {
  const { cloud } = temporary;
  const link = await deviceLink(cloud, device, leaked.key);
  const foreign = [
    '#',
    'v1/#',
    'v1/dev/+/notice',
    `v1/dev/${other}/notice`,
    `v1/dev/${device}/#`,
    `v1/dev/${device}/json`,
    `v1/gw/${device}/notice`,
    `v1/gw/${gateway}/desired`,
    `v1/org/first/devices/${device}/readings`,
    'v1/org/first/#',
    '$SYS/#',
  ];
  for (const topic of foreign) {
    const granted = await link.client.subscribeAsync(topic, { qos: 1 }).then(
      ([one]) => one?.qos,
      () => 'refused',
    );
    assert.ok(granted === 128 || granted === 'refused', `${topic}: ${granted}`);
  }
  link.close();
  for (const topic of [
    `v1/dev/${other}/json`,
    `v1/gw/${device}/telemetry`,
    `v1/gw/${gateway}/telemetry`,
    `v1/org/first/devices/${device}/readings`,
    `v1/dev/${device}/notice`,
  ]) {
    const writer = await deviceLink(cloud, device, leaked.key);
    let isAcknowledged = false;
    writer.client.publish(topic, '{"temp":99}', { qos: 1 }, (error) => {
      isAcknowledged = error === undefined || error === null;
    });
    await until(() => writer.ended !== undefined || isAcknowledged, {
      limitMs: 30_000,
      what: `an end: ${topic}`,
    });
    assert.is(isAcknowledged, false, topic);
    assert.match(writer.said, 'topic', topic);
  }
});

test('whatever names another device in a delivery, it is of the one that proved itself', async () => {
  const { cloud } = temporary;
  const caller = new Caller({ cloud });
  const headers = (type: string) => ({
    'x-auth-token': leaked.token.secret,
    'content-type': type,
    'x-device': other,
  });
  const senml = JSON.stringify([{ bn: `urn:dev:ow:${other}/`, n: 'temp', v: 98 }]);
  for (const [path, type, body] of [
    ['/ingest/v1', 'application/senml+json', senml],
    [`/ingest/v1?device=${other}`, 'application/json', `{"device":"${other}","temp":97}`],
    [`/ingest/v1/${other}`, 'application/json', '{"temp":96}'],
    [`${apiPrefix}/organisations/first/devices/${other}/readings`, 'application/json', '{"temp":95}'],
  ] as const) {
    const { status } = await caller.send({ method: 'POST', path, headers: headers(type), body });
    assert.ok(status < 500, `${path}: ${status}`);
  }
  caller.close();
  const { deliveries, readings } = await cloud.organisation.getLedger({ device: other });
  assert.equal([deliveries.received, readings.received], [0, 0]);
  const own = await cloud.organisation.getLedger({ device });
  assert.ok(own.readings.stored >= 4);
});

test.run();
