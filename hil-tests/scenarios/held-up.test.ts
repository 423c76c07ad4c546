// @long
// A gateway that the system does not let run for a while, in the middle of a frame: no frame is lost by it.
import { stallMilliseconds } from '@loadline/sdk/t24';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { counterFrame, countsIn } from './counter.ts';
import { elapsed, Site } from './site.ts';

const test = suite('held up');

const frame = counterFrame(0x3a10, 7);
const half = frame.subarray(0, 9);

let site: Site;

test.before(async () => {
  site = await Site.open();
});

test.after(() => site.close());

/** Sends half a frame and stops the gateway before it gives up the rest; false where this came too late. */
async function stopInMidFrame(): Promise<boolean> {
  const before = performance.now();
  await site.port.write(half);
  // Time to take the half in, and less than it waits for the rest.
  await elapsed(stallMilliseconds / 5);
  process.kill(site.gateway.pid, 'SIGSTOP');
  return performance.now() - before < stallMilliseconds * 0.8;
}

test('a frame whose rest came while the gateway did not run is whole', async () => {
  let lost = 0;
  while (!(await stopInMidFrame())) {
    // This test itself was held up: the half is rightly given up.
    process.kill(site.gateway.pid, 'SIGCONT');
    lost += half.length;
    await site.accountWhere('the half is given up', (account) => account.discardedBytes === lost);
  }
  await site.port.write(frame.subarray(half.length));
  await elapsed(stallMilliseconds * 2);
  process.kill(site.gateway.pid, 'SIGCONT');
  const { frames, discardedBytes } = await site.accountWhere(
    'both halves are accounted for',
    ({ stored }, { ports, readings }) =>
      ports[0]?.bytes === lost + frame.length && ports[0].heldBytes === 0 && stored === readings,
  );
  assert.equal([frames, discardedBytes], [1, lost]);
  assert.equal(countsIn(site.readings()), [7]);
});

test.run();
