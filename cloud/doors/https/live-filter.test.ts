import { CloudError } from '@loadline/sdk/client';
import { gatewayTopic } from '@loadline/sdk/contract';
import { type Entry, encodeBatch } from '@loadline/sdk/telemetry';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Doors, neighbour, openDoors, ours, type Proof, theirs, Wire } from '../test-doors.ts';

const test = suite('what of the live readings is followed');

let doors: Doors;
const proofs = new Map<string, Proof>();

test.before(async () => {
  doors = await openDoors();
  for (const id of [ours, neighbour]) proofs.set(id, await doors.prove(id));
});
test.after(() => doors.close());

/** Delivers one reading of each tag, as another run of the gateway. */
let runs = 0;
async function deliver(id: string, ...tags: number[]): Promise<void> {
  runs += 1;
  const [epoch, boot] = ['e', 'b'].map((kind) => kind.repeat(30) + String(runs).padStart(2, '0')) as [
    string,
    string,
  ];
  const readings = tags.map(
    (tag): Entry => ({
      ...{ kind: 'reading', port: 'radio', base: 1, tag, aspect: 'heard', calibration: undefined },
      ...{
        monotonic: 10,
        value: { type: 'int32', value: tag },
        flags: 0,
        status: 0,
        quality: { kind: 'none' },
      },
    }),
  );
  const body = encodeBatch({ epoch, boot, parent: undefined, oldest: 0, first: 0, dropped: [] }, [
    { kind: 'anchor', monotonic: 0, wall: Date.now(), uncertainty: 1 },
    ...readings,
  ]);
  const wire = await Wire.open(doors, proofs.get(id) as Proof, id);
  wire.send({
    ...{ cmd: 'publish', topic: gatewayTopic(id, 'telemetry'), payload: Buffer.from(body) },
    ...{ qos: 1, messageId: 1, retain: false, dup: false },
  });
  await wire.got('puback');
  wire.socket.destroy();
}

/** `device/tag` of the readings that a follower hears until it hears of `last`. */
async function heard(query: { device?: string; tag?: string }, last: string, then: () => Promise<void>) {
  const stream = await doors.organisation.followReadings({ query });
  await then();
  const found: string[] = [];
  for await (const { event, data } of stream) {
    if (event !== 'readings') continue;
    found.push(...data.map(({ device, tag }) => `${device}/${tag}`));
    if (found.includes(last)) break;
  }
  return found;
}

test('one device, one tag, or both', async () => {
  const all = async () => {
    await deliver(neighbour, 0x25df);
    await deliver(ours, 0x25de);
    await deliver(ours, 0x25df);
  };
  assert.equal(await heard({ device: ours }, `${ours}/25DF`, all), [`${ours}/25DE`, `${ours}/25DF`]);
  assert.equal(await heard({ tag: '25df' }, `${ours}/25DF`, all), [`${neighbour}/25DF`, `${ours}/25DF`]);
  assert.equal(await heard({ device: ours, tag: '25DF' }, `${ours}/25DF`, all), [`${ours}/25DF`]);
});

test('a device of others is none, and neither is one that there is not', async () => {
  for (const device of [theirs, 'nobody']) {
    try {
      await doors.organisation.followReadings({ query: { device } });
      assert.unreachable(device);
    } catch (error) {
      assert.instance(error, CloudError);
      assert.equal([(error as CloudError).status, (error as CloudError).code], [404, 'not-found']);
    }
  }
});

test.run();
