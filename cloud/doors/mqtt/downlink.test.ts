import { randomUUID } from 'node:crypto';
import { CloudError } from '@loadline/sdk/client';
import { gatewayTopic, limits, upChannels } from '@loadline/sdk/contract';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openConnection } from '../../store/database.ts';
import { type Doors, neighbour, openDoors, ours, type Proof, theirs, until, Wire } from '../test-doors.ts';

const test = suite('what reaches down to a gateway');

let doors: Doors;
let proof: Proof;
let wire: Wire;

test.before(async () => {
  doors = await openDoors();
  proof = await doors.prove(ours);
});
test.after(() => doors.close());
test.before.each(async () => {
  doors.clock.offset = 0;
  wire = await Wire.open(doors, proof, ours);
});
test.after.each(() => void wire.socket.destroy());

const desired = gatewayTopic(ours, 'desired');
const command = gatewayTopic(ours, 'command');
const clock = gatewayTopic(ours, 'clock');
const time = gatewayTopic(ours, 'time');
const result = gatewayTopic(ours, 'result');
const updating = gatewayTopic(ours, 'updating');
/** What a gateway says that has been offered nothing. */
const runs = {
  version: 1,
  running: { release: '1.4.0', slot: 'a', target: 'linux-arm64' },
  offer: null,
  progress: { state: 'idle' },
} as const;
const report = { kind: 'report' } as const;

/** The refusal's status and code. */
async function refusalOf(call: Promise<unknown>): Promise<[number, string]> {
  try {
    await call;
  } catch (error) {
    if (error instanceof CloudError) return [error.status, error.code];
    throw error;
  }
  throw new Error('it was not refused');
}

/** Desires a configuration of a gateway; its revision. */
async function desire(device: string, configuration: Record<string, unknown>): Promise<string> {
  return (await doors.organisation.setDesired({ device, body: { configuration } })).revision;
}

/** Gives our gateway a command; its id. */
async function order(expiresInSeconds = 60): Promise<string> {
  const body = { command: report, expiresInSeconds };
  return (await doors.organisation.createCommand({ device: ours, body })).id;
}

/** What stands in the store of rejections, newest first. */
function rejections(): { channel: string; code: string; payload: string }[] {
  const connection = openConnection(doors.database, 'read');
  const rows = connection.prepare('SELECT channel, code, payload FROM rejection ORDER BY id DESC').all() as {
    channel: string;
    code: string;
    payload: Uint8Array;
  }[];
  connection.close();
  return rows.map((row) => ({ ...row, payload: Buffer.from(row.payload).toString() }));
}

test('a question for the time is answered with the wall clock, and handed back what it said', async () => {
  assert.equal(await wire.subscribe(time), [1]);
  doors.clock.offset = 5 * 86_400_000;
  const before = Date.now() + doors.clock.offset;
  wire.publish(clock, { version: 1, sent: 1234.5 });
  const { version, sent, wall } = await wire.heard(time);
  assert.equal([version, sent], [1, 1234.5]);
  assert.ok(Number(wall) >= before && Number(wall) <= Date.now() + doors.clock.offset);
  await wire.got('puback');
  const answer = wire.packets.find((one) => one.cmd === 'publish');
  assert.is(answer?.cmd === 'publish' && answer.qos, 0);
});

test('nobody may listen to what gateways publish: not even a gateway to its own words', () =>
  wire.subscribe(...upChannels.map((channel) => gatewayTopic(ours, channel))).then((granted) =>
    assert.equal(
      granted,
      upChannels.map(() => 128),
    ),
  ));

test('a question without a subscription gets its PUBACK and no answer', async () => {
  wire.publish(clock, { version: 1, sent: 1 });
  await wire.got('puback');
  assert.equal(wire.on(time), []);
});

test('a PUBACK that needs no commit does not overtake one that does', async () => {
  await wire.subscribe(time);
  const connection = openConnection(doors.database, 'write');
  connection.exec('BEGIN IMMEDIATE');
  wire.publish(result, 'not JSON', 11);
  wire.publish(clock, { version: 1, sent: 1 }, 12);
  // The answer itself waits for nothing.
  await wire.heard(time);
  assert.equal(
    wire.packets.filter(({ cmd }) => cmd === 'puback'),
    [],
  );
  connection.exec('ROLLBACK');
  connection.close();
  const pubacks = await wire.got('puback', 2);
  assert.equal(
    pubacks.map(({ messageId }) => messageId),
    [11, 12],
  );
});

test('what is no question, and what is no result, is rejected with its reason and acknowledged', async () => {
  const cases = [
    [clock, 'clock-malformed', '{"version":1}'],
    [clock, 'clock-malformed', '{"version":1,"sent":-1}'],
    [clock, 'clock-malformed', 'x'.repeat(limits.messageBytes + 1)],
    [result, 'result-malformed', '[]'],
    [result, 'result-malformed', JSON.stringify({ version: 1, id: 'x', outcome: 'done', detail: '' })],
    [updating, 'updating-malformed', '{"version":1,"offer":null}'],
    [updating, 'updating-malformed', JSON.stringify({ ...runs, offer: 'x' })],
    [
      result,
      'command-unknown',
      JSON.stringify({ version: 1, id: randomUUID(), outcome: 'done', detail: '' }),
    ],
  ] as const;
  for (const [index, [topic, , payload]] of cases.entries()) wire.publish(topic, payload, index + 1);
  await wire.got('puback', cases.length);
  const kept = rejections();
  for (const [topic, code, payload] of cases) {
    const found = kept.find((row) => row.payload === payload);
    assert.equal([found?.code, found?.channel], [code, topic.split('/').at(-1)]);
  }
});

test('a desired configuration reaches a gateway that listens, and one that comes to listen', async () => {
  assert.equal(await doors.organisation.getDesired({ device: neighbour }), {
    desired: null,
    reported: null,
    state: 'none',
  });
  assert.equal(await wire.subscribe(desired), [1]);
  const configuration = { sensors: [{ tag: 'A1', name: 'Hook' }], uplink: { max_delay: 5 } };
  const first = await desire(ours, configuration);
  assert.equal(await wire.heard(desired), { version: 1, revision: first, configuration });
  const second = await desire(ours, {});
  await wire.heard(desired, 2);
  assert.ok(second > first, `${second} sorts after ${first}`);
  // Nothing is sent twice on a link unless it is asked for anew.
  const later = await Wire.open(doors, proof, ours);
  await later.subscribe(desired);
  assert.equal(await later.heard(desired), { version: 1, revision: second, configuration: {} });
  later.send({ cmd: 'unsubscribe', messageId: 3, unsubscriptions: [desired] });
  await later.got('unsuback');
  await desire(ours, { a: 1 });
  await later.subscribe(desired);
  await later.heard(desired, 2);
  assert.equal(
    later.on(desired).map(({ configuration: one }) => one),
    [{}, { a: 1 }],
  );
  const sent = later.packets.find((one) => one.cmd === 'publish');
  assert.is(sent?.cmd === 'publish' && sent.qos, 1);
  later.socket.destroy();
});

test('revisions sort in the order they were made, also where the clock was set back', async () => {
  const revisions: string[] = [];
  for (const offset of [0, 60_000, -86_400_000, 0]) {
    doors.clock.offset = offset;
    revisions.push(await desire(ours, { offset }));
  }
  assert.equal([...revisions].sort(), revisions);
  const both = await Promise.all([1, 2, 3].map((at) => desire(ours, { at })));
  assert.is(new Set(both).size, 3);
});

test('what the gateway reported of its configuration is shown beside the desired one', async () => {
  const revision = await desire(ours, { sensors: [] });
  assert.is((await doors.organisation.getDesired({ device: ours })).state, 'waiting');
  const reported = { version: 1, runtime: '1.2.3', sensors: [] };
  const problems = [{ key: 'sensors[0].tag', message: 'not a tag' }];
  for (const [configuration, state] of [
    [{ revision: null, last: { revision, outcome: 'trying', problems: [] } }, 'trying'],
    [{ revision: null, last: { revision, outcome: 'refused', problems } }, 'refused'],
    [{ revision: 'older', last: { revision, outcome: 'rolled-back', problems: [] } }, 'rolled-back'],
    [{ revision }, 'in-force'],
    [{ revision: 'another' }, 'waiting'],
  ] as const) {
    const before = wire.packets.filter(({ cmd }) => cmd === 'puback').length;
    wire.publish(gatewayTopic(ours, 'reported'), { ...reported, configuration });
    await wire.got('puback', before + 1);
    const answer = await doors.organisation.getDesired({ device: ours });
    assert.is(answer.state, state);
    assert.equal(answer.reported, configuration);
    assert.is(answer.desired?.by, 'ann@example.org');
  }
});

test('a configuration that says what only the gateway may, or is too large or deep, is refused', async () => {
  for (const configuration of [
    { gateway: { id: 'other' } },
    { enrolment: {} },
    { drivers: ['./evil.js'] },
    { control: { socket: '/tmp/x' } },
    { uplink: { authority: '/etc/shadow' } },
    { uplink: { proxy: { password_file: '/etc/shadow' } } },
    JSON.parse(`{"a":${'['.repeat(20)}${']'.repeat(20)}}`),
  ]) {
    const [status, code] = await refusalOf(desire(ours, configuration));
    assert.equal([status, code], [400, 'request-invalid'], JSON.stringify(configuration));
  }
  const large = { a: 'x'.repeat(limits.messageBytes - 40) };
  assert.equal(await refusalOf(desire(ours, large)), [413, 'request-invalid']);
  assert.equal(await refusalOf(desire(ours, { ...large, b: 'x'.repeat(5000) })), [413, 'request-invalid']);
});

test('a command is sent at once to a gateway that listens, once a link, and its result is kept', async () => {
  await wire.subscribe(command);
  const id = await order();
  const message = await wire.heard(command);
  assert.equal([message.version, message.id, message.command], [1, id, report]);
  await until(
    async () => (await doors.organisation.getCommand({ device: ours, command: id })).state === 'sent',
    'that it is sent',
  );
  const other = await order();
  await wire.heard(command, 2);
  wire.publish(result, { version: 1, id, outcome: 'refused', detail: 'not now' }, 5);
  await wire.got('puback');
  // A resend changes nothing.
  wire.publish(result, { version: 1, id, outcome: 'done', detail: '' }, 6);
  await wire.got('puback', 2);
  const { state, detail, by, sent, finished } = await doors.organisation.getCommand({
    device: ours,
    command: id,
  });
  assert.equal([state, detail, by], ['refused', 'not now', 'ann@example.org']);
  assert.ok(sent !== null && finished !== null && sent <= finished);
  // On the next link only the one without a result is sent again.
  const later = await Wire.open(doors, proof, ours);
  await later.subscribe(command);
  await later.heard(command);
  await order();
  await later.heard(command, 2);
  assert.is(later.on(command)[0]?.id, other);
  assert.equal(wire.on(command).length, 2);
  for (const [index, { id: open }] of later.on(command).entries()) {
    later.publish(result, { version: 1, id: open, outcome: 'done', detail: '' }, index + 1);
  }
  await later.got('puback', 2);
  assert.equal(
    (await doors.organisation.listCommands({ device: ours })).items.slice(0, 3).map(({ state: one }) => one),
    ['done', 'done', 'refused'],
  );
  later.socket.destroy();
});

test('a command that has expired is not sent any more; a result that comes late all the same is kept', async () => {
  const id = await order(30);
  assert.is((await doors.organisation.getCommand({ device: ours, command: id })).state, 'waiting');
  doors.clock.offset = 31_000;
  assert.is((await doors.organisation.getCommand({ device: ours, command: id })).state, 'expired');
  await wire.subscribe(command);
  const next = await order();
  await wire.heard(command);
  assert.equal(
    wire.on(command).map((one) => one.id),
    [next],
  );
  for (const one of [id, next])
    wire.publish(result, { version: 1, id: one, outcome: 'done', detail: 'late' });
  await wire.got('puback', 2);
  assert.is((await doors.organisation.getCommand({ device: ours, command: id })).state, 'done');
});

test('so many commands may wait and no more', async () => {
  // None expires meanwhile, however long a disk takes for a hundred of them.
  for (let count = 0; count < limits.commandsWaiting; count++) await order(3600);
  assert.equal(await refusalOf(order()), [409, 'too-many-commands']);
  // Those of another gateway are its own.
  await doors.organisation.createCommand({
    device: neighbour,
    body: { command: report, expiresInSeconds: 1 },
  });
  await wire.subscribe(command);
  await wire.heard(command, limits.commandsWaiting);
  doors.clock.offset = 3_601_000;
  await order(1);
  doors.clock.offset = 0;
});

test('a command that the contract does not know is refused', async () => {
  for (const body of [
    { command: { kind: 'reboot' }, expiresInSeconds: 5 },
    { command: { kind: 'transmit', port: 'a', base: 0, to: 1, action: 'wake' }, expiresInSeconds: 5 },
    { command: { kind: 'transmit', port: 'a', base: 1, to: 0xffffff, action: 'wake' }, expiresInSeconds: 5 },
    { command: report, expiresInSeconds: 0 },
    { command: report, expiresInSeconds: limits.commandMilliseconds / 1000 + 1 },
    { command: report },
  ]) {
    const call = doors.organisation.createCommand({ device: ours, body: body as never });
    assert.equal(await refusalOf(call), [400, 'request-invalid'], JSON.stringify(body));
  }
});

test("another organisation's gateway is answered as if it did not exist", async () => {
  const id = randomUUID();
  for (const call of [
    (gateway: string) => doors.organisation.getDesired({ device: gateway }),
    (gateway: string) => desire(gateway, {}),
    (gateway: string) => doors.organisation.listCommands({ device: gateway }),
    (gateway: string) => doors.organisation.getCommand({ device: gateway, command: id }),
    (gateway: string) =>
      doors.organisation.createCommand({ device: gateway, body: { command: report, expiresInSeconds: 5 } }),
  ]) {
    for (const gateway of [theirs, 'nobodys']) {
      assert.equal(await refusalOf(call(gateway)), [404, 'not-found']);
    }
  }
});

test("no gateway hears another's topics, nor settles its commands", async () => {
  const topics = [neighbour, theirs].flatMap((id) => [
    gatewayTopic(id, 'desired'),
    gatewayTopic(id, 'command'),
    gatewayTopic(id, 'time'),
  ]);
  assert.equal(
    await wire.subscribe(...topics),
    topics.map(() => 128),
  );
  const given = { command: report, expiresInSeconds: 60 };
  const { id } = await doors.organisation.createCommand({ device: neighbour, body: given });
  wire.publish(result, { version: 1, id, outcome: 'done', detail: '' });
  await wire.got('puback');
  assert.is((await doors.organisation.getCommand({ device: neighbour, command: id })).state, 'waiting');
  assert.equal(await refusalOf(doors.organisation.getCommand({ device: ours, command: id })), [
    404,
    'not-found',
  ]);
  assert.is(rejections()[0]?.code, 'command-unknown');
});

test.run();
