import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { World } from '../world.ts';
import { Listening } from './listening.ts';

const test = suite('listening');

async function until(what: () => boolean): Promise<void> {
  for (const limit = Date.now() + 30_000; !what(); ) {
    assert.ok(Date.now() < limit, `waited 30 s in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

test('what is heard is told when the line has taken what was told before, and not behind it', async () => {
  const listening = new Listening({
    world: { clock: { monotonic: () => 0 } } as unknown as World,
    radioPorts: async () => [],
    tap: () => ({ begin: () => () => {}, pathOf: (name) => name }),
  });
  const taken: (() => void)[] = [];
  const end = listening.begin(() => new Promise((resolve) => taken.push(resolve)));
  // A second listener on the same clock shows that the seconds pass.
  let seconds = 0;
  const endOther = listening.begin(async () => {
    seconds++;
  });
  try {
    await until(() => seconds === 3);
    assert.is(taken.length, 1);
    taken[0]?.();
    await until(() => taken.length === 2);
  } finally {
    await end();
    await endOther();
  }
});

test.run();
