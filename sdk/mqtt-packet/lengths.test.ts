// What is kept of the lengths of packets does not keep Node's pool of buffers with it.
import './index.ts';

import { writeToStream } from 'mqtt-packet';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

/** A stream that only keeps what was written to it. */
class Sink {
  readonly chunks: Uint8Array[] = [];
  write(chunk: Uint8Array | string): boolean {
    if (typeof chunk !== 'string') this.chunks.push(chunk);
    return true;
  }
}

test('packets of many lengths leave nothing of the pool behind, and their lengths are as MQTT has them', () => {
  const kept = new Set<ArrayBufferLike>();
  for (let length = 100; length < 20_000; length += 100) {
    const sink = new Sink();
    // Between two packets a program does other things with the pool.
    for (let times = 0; times < 40; times++) Buffer.allocUnsafe(2000);
    const payload = Buffer.alloc(length - 3);
    writeToStream({ cmd: 'publish', topic: 'a', payload, qos: 0, dup: false, retain: false }, sink as never);
    const [, bytes] = sink.chunks;
    assert.is(bytes?.length, length < 128 ? 1 : length < 16_384 ? 2 : 3);
    const [low = 0, middle = 0, high = 0] = bytes ?? [];
    assert.is((low & 0x7f) + (middle & 0x7f) * 128 + high * 16_384, length);
    if (length < 16_384 && bytes !== undefined) kept.add(bytes.buffer);
  }
  assert.is(kept.size, 1);
});

test.run();
