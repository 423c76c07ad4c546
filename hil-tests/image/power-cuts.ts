import * as assert from 'uvu/assert';
import { SeededRandom } from '../rig/random.ts';
import type { Ask, EmulatedSite } from './emulated-site.ts';
import type { Rung } from './rung.ts';
import type { Updates } from './updates.ts';

/** A cut falls at most so many milliseconds after the machine was switched on: into its boot, or into what it does then. */
const longest = 150_000;

/**
 * Cuts the power of the machine at random moments, in its boots and while it works, with an update under way. After each cut it
 * has to come back by itself, from the same card.
 */
export async function survivesPowerCuts(
  rung: Rung,
  site: EmulatedSite,
  updates: Updates,
  { cuts, seed }: Ask,
): Promise<void> {
  if (cuts === 0) return;
  const random = new SeededRandom(seed);
  for (let cut = 1; cut <= cuts; cut += 1) {
    await rung.show(`comes back after power cut ${cut}`, async () => {
      // Another release is on its way each time.
      const version = `9.${cut + 2}.0`;
      await updates.publish(version, (built) => built);
      await updates.pin(version);
      const wait = random.integer(0, longest);
      await new Promise((resolve) => setTimeout(resolve, wait));
      const said = await updates.running();
      const before = await site.stored();
      await site.cutPower();
      const parts = await site.comesBack({ by: 'firmware' }, before);
      const now = await updates.running();
      return `cut ${Math.round(wait / 1000)} s after ${version} was offered, at ${said?.release} ${said?.state}; ${parts}: ${now?.release} in slot ${now?.slot}`;
    });
  }

  await rung.show('what was acknowledged is in the cloud, and nothing is there twice', async () => {
    // Nothing is heard any more, so all that is held goes.
    site.bench.radio.stop();
    const ledger = await site.settled();
    const counts = site.counts();
    assert.is(new Set(counts).size, counts.length, 'a count is there twice');
    assert.is(ledger.readings.rejected, 0);
    const gaps = ledger.epochs.flatMap(({ gaps }) => gaps).filter(({ state }) => state !== 'dropped');
    site.bench.radio.start();
    return `${counts.length} counts stored in ${ledger.epochs.length} runs, each once; ${gaps.length} gaps`;
  });
}
