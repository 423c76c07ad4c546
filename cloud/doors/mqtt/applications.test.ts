import { createHash, randomBytes } from 'node:crypto';
import { applicationEvents, applicationReadings, gatewayTopic, limits } from '@loadline/sdk/contract';
import { createAuthority, generateKeyPair, softwareSigner } from '@loadline/sdk/identity';
import { type Entry, encodeBatch } from '@loadline/sdk/telemetry';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Doors, neighbour, openDoors, ours, type Proof, theirs, until, Wire } from '../test-doors.ts';

const test = suite('applications at the MQTT door');

type Wanted = Parameters<Doors['organisation']['createApplicationKey']>[0]['body'];
type Key = Awaited<ReturnType<typeof makeKey>>;

let doors: Doors;
const proofs = new Map<string, Proof>();

test.before(async () => {
  doors = await openDoors();
  for (const id of [ours, neighbour, theirs]) proofs.set(id, await doors.prove(id));
});
test.after(() => doors.close());

const inOurs = (rest: string) => `v1/org/first/${rest}`;
const notice = inOurs('notice');
let made = 0;

async function makeKey(wanted: Partial<Wanted> = {}, devices: string[] | null = null) {
  made += 1;
  const application = await doors.organisation.createApplication({
    body: { name: `application ${made}`, devices },
  });
  const { id, secret } = await doors.organisation.createApplicationKey({
    application: application.id,
    body: { name: 'key', ...wanted },
  });
  return { application: application.id, id, secret };
}

function say(key: { id: string; secret: string }, clientId = 'program-1', over: object = {}): Wire {
  const wire = new Wire({ port: doors.mqtt.port, ca: doors.authorityPem });
  connect(wire, key, clientId, over);
  return wire;
}

function connect(wire: Wire, key: { id: string; secret: string }, clientId = 'program-1', over = {}): void {
  wire.send({
    cmd: 'connect',
    clientId,
    clean: true,
    keepalive: 30,
    protocolId: 'MQTT',
    protocolVersion: 4,
    username: key.id,
    password: Buffer.from(key.secret),
    ...over,
  });
}

/** The return code of a CONNECT, and its link's end where it is not 0. */
async function connackOf(wire: Wire): Promise<number | undefined> {
  const [connack] = await wire.got('connack');
  const code = connack?.cmd === 'connack' ? connack.returnCode : undefined;
  if (code !== 0) await wire.ended();
  return code;
}

async function open(key: Key, clientId?: string): Promise<Wire> {
  const wire = say(key, clientId);
  assert.is(await connackOf(wire), 0);
  return wire;
}

async function following(wanted: Partial<Wanted>, ...filters: string[]) {
  const wire = await open(await makeKey(wanted));
  assert.equal(
    await wire.subscribe(...filters.map(inOurs)),
    filters.map(() => 1),
  );
  return wire;
}

/** A run of a gateway: readings of these tags and an event, with the time they were at. */
let runs = 0;
async function deliver(id: string, tags: readonly number[], event?: string): Promise<void> {
  runs += 1;
  const name = (what: string) => createHash('md5').update(`${what} ${runs}`).digest('hex');
  const entries: Entry[] = [
    { kind: 'anchor', monotonic: 0, wall: Date.now() - 1000, uncertainty: 1 },
    ...tags.map(
      (tag): Entry => ({
        kind: 'reading',
        port: 'radio',
        base: 1,
        tag,
        aspect: 'heard',
        calibration: undefined,
        monotonic: 10,
        value: { type: 'float32', value: 12.5 },
        flags: 0,
        status: 0,
        quality: { kind: 'none' },
      }),
    ),
    ...(event === undefined
      ? []
      : [{ kind: 'event', monotonic: 20, code: event, subject: '25DF', detail: 'x' } as Entry]),
  ];
  const header = {
    epoch: name('epoch'),
    boot: name('boot'),
    parent: undefined,
    oldest: 0,
    first: 0,
    dropped: [],
  };
  const wire = await Wire.open(doors, proofs.get(id) as Proof, id);
  wire.send({
    cmd: 'publish',
    topic: gatewayTopic(id, 'telemetry'),
    payload: Buffer.from(encodeBatch(header, entries)),
    qos: 1,
    messageId: 1,
    retain: false,
    dup: false,
  });
  await wire.got('puback');
  wire.socket.destroy();
}

const published = (wire: Wire) =>
  wire.packets.flatMap((one) =>
    one.cmd === 'publish' ? [{ topic: one.topic, text: String(one.payload) }] : [],
  );

test('it hears the readings and the events of the devices of its organisation, as they are committed', async () => {
  const wire = await following({}, 'devices/+/readings', 'devices/#');
  await deliver(theirs, [0x25df], 'sensor-stale');
  await deliver(ours, [0x25df], 'sensor-stale');
  const reading = applicationReadings.parse(await wire.heard(inOurs(`devices/${ours}/readings`)));
  assert.equal(
    [reading.device, reading.tag, reading.aspect, reading.points.map(([, value]) => value)],
    [ours, '25DF', 'heard', [12.5]],
  );
  const { device, events } = applicationEvents.parse(await wire.heard(inOurs(`devices/${ours}/events`)));
  assert.equal(
    [device, events.map(({ code, subject }) => [code, subject])],
    [ours, [['sensor-stale', '25DF']]],
  );
  assert.ok(Math.abs(Number(events[0]?.time) - Date.now()) < 60_000);
  assert.ok(events[0]?.severity);
  assert.equal(new Set(published(wire).map(({ topic }) => topic.split('/')[2])), new Set(['first']));
  // Two subscriptions match: it is told once all the same.
  assert.is(wire.on(inOurs(`devices/${ours}/readings`)).length, 1);
  for (const one of wire.packets) if (one.cmd === 'publish') assert.is(one.qos, 0);
  wire.socket.destroy();
});

test('the devices and tags of its key are all it hears of, whatever it subscribes to', async () => {
  const wire = await following({ devices: [ours], tags: ['25DF'] }, '#');
  const all = await following({}, '#');
  await deliver(neighbour, [0x25df], 'sensor-stale');
  await deliver(ours, [0x25de, 0x25df], 'sensor-stale');
  await all.heard(inOurs(`devices/${ours}/readings`), 2);
  await all.heard(inOurs(`devices/${ours}/events`));
  const heard = published(wire).filter(({ topic }) => topic.endsWith('readings'));
  assert.equal(
    heard.map(({ text }) => JSON.parse(text).tag),
    ['25DF'],
  );
  assert.equal(wire.on(inOurs(`devices/${neighbour}/readings`)), []);
  assert.equal(wire.on(inOurs(`devices/${neighbour}/events`)), []);
  // Events are of whole devices.
  assert.equal(wire.on(inOurs(`devices/${ours}/events`)), []);
  for (const one of [wire, all]) one.socket.destroy();
});

test('a subscription that is not covered by a filter of its key is refused', async () => {
  const wire = await open(await makeKey({ topics: [`devices/${ours}/#`, 'devices/+/events'] }));
  const filters = [
    `devices/${ours}/readings`,
    `devices/${ours}/+`,
    `devices/${ours}/#`,
    `devices/${neighbour}/events`,
    'devices/+/events',
    'notice',
  ];
  assert.equal(await wire.subscribe(...filters.map(inOurs)), [1, 1, 1, 1, 1, 1]);
  const refused = [
    '#',
    'devices/#',
    'devices/+/+',
    'devices/+/#',
    'devices/+/readings',
    `devices/${neighbour}/readings`,
  ];
  assert.equal(
    await wire.subscribe(...refused.map(inOurs)),
    refused.map(() => 128),
  );
  await deliver(neighbour, [0x25df], 'sensor-stale');
  await wire.heard(inOurs(`devices/${neighbour}/events`));
  assert.equal(wire.on(inOurs(`devices/${neighbour}/readings`)), []);
  wire.socket.destroy();
});

test('what lies outside is refused: other organisations, gateways, the broker’s own, shared subscriptions', async () => {
  const wire = await open(await makeKey());
  const outside = [
    '#',
    '+/+/+/#',
    'v1/#',
    'v1/org/#',
    'v1/org/+/devices/#',
    'v1/org/second/#',
    `v1/org/second/devices/${theirs}/readings`,
    inOurs(`devices/${theirs}/readings`),
    inOurs('devices/no-such-device/readings'),
    gatewayTopic(ours, 'telemetry'),
    gatewayTopic(ours, 'command'),
    '$SYS/#',
    '$SYS/+/new/clients',
    '$share/g/v1/org/first/#',
  ];
  assert.equal(
    await wire.subscribe(...outside),
    outside.map(() => 128),
  );
  await deliver(ours, [0x25df]);
  wire.send({ cmd: 'pingreq' });
  await wire.got('pingresp');
  assert.equal(published(wire), []);
  wire.socket.destroy();
});

test('it may not publish: its link ends with a notice, and nobody hears it', async () => {
  const key = await makeKey();
  for (const topic of [
    gatewayTopic(ours, 'telemetry'),
    inOurs(`devices/${ours}/readings`),
    notice,
    '$SYS/x',
  ]) {
    const wire = await open(key);
    wire.publish(topic, 'x');
    await wire.ended();
    assert.is(wire.on(notice)[0]?.code, 'topic-forbidden', topic);
    assert.equal(
      wire.packets.filter(({ cmd }) => cmd === 'puback'),
      [],
    );
  }
});

test('a wrong secret, an unknown key, one of another shape, and none at all get in alike: not at all', async () => {
  const key = await makeKey();
  const other = await makeKey();
  const wrong = { id: key.id, secret: other.secret };
  const unknown = { id: `app_${'A'.repeat(24)}`, secret: other.secret };
  for (const one of [wrong, unknown]) assert.is(await connackOf(say(one)), 5);
  for (const one of [
    { id: 'root', secret: 'root' },
    { id: key.id, secret: '' },
    { id: `${key.id}\n`, secret: key.secret },
    { id: 'x'.repeat(1500), secret: 'y' },
    { id: `${key.id}:${ours}`, secret: key.secret },
  ]) {
    assert.is(await connackOf(say(one)), 4, one.id.slice(0, 60));
  }
  assert.is(await connackOf(say(key, 'c', { username: undefined, password: undefined })), 5);
  const lines = JSON.stringify(doors.lines);
  for (const secret of [key.secret, other.secret, 'root']) assert.not(lines.includes(secret));
});

test('a CONNECT that is too long, has a will, is of another version, or is garbage ends as a gateway’s would', async () => {
  const key = await makeKey();
  for (const wire of [
    say({ id: 'x'.repeat(limits.mqttConnectBytes), secret: 'y' }),
    say(key, 'c', { will: { topic: notice, payload: Buffer.from('x'), qos: 0, retain: false } }),
  ]) {
    await wire.ended();
    assert.equal(wire.packets, []);
  }
  assert.is(await connackOf(say(key, 'c', { protocolVersion: 3, protocolId: 'MQIsdp' })), 1);
  for (const bytes of ['00', 'ffffffffff', '10ffffffff7f', '300500', '10020000', '82050001000161']) {
    const wire = new Wire({ port: doors.mqtt.port, ca: doors.authorityPem });
    wire.socket.write(Buffer.from(bytes, 'hex'));
    wire.socket.end();
    await wire.ended();
    assert.equal(wire.packets, [], bytes);
  }
});

test('a client id is of a safe alphabet, and that of a gateway takes nothing from it', async () => {
  const key = await makeKey();
  for (const clientId of ['', 'a b', 'a/b', '#', 'é', 'x'.repeat(65), `${key.id}:x`]) {
    assert.is(await connackOf(say(key, clientId)), 2, clientId);
  }
  const gateway = await Wire.open(doors, proofs.get(ours) as Proof, ours);
  const other = await makeKey();
  const wires = [await open(key, ours), await open(other, ours)];
  for (const wire of [gateway, ...wires]) {
    wire.send({ cmd: 'pingreq' });
    await wire.got('pingresp');
    wire.socket.destroy();
  }
});

test('a key has several links, an older one of the same client id ends, and there are not too many', async () => {
  const key = await makeKey();
  const first = await open(key, 'a');
  const second = await open(key, 'a');
  await first.ended();
  assert.is(first.on(notice)[0]?.code, 'session-taken-over');
  const others = await Promise.all(
    Array.from({ length: limits.applicationLinks - 1 }, (_, index) => open(key, `b-${index}`)),
  );
  assert.is(await connackOf(say(key, 'one-too-many')), 5);
  const again = await open(key, 'a');
  await second.ended();
  for (const wire of [again, ...others]) wire.socket.destroy();
});

test('a link subscribes so often and no more', async () => {
  const wire = await open(await makeKey());
  const filters = Array.from({ length: limits.applicationSubscriptions + 5 }, (_, n) =>
    inOurs(`${'+/'.repeat(2)}${n % 2 === 0 ? 'readings' : 'events'}`.replace('+', n < 2 ? '+' : 'devices')),
  );
  const distinct = [...new Set(filters)];
  assert.equal(
    await wire.subscribe(...distinct),
    distinct.map(() => 1),
  );
  wire.socket.destroy();
});

const ends: Record<string, (key: Key) => Promise<unknown>> = {
  'its key is revoked': ({ application, id }) =>
    doors.organisation.deleteApplicationKey({ application, key: id }),
  'its key is switched off': ({ application, id }) =>
    doors.organisation.patchApplicationKey({ application, key: id, body: { status: 'inactive' } }),
  'its application is deleted': ({ application }) => doors.organisation.deleteApplication({ application }),
};

for (const [what, end] of Object.entries(ends)) {
  test(`when ${what} its link ends within two seconds, with a notice, and others stay`, async () => {
    const [key, other] = [await makeKey(), await makeKey()];
    const [wire, stays] = [await open(key), await open(other)];
    await end(key);
    await until(() => wire.socket.destroyed, 'the end of the link', 2000);
    assert.is(wire.on(notice)[0]?.code, 'credential-ended');
    assert.is(await connackOf(say(key)), 5);
    stays.send({ cmd: 'pingreq' });
    await stays.got('pingresp');
    stays.socket.destroy();
  });
}

test('a key that expires ends its links though nothing has changed', async () => {
  const key = await makeKey({ days: 1 });
  const wire = await open(key);
  doors.clock.offset = 86_400_000;
  await until(() => wire.socket.destroyed, 'the end of the link', 2000);
  assert.is(wire.on(notice)[0]?.code, 'credential-ended');
  doors.clock.offset = 0;
});

test('an application that loses a device hears no more of it, on the links that are open', async () => {
  const key = await makeKey({}, [ours, neighbour]);
  const [wire, all] = [await open(key), await following({}, '#')];
  await wire.subscribe(inOurs('#'));
  await deliver(ours, [0x25df]);
  await wire.heard(inOurs(`devices/${ours}/readings`));
  await doors.organisation.patchApplication({ application: key.application, body: { devices: [neighbour] } });
  const oursHeard = () => wire.on(inOurs(`devices/${ours}/readings`)).length;
  await until(async () => {
    const [before, known, others] = [
      oursHeard(),
      all.on(inOurs(`devices/${ours}/readings`)).length,
      wire.on(inOurs(`devices/${neighbour}/readings`)).length,
    ];
    await deliver(ours, [0x25df]);
    await all.heard(inOurs(`devices/${ours}/readings`), known + 1);
    await deliver(neighbour, [0x25df]);
    await wire.heard(inOurs(`devices/${neighbour}/readings`), others + 1);
    return oursHeard() === before;
  }, 'a delivery that it does not hear');
  for (const one of [wire, all]) one.socket.destroy();
});

test('a follower that does not read holds nobody up, and is told that it missed something, or cut off', async () => {
  const slow = await following({}, `devices/${ours}/readings`);
  const quick = await following({}, `devices/${ours}/readings`);
  slow.socket.pause();
  // More than the kernel's buffers take on both sides.
  const tags = Array.from({ length: 16_000 }, (_, index) => 0x1000 + (index % 80));
  for (let n = 1; n <= 16; n++) {
    await deliver(ours, tags);
    await quick.heard(inOurs(`devices/${ours}/readings`), 80 * n);
  }
  assert.equal(quick.on(notice), []);
  slow.socket.resume();
  await until(async () => {
    if (slow.socket.destroyed || slow.on(notice).some(({ code }) => code === 'messages-skipped')) return true;
    await deliver(ours, [0x1000]);
    return false;
  }, 'a word of what was missed');
  for (const wire of [slow, quick]) wire.socket.destroy();
});

/** A certificate that no authority of ours made. */
async function selfSigned(): Promise<Proof> {
  const { privateKeyPem } = await generateKeyPair();
  const signer = softwareSigner(privateKeyPem);
  const day = 86_400_000;
  const term = { notBefore: Date.now() - day, notAfter: Date.now() + day, serial: randomBytes(16) };
  return { key: privateKeyPem, cert: createAuthority({ commonName: ours, signer, ...term }) };
}

test('a certificate that is not good does not become a key’s link', async () => {
  const proof = await selfSigned();
  const key = await makeKey();
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    const wire = new Wire({ port: doors.mqtt.port, ca: doors.authorityPem, maxVersion, ...proof });
    connect(wire, key);
    await wire.ended();
    assert.equal(wire.packets, []);
  }
  const refused = doors.lines.filter(({ event }) => event === 'mqtt-handshake-refused');
  assert.equal(
    refused.map(({ reason }) => reason),
    ['INVALID_PURPOSE', 'INVALID_PURPOSE'],
  );
});

test('a TLS session that began without a certificate proves nothing when it is resumed', async () => {
  const key = await makeKey();
  const first = say(key);
  let session: Buffer | undefined;
  first.socket.on('session', (ticket) => {
    session = ticket;
  });
  assert.is(await connackOf(first), 0);
  await until(() => session, 'a ticket');
  first.socket.destroy();
  for (const credentials of [{ username: undefined, password: undefined }, { username: ours }]) {
    const second = new Wire({ port: doors.mqtt.port, ca: doors.authorityPem, session });
    let isResumed = false;
    second.socket.on('secureConnect', () => {
      isResumed = second.socket.isSessionReused();
    });
    connect(second, key, ours, credentials);
    assert.ok((await connackOf(second)) !== 0);
    assert.ok(isResumed);
  }
});

test('nothing of it was an error of the cloud', () => {
  assert.equal(
    doors.lines.filter(
      ({ event }) => /failed|overdue|not-asked/.test(event) && event !== 'mqtt-connection-failed',
    ),
    [],
  );
});

test.run();
