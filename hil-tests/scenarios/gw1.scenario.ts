// @long
import { deepEqual, equal } from 'node:assert/strict';
import type { DataProviderPacket } from '@loadline/sdk/t24';
import { VirtualGw1 } from '../rig/index.ts';
import { scenario } from '../scenario/index.ts';

const tag = 0xfe56;

function packet(
  value: number,
  { flags = 0x20, status = 0, rssi = 0xd8, cv = 0xe0 } = {},
): DataProviderPacket {
  return {
    kind: 'dataProvider',
    flags,
    tag,
    status,
    dataType: 4,
    value: { type: 'float32', value: Math.fround(value) },
    rssi,
    cv,
  };
}

const text = (lines: string) => new TextEncoder().encode(lines);
const float64 = (value: number) => ({ type: 'float64', value });

export default scenario({
  about:
    'A T24-GW1 is on the port: its lines of text become readings like any others, each saying what the line said.',
  needs: ['simulated-radio'],
  async play({ given, when, then, bench }) {
    const { radio, cloud } = await given('a gateway that reads a GW1, and knows its sensor by name', () =>
      bench.site({
        ports: [{ name: 'radio', driver: 'gw1' }],
        sections: { sensors: [{ tag: 'FE56', name: 'Hook load', unit: 't', simulated: true }] },
      }),
    );

    await when(
      'the GW1 tells a value, one with a low battery, one with an integrity error, a faint one',
      async () => {
        const gw1 = new VirtualGw1(radio);
        await gw1.hear(packet(123.15625));
        await gw1.hear(packet(-0.5, { flags: 0x60 }));
        await gw1.hear(packet(7, { status: 0x02 }));
        await gw1.hear(packet(8, { rssi: 0x80, cv: 0x80 }));
      },
    );
    await then('each is stored with its value, its flags, its status and its link quality', async () => {
      const { frames, stored, rejected } = await cloud.stored(4);
      deepEqual([frames, stored, rejected], [4, 4, 0]);
      const told = cloud
        .readings()
        .map(({ base, flags, status, quality, value }) => ({ base, flags, status, quality, value }));
      // -85 dB and correlation 96 are an LQI of 97.5, and 50..128 are shown as 0..100 %.
      const [good, worst] = [61, 0].map((percent) => ({ kind: 'lqi', percent }));
      deepEqual(told, [
        { base: 0, flags: 0, status: 0, quality: good, value: float64(123.15625) },
        { base: 0, flags: 0x40, status: 0, quality: good, value: float64(-0.5) },
        { base: 0, flags: 0, status: 0x02, quality: good, value: float64(7) },
        { base: 0, flags: 0, status: 0, quality: worst, value: float64(8) },
      ]);
    });

    const noise = 'FE56=12x,100,0,0\r';
    await when('lines come as the manual shows them, and one between them that is none', () =>
      radio.write(text(`FE56=123.156,100,0,0\r${noise}FE56=0.1234567890123,0,1,1 \r`)),
    );
    await then('those keep every digit; what is no line is discarded, and counted', async () => {
      const { discardedBytes } = await cloud.stored(6);
      equal(discardedBytes, noise.length);
      const [exact, digits] = cloud.readings().slice(4);
      deepEqual(exact?.value, float64(123.156));
      deepEqual(exact?.quality, { kind: 'lqi', percent: 100 });
      deepEqual(digits?.value, float64(0.1234567890123));
      deepEqual([digits?.quality, digits?.flags, digits?.status], [{ kind: 'lqi', percent: 0 }, 0x40, 0x02]);
    });
    await then(
      'people see the newest with its name, its unit, its battery and its link quality',
      async () => {
        const {
          items: [series],
        } = await cloud.organisation.listSeries();
        const { tag, name, unit, simulated, count, latest } = series ?? {};
        deepEqual([tag, name, unit, simulated, count], ['FE56', 'Hook load', 't', true, 6]);
        deepEqual(latest?.value, float64(0.1234567890123));
        deepEqual([latest?.batteryLow, latest?.quality], [true, { kind: 'lqi', percent: 0 }]);
      },
    );
  },
});
