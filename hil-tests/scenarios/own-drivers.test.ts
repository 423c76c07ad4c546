// @long
// Other sources than base stations on the shipped gateway: an integrator's own driver, and a T24-SO read by a template.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { VirtualPort } from '../rig/index.ts';
import { Adapters } from './adapters.ts';
import { Site } from './site.ts';

const test = suite('own drivers');

/** The worked example of docs/drivers.md, as it stands there. */
const [, example = ''] =
  /```js\n(.*?)```/s.exec(readFileSync(new URL('../../docs/drivers.md', import.meta.url), 'utf8')) ?? [];

let adapters: Adapters;
let site: Site;
let scale: VirtualPort;
let so: VirtualPort;

test.before(async () => {
  adapters = await Adapters.open();
  [scale, so] = [await adapters.plugIn('scale'), await adapters.plugIn('so')];
  const module = adapters.path('crane-scale.mjs');
  writeFileSync(module, example);
  site = await Site.open({
    sections: {
      drivers: [{ name: 'crane-scale', module }],
      ports: [
        { name: 'hook', path: scale.path, baud: 9600, driver: 'crane-scale', options: { tag: 0x0100 } },
        {
          ...{ name: 'display', path: so.path, baud: 19_200, driver: 'so' },
          options: { template: 'ID={tag} V={value}kg L={lqi}% {skip};', ending: '\r' },
        },
      ],
      sensors: [{ tag: '0100', name: 'Hook', unit: 'kg', gain: 2, simulated: true }],
    },
  });
  await site.said('port-open', 1, 'hook');
  await site.said('port-open', 1, 'display');
});

test.after(async () => {
  await site.close();
  await adapters.close();
});

const text = (lines: string) => Buffer.from(lines, 'latin1');

test('an integrator’s driver: its readings are in the cloud like any others, and its noise is counted', async () => {
  await scale.write(text('W 0012.50 S\nnonsense\nW 0012.75'));
  await scale.write(text(' M\n'));
  const { health } = await site.stored(2);
  assert.is(health?.ports.find(({ name }) => name === 'hook')?.discardedBytes, 'nonsense\n'.length);
  const told = site.readings().map(({ port, tag, value, status }) => ({ port, tag, value, status }));
  const float64 = (value: number) => ({ type: 'float64', value });
  assert.equal(told, [
    { port: 'hook', tag: 0x0100, value: float64(12.5), status: 0 },
    { port: 'hook', tag: 0x0100, value: float64(12.75), status: 2 },
  ]);
  const {
    items: [series],
  } = await site.cloud.organisation.listSeries();
  assert.equal([series?.name, series?.latest?.value], ['Hook', float64(25.5)]);
});

test('a T24-SO by its template: tag, value and link quality of each line that fits', async () => {
  await so.write(text('ID=25DF V=  -1.250kg L=87% 12:31;\rID=25DF V=kg L=87% ;\rID=25e0 V=7kg L=5% ;\r'));
  await site.stored(4);
  const told = site
    .readings()
    .filter(({ port }) => port === 'display')
    .map(({ tag, value, quality }) => ({ tag, value, quality }));
  assert.equal(told, [
    { tag: 0x25df, value: { type: 'float64', value: -1.25 }, quality: { kind: 'lqi', percent: 87 } },
    { tag: 0x25e0, value: { type: 'float64', value: 7 }, quality: { kind: 'lqi', percent: 5 } },
  ]);
  const { discardedBytes } = await site.stored(4);
  assert.is(discardedBytes, 'nonsense\n'.length + 'ID=25DF V=kg L=87% ;\r'.length);
});

test('each line has the speed that its port says, as on RS485', () => {
  const speed = (port: VirtualPort) =>
    Number(spawnSync('stty', ['-F', port.path, 'speed'], { encoding: 'utf8' }).stdout);
  assert.equal([scale, so].map(speed), [9600, 19_200]);
});

test('unplugged in the middle of a line, its half is discarded, and the driver goes on', async () => {
  await scale.write(text('W 00'));
  await scale.unplug();
  await site.said('port-lost', 1, 'hook');
  await scale.replug();
  await site.said('port-open', 2, 'hook');
  await scale.write(text('W 0099.00 S\n'));
  await site.stored(5);
  assert.equal(site.readings().at(-1)?.value, { type: 'float64', value: 99 });
});

test.run();
