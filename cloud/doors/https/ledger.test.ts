import { gatewayTopic, limits } from '@loadline/sdk/contract';
import { type Entry, encodeBatch } from '@loadline/sdk/telemetry';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Doors, neighbour, openDoors, ours, Wire } from '../test-doors.ts';

const test = suite('accounts of what was delivered');

let doors: Doors;
test.before(async () => {
  doors = await openDoors();
});
test.after(() => doors.close());

const reading = (monotonic: number): Entry => ({
  ...{ kind: 'reading', port: 'radio', base: 1, tag: 1, aspect: 'heard', calibration: undefined, monotonic },
  ...{ value: { type: 'uint8', value: 1 }, flags: 0, status: 0, quality: { kind: 'none' } },
});

function batch(readings: number): Uint8Array {
  const header = {
    ...{ epoch: 'e0'.repeat(16), boot: 'b0'.repeat(16), parent: undefined, oldest: 0, first: 0, dropped: [] },
  };
  return encodeBatch(
    header,
    Array.from({ length: readings }, (_, at) => reading(at)),
  );
}

test('what was refused for good can be read as it came, by its owner, newest first and in pages', async () => {
  const wire = await Wire.open(doors, await doors.prove(ours), ours);
  const telemetry = gatewayTopic(ours, 'telemetry');
  for (const [index, body] of ['first', 'second', 'third'].entries())
    wire.publish(telemetry, body, index + 1);
  await wire.got('puback', 3);
  wire.socket.destroy();
  const query = { limit: 2 };
  const { items, next } = await doors.organisation.listRejections({ device: ours, query });
  assert.equal(
    items.map(({ channel, code, bytes }) => [channel, code, bytes]),
    [
      ['telemetry', 'batch-malformed', 5],
      ['telemetry', 'batch-malformed', 6],
    ],
  );
  const kept = Date.parse(items[0]?.keptUntil ?? '') - Date.parse(items[0]?.at ?? '');
  assert.is(kept, limits.rejectionMilliseconds);
  const rest = await doors.organisation.listRejections({
    device: ours,
    query: { ...query, after: next ?? '' },
  });
  assert.equal([rest.items.length, rest.next], [1, null]);
  const rejection = rest.items[0]?.id ?? '';
  const { payload } = await doors.organisation.getRejection({ device: ours, rejection });
  assert.is(Buffer.from(payload, 'base64').toString(), 'first');
  const others = await doors.organisation
    .getRejection({ device: neighbour, rejection })
    .catch((error) => error.status);
  assert.is(others, 404);
});

test("an organisation's account is the sum of its devices', and says that it balances", async () => {
  const before = await doors.organisation.getOrganisationLedger();
  const wire = await Wire.open(doors, await doors.prove(neighbour), neighbour);
  const send = (messageId: number) => {
    const payload = Buffer.from(batch(3));
    const topic = gatewayTopic(neighbour, 'telemetry');
    wire.send({ cmd: 'publish', topic, payload, qos: 1, messageId, retain: false, dup: false });
  };
  send(1);
  send(2);
  await wire.got('puback', 2);
  wire.socket.destroy();
  const { deliveries, readings, devices, unbalanced } = await doors.organisation.getOrganisationLedger();
  assert.equal([devices, unbalanced], [2, []]);
  assert.is(deliveries.received - before.deliveries.received, 2);
  assert.equal(
    [readings.received - before.readings.received, readings.stored, readings.duplicate, readings.expired],
    [6, 3, 3, 0],
  );
});

test.run();
