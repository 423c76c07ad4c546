// @long
import { deepEqual } from 'node:assert/strict';
import { lace, playRecording } from '../rig/index.ts';
import { assertBalanced, scenario } from '../scenario/index.ts';
import { counterFrame, countsIn, countsTo } from './counter.ts';

const frameCount = 200;

export default scenario({
  about:
    'A line carries more noise than frames: every frame is delivered once and in order, and every byte is accounted for.',
  needs: ['simulated-radio'],
  async play({ given, when, then, bench, seed }) {
    const { radio, cloud } = await given('a gateway on a line', () => bench.site());
    const frames = Buffer.concat(countsTo(frameCount).map((value) => counterFrame(0x3a10, value)));
    const laced = lace(frames, { seed, leastBytes: 20, mostBytes: 60 });

    await when('frames come with noise before and behind each, in random pieces', () =>
      playRecording(laced.bytes, radio, {
        chunks: { kind: 'random', seed },
        speed: { kind: 'paced', baud: 230_400 },
      }),
    );
    await then(
      'every frame is stored once and in order, and every byte of noise is counted as such',
      async () => {
        const { health, discardedBytes, duplicate } = await cloud.accountWhere(
          'all is stored, and nothing held any more',
          ({ stored }, { ports }) =>
            stored === frameCount && ports[0]?.bytes === laced.bytes.length && ports[0].heldBytes === 0,
        );
        if (health) assertBalanced(health);
        deepEqual([discardedBytes, duplicate], [laced.noiseBytes, 0]);
        deepEqual(countsIn(cloud.readings()), countsTo(frameCount));
      },
    );
  },
});
