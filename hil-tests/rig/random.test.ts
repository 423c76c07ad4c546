import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SeededRandom } from './random.ts';

const test = suite('random');

test('is the same for the same seed', () => {
  const draw = () => {
    const random = new SeededRandom(7);
    return [random.uniform(), random.integer(1, 6), random.normal(), ...random.bytes(3)];
  };
  assert.equal(draw(), draw());
});

test('the first numbers of neighbouring seeds are spread as any others are', () => {
  for (let place = 0; place < 4; place++) {
    const tenths = new Array(10).fill(0);
    for (let seed = 1; seed <= 1000; seed++) {
      const random = new SeededRandom(seed);
      for (let skipped = 0; skipped < place; skipped++) random.uniform();
      tenths[Math.floor(random.uniform() * 10)] += 1;
    }
    assert.ok(
      tenths.every((count) => count > 60 && count < 140),
      `number ${place}: ${tenths}`,
    );
  }
});

test.run();
