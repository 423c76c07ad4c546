// @long
import { deepEqual, ok } from 'node:assert/strict';
import { SeededRandom } from '../rig/random.ts';
import { scenario } from '../scenario/index.ts';

const noiseBytes = 20_000;
/** Milliseconds for an answer, of a small board that has much else to do. */
const promptMs = 5000;

export default scenario({
  about:
    'A gateway elsewhere says on its console who it is, has a serial port that nobody else holds, and goes on answering while its radio line carries nothing but noise.',
  needs: ['console', 'simulated-radio'],
  async play({ given, when, then, bench, seed }) {
    const gateway = await given('a gateway elsewhere, with its console', () => bench.console());

    const said = await then('it says what it is', () => gateway.describe());
    await then('it has a serial port for a radio that no other program holds', () => {
      const free = said.ports.filter(({ holder }) => holder === null);
      ok(
        free.length > 0,
        said.ports.map(({ path, holder }) => `${path}: ${holder}`).join(', ') || 'it has none',
      );
    });

    await when('noise comes to its radio port, and it is asked again and again meanwhile', async () => {
      const random = new SeededRandom(seed);
      const noise = gateway.radio.write(random.bytes(noiseBytes));
      let slowest = 0;
      for (let each = 0; each < 5; each++) {
        const began = performance.now();
        const { serialNumber, nonce } = await gateway.describe();
        slowest = Math.max(slowest, performance.now() - began);
        deepEqual([serialNumber, nonce], [said.serialNumber, said.nonce]);
      }
      await noise;
      ok(slowest < promptMs, `it took ${slowest} ms to answer`);
    });
    await then('it is the same process still, and what it was', async () => {
      const { nonce, state, gateway: is } = await gateway.describe();
      deepEqual([nonce, state, is], [said.nonce, said.state, said.gateway]);
    });
  },
});
