import { gatewayTopic, limits } from '@loadline/sdk/contract';
import { type Entry, encodeBatch } from '@loadline/sdk/telemetry';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Doors, openDoors, ours, Wire } from '../doors/test-doors.ts';
import { checkLedgers } from '../store/index.ts';

const test = suite('how long readings are kept');
const day = 86_400_000;

let doors: Doors;
test.before(async () => {
  doors = await openDoors();
});
test.after(() => doors.close());
test.after.each(() => {
  doors.clock.offset = 0;
});

let messageId = 0;

/** Delivers readings of two tags, an hour apart, the first of them `days` ago. */
async function deliver(days: number, readings: number): Promise<void> {
  messageId += 1;
  const wire = await Wire.open(doors, await doors.prove(ours), ours);
  const wall = Date.now() - days * day;
  const entries: Entry[] = [{ kind: 'anchor', monotonic: 0, wall, uncertainty: 1 }];
  for (let at = 0; at < readings; at++) {
    for (const tag of [1, 2]) {
      entries.push({
        ...{ kind: 'reading', port: 'radio', base: 1, tag, aspect: 'heard', calibration: undefined },
        monotonic: at * 3_600_000,
        value: { type: 'uint8', value: at },
        ...{ flags: 0, status: 0, quality: { kind: 'none' } },
      } as Entry);
    }
  }
  const [epoch, boot] = [messageId, messageId].map((n) => n.toString(16).padStart(32, '0'));
  const header = { epoch: epoch as string, boot: boot as string, parent: undefined, oldest: 0, first: 0 };
  const payload = Buffer.from(encodeBatch({ ...header, dropped: [] }, entries));
  const topic = gatewayTopic(ours, 'telemetry');
  wire.send({ cmd: 'publish', topic, payload, qos: 1, messageId, retain: false, dup: false });
  await wire.got('puback');
  wire.socket.destroy();
  await doors.store.merge();
}

const series = (name: string) => doors.organisation.getSeries({ device: ours, series: name });
const ledger = async () => (await doors.organisation.getOrganisationLedger()).readings;

test('without a word, readings are kept for ever', async () => {
  await deliver(400, 10);
  await doors.retention.expire();
  assert.equal([(await ledger()).stored, (await ledger()).expired], [20, 0]);
});

test("what is older than the organisation keeps goes, and a series' own word goes before that", async () => {
  await deliver(1, 5);
  const kept = await doors.organisation.patchSeries({
    device: ours,
    series: '0002',
    body: { retentionDays: 1000 },
  });
  assert.is(kept.retentionDays, 1000);
  await doors.organisation.patchOrganisation({ body: { readingsDays: 30 } });
  await doors.retention.expire();
  assert.equal([(await series('0001')).count, (await series('0002')).count], [5, 15]);
  const { stored, expired } = await ledger();
  assert.equal([stored, expired], [30, 10]);
  const changed = await doors.organisation.patchSeries({
    device: ours,
    series: '0002',
    body: { retentionDays: null },
  });
  assert.is(changed.retentionDays, null);
  await doors.retention.expire();
  assert.is((await series('0002')).count, 5);
  for (const { device, faults } of checkLedgers(doors.database, () => {})) assert.equal(faults, [], device);
});

test('deliveries that were refused are forgotten when their time is over, and stay counted', async () => {
  const wire = await Wire.open(doors, await doors.prove(ours), ours);
  wire.publish(gatewayTopic(ours, 'telemetry'), 'no batch');
  await wire.got('puback');
  wire.socket.destroy();
  const kept = async () => (await doors.organisation.listRejections({ device: ours })).items.length;
  await doors.retention.expire();
  assert.is(await kept(), 1);
  doors.clock.offset = limits.rejectionMilliseconds + 1000;
  await doors.retention.expire();
  doors.clock.offset = 0;
  assert.is(await kept(), 0);
  assert.is((await doors.organisation.getOrganisationLedger()).deliveries.rejected, 1);
});

test.run();
