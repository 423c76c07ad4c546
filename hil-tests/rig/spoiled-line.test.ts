import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SpoiledLine } from './spoiled-line.ts';

const test = suite('spoiled line');

const bytes = Uint8Array.from({ length: 200 }, (_, index) => index);

function collector() {
  const pieces: Uint8Array[] = [];
  return {
    sink: {
      async write(piece: Uint8Array) {
        pieces.push(piece);
      },
    },
    all: () => new Uint8Array(Buffer.concat(pieces)),
  };
}

test('with nothing done to it passes everything as it is', async () => {
  const { sink, all } = collector();
  const line = new SpoiledLine(sink, { seed: 1 });
  await line.write(bytes);
  assert.equal(all(), bytes);
  assert.equal(line.counts, { passed: 200, flipped: 0, lost: 0, garbage: 0 });
});

test('a brown-out loses bytes across writes and puts rubbish there; what is around it stays whole', async () => {
  const { sink, all } = collector();
  const line = new SpoiledLine(sink, { seed: 1 });
  line.brownOut({ afterBytes: 5, lostBytes: 10, garbageBytes: 7 });
  await line.write(bytes.subarray(0, 8));
  await line.write(bytes.subarray(8, 12));
  await line.write(bytes.subarray(12));
  const out = all();
  assert.equal(out.subarray(0, 5), bytes.subarray(0, 5));
  assert.equal(out.subarray(12), bytes.subarray(15));
  assert.equal(line.counts, { passed: 190, flipped: 0, lost: 10, garbage: 7 });
});

test('flips one bit of some bytes, the same ones for the same seed, until it is told to stop', async () => {
  const spoil = async (seed: number) => {
    const { sink, all } = collector();
    const line = new SpoiledLine(sink, { seed });
    line.flipBits(0.1);
    await line.write(bytes);
    line.flipBits(0);
    await line.write(bytes);
    return { out: all(), counts: line.counts };
  };
  const [one, same, other] = await Promise.all([spoil(1), spoil(1), spoil(2)]);
  assert.equal(one, same);
  assert.not.equal(one.out, other.out);
  const differences = [...one.out.subarray(0, 200)].map((byte, index) => byte ^ index).filter(Boolean);
  assert.is(differences.length, one.counts.flipped);
  assert.ok(differences.length > 5 && differences.length < 50);
  assert.ok(differences.every((bits) => (bits & (bits - 1)) === 0));
  assert.equal(one.out.subarray(200), bytes);
});

test.run();
