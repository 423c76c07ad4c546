import { readdir } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { testRelease } from './test-releases.ts';
import { TestGateway, target } from './test-updates.ts';

const test = suite('an offer while another one is fetched');

const noise = () => Buffer.from(Array.from({ length: 100_000 }, () => Math.floor(Math.random() * 256)));
const shared = noise();
const first = testRelease('0.2.0', target, { 'bin/node': shared, 'gateway.mjs': noise() });
const second = testRelease('0.3.0', target, { 'bin/node': shared, 'gateway.mjs': noise() });

/** One is pinned, and another a moment later: a person who thinks better of it, or a rollout beside a pin. */
const offerOf = (release: string, digit: string) =>
  Buffer.from(
    JSON.stringify({ version: 1, offer: { id: `${digit}b6a3c1e-7d9f-4d0e-9c54-3f1f0b8f1a11`, release } }),
  );

// What is under way then: the trust of the first, its bytes, anything between.
for (const pause of [0, 2, 5, 10, 20, 40]) {
  test(`is fetched in its place ${pause} ms later, and nothing of the first is in its way`, async () => {
    const gateway = await TestGateway.open(first, second);
    try {
      const updates = await gateway.start('factory');
      updates.received(offerOf('0.2.0', '0'));
      await delay(pause);
      updates.received(offerOf('0.3.0', '1'));
      const limit = performance.now() + 20_000;
      while (updates.status().progress.state === 'downloading' && performance.now() < limit) await delay(5);
      assert.equal(
        [updates.status().progress.state, gateway.logged.filter((line) => /not-fetched/.test(line))],
        ['installing', []],
      );
      assert.is((await readdir(gateway.layout.staging.blobs)).length, 2);
    } finally {
      await gateway.close();
    }
  });
}

test.run();
