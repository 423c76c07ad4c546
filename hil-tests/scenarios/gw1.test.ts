// @long
// A T24-GW1 on the port: its lines of text become readings like any others, each saying what the line said.
import type { DataProviderPacket } from '@loadline/sdk/t24';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { VirtualGw1 } from '../rig/index.ts';
import { Site } from './site.ts';

const test = suite('GW1');

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

let site: Site;

test.before(async () => {
  const sensors = [{ tag: 'FE56', name: 'Hook load', unit: 't', simulated: true }];
  site = await Site.open({ port: { driver: 'gw1' }, sections: { sensors } });
});

test.after(() => site.close());

test('a simulated GW1 tells values, link quality, a low battery and an integrity error', async () => {
  const gw1 = new VirtualGw1(site.port);
  await gw1.hear(packet(123.15625));
  await gw1.hear(packet(-0.5, { flags: 0x60 }));
  await gw1.hear(packet(7, { status: 0x02 }));
  await gw1.hear(packet(8, { rssi: 0x80, cv: 0x80 }));
  const { frames, stored, rejected } = await site.stored(4);
  assert.equal([frames, stored, rejected], [4, 4, 0]);
  const told = site
    .readings()
    .map(({ base, flags, status, quality, value }) => ({ base, flags, status, quality, value }));
  const float64 = (value: number) => ({ type: 'float64', value });
  // -85 dB and correlation 96 are an LQI of 97.5, and 50..128 are shown as 0..100 %.
  const [good, worst] = [61, 0].map((percent) => ({ kind: 'lqi', percent }));
  assert.equal(told, [
    { base: 0, flags: 0, status: 0, quality: good, value: float64(123.15625) },
    { base: 0, flags: 0x40, status: 0, quality: good, value: float64(-0.5) },
    { base: 0, flags: 0, status: 0x02, quality: good, value: float64(7) },
    { base: 0, flags: 0, status: 0, quality: worst, value: float64(8) },
  ]);
});

test('lines as the manual shows them keep every digit; what is no line is discarded and counted', async () => {
  const noise = 'FE56=12x,100,0,0\r';
  await site.port.write(text(`FE56=123.156,100,0,0\r${noise}FE56=0.1234567890123,0,1,1 \r`));
  const { discardedBytes } = await site.stored(6);
  assert.is(discardedBytes, noise.length);
  const [exact, digits] = site.readings().slice(4);
  assert.equal(exact?.value, { type: 'float64', value: 123.156 });
  assert.equal(exact?.quality, { kind: 'lqi', percent: 100 });
  assert.equal(digits?.value, { type: 'float64', value: 0.1234567890123 });
  assert.equal([digits?.quality, digits?.flags, digits?.status], [{ kind: 'lqi', percent: 0 }, 0x40, 0x02]);
});

test('people see the newest with its link quality', async () => {
  const {
    items: [series],
  } = await site.cloud.organisation.listSeries();
  assert.equal(
    [series?.tag, series?.name, series?.unit, series?.simulated, series?.count],
    ['FE56', 'Hook load', 't', true, 6],
  );
  const { latest } = series ?? {};
  assert.equal(latest?.value, { type: 'float64', value: 0.1234567890123 });
  assert.equal([latest?.batteryLow, latest?.quality], [true, { kind: 'lqi', percent: 0 }]);
});

test.run();
