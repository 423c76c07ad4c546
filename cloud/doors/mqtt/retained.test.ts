// A message with the RETAIN flag (MQTT 3.1.1, section 3.3.1.3): nothing is kept of it at the door.
import { gatewayTopic } from '@loadline/sdk/contract';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openDoors, ours, Wire } from '../test-doors.ts';

const test = suite('a retained message');

test('meets no later subscriber, whatever that subscribes to', async () => {
  const doors = await openDoors();
  const proof = await doors.prove(ours);
  const topic = gatewayTopic(ours, 'result');
  const sender = await Wire.open(doors, proof, ours);
  const retained = { cmd: 'publish', topic, payload: 'kept?', qos: 1, messageId: 1, dup: false } as const;
  sender.send({ ...retained, retain: true });
  await sender.got('puback');
  sender.socket.destroy();

  const later = await Wire.open(doors, proof, ours);
  await later.subscribe(topic, '#', gatewayTopic(ours, 'time'));
  // Answered in order: what was retained would have come before it.
  later.send({ cmd: 'pingreq' });
  await later.got('pingresp');
  assert.equal(
    later.packets.filter((packet) => packet.cmd === 'publish' && packet.topic === topic),
    [],
  );
  later.socket.destroy();
  await doors.close();
});

test.run();
