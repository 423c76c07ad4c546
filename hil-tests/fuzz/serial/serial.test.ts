// Hostile bytes on a radio's line; `npm run fuzz -- serial` puts as many there as one likes.
import { Framer } from '@loadline/sdk/t24';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { fuzzSerial, type LineFramer, poissonBound } from './run.ts';

const test = suite("hostile bytes on a radio's line");

const seed = Number(process.env.LOADLINE_SEED ?? 1);

test('every byte is accounted for, no frame is lost or false, at most one is held', async () => {
  const bytes = 300_000;
  const run = await fuzzSerial({ bytes, seed });
  assert.equal(run.faults, [], `LOADLINE_SEED=${seed}`);
  assert.ok(run.bytes >= bytes && run.frames > 3000, JSON.stringify(run));
  assert.is(Object.keys(run.pieces).length, 12, JSON.stringify(run.pieces));
  assert.ok(run.mostHeld > 60 && run.mostHeld <= 75, `${run.mostHeld}`);
  assert.ok(run.guided.blocks.all > run.guided.blocks.first, JSON.stringify(run.guided));
});

/** Framers that are not in order, and what is said of them. */
const broken: readonly (readonly [string, () => LineFramer, RegExp])[] = [
  ['takes a frame whatever its CRC is', () => new Credulous(), /a frame of other bytes|whose CRC is wrong/],
  ['drops a frame now and then', () => new Forgetful(), /a frame of other bytes|did not come out/],
  ['waits for the end of a frame for ever', () => new Patient(), /bytes are owed|are held after a silence/],
];

for (const [what, newFramer, says] of broken) {
  test(`the control: a framer that ${what} is found out`, async () => {
    const { faults } = await fuzzSerial({ bytes: 200_000, seed, newFramer });
    assert.match(faults[0] ?? 'nothing was found', says);
  });
}

class Credulous extends Framer {
  override push(chunk: Uint8Array) {
    return super.push(chunk).map((one) => {
      if (one.kind === 'frame' || one.reason !== 'crc' || one.bytes.length < 6) return one;
      return { kind: 'frame' as const, base: one.bytes[2] as number, packet: one.bytes.subarray(3, -2) };
    });
  }
}

class Forgetful extends Framer {
  #frames = 0;
  override push(chunk: Uint8Array) {
    return super.push(chunk).filter(({ kind }) => kind === 'discarded' || ++this.#frames % 50 !== 0);
  }
}

class Patient extends Framer {
  override stalled() {
    return [];
  }
}

test('so many false frames as chance has are no fault, and hardly more are one', () => {
  assert.is(poissonBound(0), 1);
  for (const mean of [0.2, 4, 100]) {
    const bound = poissonBound(mean);
    assert.ok(
      bound > mean + 3 * Math.sqrt(mean) && bound < mean + 12 * Math.sqrt(mean) + 12,
      `${mean}: ${bound}`,
    );
  }
});

test.run();
