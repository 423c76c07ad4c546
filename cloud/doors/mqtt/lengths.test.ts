// What the broker keeps of the lengths of its packets: sdk/mqtt-packet says what is wrong there, and this that it is mended in time.
import './door.ts';

import { writeToStream } from 'mqtt-packet';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

test('the lengths of two packets are kept in one place, whatever was done between them', () => {
  const memories = [1000, 2000].map((length) => {
    const chunks: Uint8Array[] = [];
    const sink = { write: (chunk: Uint8Array) => chunks.push(chunk) > 0 };
    for (let times = 0; times < 100; times++) Buffer.allocUnsafe(2000);
    const packet = {
      cmd: 'publish',
      topic: 'a',
      payload: Buffer.alloc(length),
      qos: 0,
      dup: false,
      retain: false,
    };
    writeToStream(packet as never, sink as never);
    return chunks[1]?.buffer;
  });
  assert.is(memories[0], memories[1]);
});

test.run();
