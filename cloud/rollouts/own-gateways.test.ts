// What an organisation says of updates costs no other one anything.
import { gatewayTopic } from '@loadline/sdk/contract';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Doors, openDoors, ours, theirs, until, Wire } from '../doors/test-doors.ts';

const test = suite<{ doors: Doors }>('updates of an organisation');
const wires: Wire[] = [];
test.before(async (context) => {
  context.doors = await openDoors();
});
test.after(async ({ doors }) => {
  for (const wire of wires) wire.socket.destroy();
  await doors.close();
});

test('whoever lets his gateways wait has nobody else’s looked at', async ({ doors }) => {
  const { updates } = doors.updating;
  for (const id of [ours, theirs]) {
    const wire = await Wire.open(doors, await doors.prove(id), id);
    await wire.subscribe(gatewayTopic(id, 'update'));
    await until(() => wire.on(gatewayTopic(id, 'update')).length > 0, 'what it is to run');
    wires.push(wire);
  }
  const looked: string[] = [];
  const message = updates.message.bind(updates);
  updates.message = (device) => {
    looked.push(device.id);
    return message(device);
  };
  await doors.organisation.patchOrganisation({ body: { updates: 'paused' } });
  await until(() => looked.includes(ours), 'a look at the gateway of the organisation');
  assert.equal(looked, [ours]);
});

test.run();
