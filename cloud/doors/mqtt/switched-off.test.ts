import { gatewayTopic } from '@loadline/sdk/contract';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openDoors, ours, until, Wire } from '../test-doors.ts';

/** What the product promises: milliseconds from the end of a credential to the end of its links. */
const promisedMilliseconds = 2000;

test('a gateway that is switched off loses its link within 2 s, comes back only when it is on again', async () => {
  const doors = await openDoors();
  try {
    const proof = await doors.prove(ours);
    const wire = await Wire.open(doors, proof, ours);
    await doors.organisation.patchDevice({ device: ours, body: { enabled: false } });
    const isOver = () => wire.socket.destroyed || wire.socket.readableEnded;
    await until(isOver, 'the end of the link', promisedMilliseconds);
    const [notice] = wire.on(gatewayTopic(ours, 'notice'));
    assert.is(notice?.code, 'device-disabled');
    const refused = new Wire({ port: doors.mqtt.port, ca: doors.authorityPem, ...proof });
    refused.connect(ours);
    const [connack] = await refused.got('connack');
    assert.is(connack?.cmd === 'connack' && connack.returnCode, 5);
    await doors.organisation.patchDevice({ device: ours, body: { enabled: true } });
    (await Wire.open(doors, proof, ours)).socket.destroy();
  } finally {
    await doors.close();
  }
});

test.run();
