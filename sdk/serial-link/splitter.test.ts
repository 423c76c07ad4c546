import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { decodeFrame, encodeFrame, longestEncoded } from './frame.ts';
import { Splitter } from './splitter.ts';

const test = suite('cutting a stream at its delimiters');

const ping = (transmission: number) => encodeFrame({ kind: 'ping', tag: 1, transmission });

/** The transmissions of the pings that come out of bytes, given in pieces that end where `ends` say. */
function heard(splitter: Splitter, bytes: Uint8Array, ends: readonly number[] = []): number[] {
  const all: number[] = [];
  let from = 0;
  for (const end of [...ends.map((at) => at % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]) {
    for (const piece of splitter.push(bytes.subarray(from, end))) {
      const frame = decodeFrame(piece);
      if (frame.kind === 'ping') all.push(frame.transmission);
      else splitter.isNoise(piece);
    }
    from = end;
  }
  return all;
}

test('frames come out wherever the pieces end, whatever text stands between them', () => {
  const text = fc.oneof(
    fc.constantFrom('', 'raspberrypi login: ', '[   12.345678] usb 1-1: new device\r\n', 'x'.repeat(2000)),
    fc.string(),
  );
  fc.assert(
    fc.property(fc.array(text, { minLength: 1, maxLength: 6 }), fc.array(fc.nat()), (texts, ends) => {
      const bytes = Buffer.concat(texts.flatMap((one, index) => [Buffer.from(one), ping(index)]));
      const splitter = new Splitter();
      assert.equal(
        heard(splitter, bytes, ends),
        texts.map((_, index) => index),
      );
    }),
    { numRuns: 300 },
  );
});

test('what is longer than any frame is thrown away up to the next delimiter, and no more', () => {
  for (const length of [longestEncoded - 1, longestEncoded, longestEncoded + 1, 10 * longestEncoded]) {
    const splitter = new Splitter();
    const long = Buffer.alloc(length, 0x55);
    assert.equal(heard(splitter, Buffer.concat([ping(1), long, ping(2)])), [1, 2]);
    assert.is(splitter.noiseBytes, length);
  }
});

test('the latest noise is kept, 256 bytes of it, and what has no end yet', () => {
  const splitter = new Splitter();
  heard(splitter, Buffer.concat([Buffer.from('first '), ping(1), Buffer.from('login: ')]));
  assert.is(Buffer.from(splitter.noise).toString(), 'first login: ');
  heard(splitter, Buffer.alloc(5000, 0x79));
  assert.is(splitter.noise.length, 256);
  assert.ok(splitter.noise.every((byte) => byte === 0x79));
});

test.run();
