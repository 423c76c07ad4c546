// @long
import { deepEqual } from 'node:assert/strict';
import { encodeFrame, encodePacket } from '@loadline/sdk/t24';
import { scenario } from '../scenario/index.ts';
import { counterFrame, countsIn } from './counter.ts';

const configured = 0x3a10;
const stray = 0x0bad;
const persistent = [0x1001, 0x1002, 0x1003] as const;

export default scenario({
  about:
    'Tags that nobody configured: a stray one is no series, one that keeps coming is, and only so many may.',
  needs: ['simulated-radio'],
  async play({ given, when, then, bench }) {
    const { radio, cloud } = await given(
      'a gateway with one sensor, which takes two more that it has heard three times',
      () =>
        bench.site({
          sections: {
            sensors: [{ tag: '3A10', name: 'Hook load', unit: 't', simulated: true }],
            unconfigured: { sightings: 3, max_series: 2 },
          },
        }),
    );

    await when('a stray tag comes twice, and the sensor between them', () =>
      radio.write(
        Buffer.concat([counterFrame(stray, 1), counterFrame(configured, 2), counterFrame(stray, 3)]),
      ),
    );
    await then(
      'the stray one is suppressed and counted, the sensor counts from its first frame',
      async () => {
        const { frames, stored, health } = await cloud.stored(1);
        deepEqual([frames, stored, health?.suppressed, health?.other], [3, 1, 2, 0]);
        deepEqual(countsIn(cloud.readings()), [2]);
      },
    );

    await when('three more tags come four times each', async () => {
      for (const tag of persistent) {
        await radio.write(Buffer.concat([10, 11, 12, 13].map((value) => counterFrame(tag, value))));
      }
    });
    await then(
      'the first two are series from their third frame on, and the third finds the list full',
      async () => {
        const { frames, stored, health } = await cloud.stored(1 + 2 * 2);
        deepEqual([frames, stored, health?.suppressed, health?.other], [3 + 12, 5, 2 + 4 + 4, 0]);
        const { items } = await cloud.organisation.listSeries();
        deepEqual(items.map(({ tag, count, name }) => [tag, count, name]).sort(), [
          ['1001', 2, null],
          ['1002', 2, null],
          ['3A10', 1, 'Hook load'],
        ]);
      },
    );

    await when('frames come that are no measurements: a NAK, and one of an unknown type', () => {
      const nak = encodePacket({ kind: 'nak', flags: 0, from: 0x123456, rssi: 0, cv: 0 });
      const unknown = encodePacket({ kind: 'unknown', flags: 0, type: 0x1e, bytes: Uint8Array.of(1, 2, 3) });
      return radio.write(
        Buffer.concat([encodeFrame(1, nak), encodeFrame(2, unknown), counterFrame(configured, 3)]),
      );
    });
    await then('they are counted as such, and every frame is one of these', async () => {
      const { frames, readings, health } = await cloud.stored(6);
      deepEqual([frames, readings, health?.copies, health?.suppressed, health?.other], [18, 6, 0, 10, 2]);
    });
  },
});
