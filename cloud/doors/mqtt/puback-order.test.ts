import { gatewayTopic } from '@loadline/sdk/contract';
import { generate } from 'mqtt-packet';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Doors, openDoors, ours, type Proof, until, Wire } from '../test-doors.ts';

const test = suite('in which order publishes are acknowledged, by the short way and by the broker');

let doors: Doors;
let proof: Proof;
test.before(async () => {
  doors = await openDoors();
  proof = await doors.prove(ours);
});
test.after(() => doors.close());

const flags = { qos: 1, dup: false, retain: false } as const;

/** Publishes that are rejected, and so acknowledged; some of them are the broker's, and so are pings between them. */
function mixed(count: number): Buffer[] {
  return Array.from({ length: count }, (_, index) => {
    const topic = gatewayTopic(ours, index % 5 === 2 ? 'result' : 'telemetry');
    const one = generate({ cmd: 'publish', topic, payload: `no ${index}`, messageId: index + 1, ...flags });
    return index % 3 === 1 ? Buffer.concat([one, generate({ cmd: 'pingreq' })]) : one;
  });
}

function cut(all: Buffer, bytes: number): Buffer[] {
  return Array.from({ length: Math.ceil(all.length / bytes) }, (_, index) =>
    all.subarray(index * bytes, (index + 1) * bytes),
  );
}

/** What was acknowledged, once as many as that are. */
async function acknowledged(wire: Wire, count: number): Promise<readonly unknown[]> {
  const ids = () => wire.packets.filter(({ cmd }) => cmd === 'puback').map(({ messageId }) => messageId);
  await until(() => ids().length >= count, `${count} PUBACKs`);
  return ids();
}

const count = 60;
const packets = mixed(count);
const whole = Buffer.concat(packets);

for (const [how, records] of [
  ['packet for packet', packets],
  ['byte for byte', cut(whole.subarray(0, 400), 1).concat(whole.subarray(400))],
  ['in pieces of 17 bytes', cut(whole, 17)],
  ['in pieces of 1000', cut(whole, 1000)],
  ['all at once', [whole]],
] as const) {
  test(`they come in the order of the publishes, sent ${how}`, async () => {
    const wire = await Wire.open(doors, proof, ours);
    for (const record of records) {
      wire.socket.write(record);
      // In a turn of its own, so that it is read in one too.
      await new Promise((resolve) => setImmediate(resolve));
    }
    const wanted = Array.from({ length: count }, (_, index) => index + 1);
    assert.equal(await acknowledged(wire, count), wanted);
    const pings = () => wire.packets.filter(({ cmd }) => cmd === 'pingresp').length;
    await until(() => pings() === wanted.filter((id) => id % 3 === 2).length, 'an answer to each ping');
    wire.socket.destroy();
    await until(() => !doors.mqtt.isConnected(ours), 'the end of the session');
  });
}

test.run();
