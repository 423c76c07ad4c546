// @long
// What the cloud has of sensors: calibration with the raw value kept, send policies, derived series, a tare, and events.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { until } from '../rig/index.ts';
import { outcomeOf } from './commands.ts';
import { frameOf } from './frames.ts';
import { elapsed, gatewayId, Site } from './site.ts';

const test = suite('sensors');

const simulated = true;
const sensors = [
  { tag: '0101', name: 'Hook load', unit: 't', gain: 0.5, offset: -10, overload: { high: 100 } },
  { tag: '0102', name: 'Jib angle', unit: '°', send: { policy: 'change', band: 1 } },
  {
    ...{ tag: '0103', name: 'Wind', unit: 'm/s', gain: 2 },
    send: { policy: 'window', seconds: 1, statistics: ['mean', 'min', 'max', 'last'] },
  },
  { tag: '0104', name: 'Left leg', unit: 'kN', gain: 10 },
  { tag: '0105', name: 'Right leg', unit: 'kN' },
  { tag: '0107', name: 'Anemometer', unit: 'm/s' },
  { tag: '0106', name: 'Mixer', unit: '°C', interval_seconds: 0.5, stale_after_seconds: 1 },
].map((sensor) => ({ ...sensor, simulated }));
const derived = [
  { kind: 'sum', tag: 'F001', name: 'Both legs', unit: 'kN', of: ['Left leg', 'Right leg'] },
  { kind: 'tare', tag: 'F002', name: 'Net', unit: 'kN', of: 'Both legs' },
];

let site: Site;
let frames = 0;

test.before(async () => {
  site = await Site.open({ sections: { sensors, derived } });
});

test.after(() => site.close());

/** Sends measurements in one go, so that all are heard at one moment, and waits until what follows is stored. */
async function send(...measured: readonly Uint8Array[]) {
  frames += measured.length;
  await site.port.write(Buffer.concat(measured));
  return await settled();
}

async function settled() {
  return await site.accountWhere(
    `${frames} frames are heard, and what came of them is stored`,
    (run, health) =>
      health.frames === frames &&
      run.stored === health.readings + health.computed &&
      health.journal.held === 0,
  );
}

/** Waits for what comes by itself, and looks ten times a second. */
async function eventually(what: string, holds: () => Promise<boolean>): Promise<void> {
  await until(async () => (await Promise.all([holds(), elapsed(100)]))[0], { limitMs: 15_000, what });
}

const series = async (tag: string, aspect = 'heard') =>
  (await site.cloud.organisation.listSeries()).items.find(
    (each) => each.tag === tag && each.aspect === aspect,
  );

/** Stored values of a tag as they travelled, each with its aspect. */
const travelled = (tag: number) =>
  site
    .readings()
    .filter((reading) => reading.tag === tag)
    .map(({ aspect, value }) => `${aspect} ${'value' in value ? value.value : value.type}`);

/** What the cloud has of events of one sensor, by its tag. */
const eventsOf = async (tag: string) =>
  (await site.events()).filter((event) => event.endsWith(` ${tag}`)).map((event) => event.split(' ')[0]);

test('calibration: the value as heard is stored, the physical one is shown, with what was made of it', async () => {
  await send(frameOf(0x0101, 100), frameOf(0x0101, 150));
  assert.equal(travelled(0x0101), ['heard 100', 'heard 150']);
  const shown = await series('0101');
  assert.equal([shown?.name, shown?.unit, shown?.simulated, shown?.count], ['Hook load', 't', true, 2]);
  assert.equal(shown?.latest?.value, { type: 'float64', value: 65 });
  assert.equal(shown?.latest?.calibrated, { raw: { type: 'int32', value: 150 }, gain: 0.5, offset: -10 });
  const [from = '', to = ''] = [-60_000, 60_000].map((by) => new Date(Date.now() + by).toISOString());
  const { points } = await site.cloud.organisation.getReadings({
    ...{ device: gatewayId, series: '0101', query: { from, to, points: 100 } },
  });
  assert.equal(
    points.map(([, value]) => value),
    [40, 65],
  );
});

test('on change: what stays within the band is withheld and counted', async () => {
  const before = await settled();
  const values = [10, 10.5, 11, 12, 12.75, 10.5];
  const { health } = await send(...values.map((value) => frameOf(0x0102, { type: 'float32', value })));
  assert.equal(travelled(0x0102), ['heard 10', 'heard 12', 'heard 10.5']);
  assert.is((health?.withheld ?? 0) - (before.health?.withheld ?? 0), 3);
});

test('window: mean, least, most and last of a second, the figures physical and the last as heard', async () => {
  await send(...[4, 1, 7, 2].map((value) => frameOf(0x0103, value)));
  await eventually('the window is over', async () => travelled(0x0103).length === 4);
  assert.equal(travelled(0x0103).toSorted(), ['heard 2', 'max 14', 'mean 7', 'min 2']);
  await settled();
  const mean = await series('0103', 'mean');
  assert.equal([mean?.name, mean?.unit, mean?.simulated], ['Wind', 'm/s', true]);
  assert.equal(mean?.latest?.value, { type: 'float64', value: 7 });
  assert.equal((await series('0103'))?.latest?.value, { type: 'float64', value: 4 });
});

test('derived: a sum as soon as all of it is known, and a tare that a command from the cloud sets to zero', async () => {
  await send(frameOf(0x0104, 3));
  assert.equal(travelled(0xf001), []);
  await send(frameOf(0x0105, 12));
  assert.equal(travelled(0xf001), ['derived 42']);
  assert.equal(travelled(0xf002), ['derived 42']);
  const reset = await outcomeOf(site.cloud.organisation, { kind: 'reset-derived', tag: 0xf002 });
  assert.equal([reset.state, reset.detail], ['done', 'reset to its present value']);
  await send(frameOf(0x0105, 17));
  assert.equal(travelled(0xf001), ['derived 42', 'derived 47']);
  assert.equal(travelled(0xf002).at(-1), 'derived 5');
  const net = await series('F002', 'derived');
  assert.equal([net?.name, net?.unit, net?.simulated], ['Net', 'kN', true]);
  assert.equal(net?.latest?.value, { type: 'float64', value: 5 });
  assert.ok((await site.events()).some((event) => event.startsWith('command-done')));
});

test('what has no zero is not reset, and the cloud is told why', async () => {
  const sum = await outcomeOf(site.cloud.organisation, { kind: 'reset-derived', tag: 0xf001 });
  assert.equal([sum.state, sum.detail], ['refused', 'a sum or a difference has nothing to reset']);
  const none = await outcomeOf(site.cloud.organisation, { kind: 'reset-derived', tag: 0x0101 });
  assert.equal([none.state, none.detail], ['refused', 'no derived series has this tag']);
});

test('overload and bad quality: the reading is carried as it is, and an event says so at once', async () => {
  await send(frameOf(0x0101, 300), frameOf(0x0101, 100));
  assert.equal(await eventsOf('0101'), ['sensor-overload']);
  await send(frameOf(0x0105, 13, { status: 0x02 }));
  assert.equal(await eventsOf('0105'), ['sensor-bad-quality']);
  assert.is(travelled(0x0105).at(-1), 'heard 13');
  assert.is((await series('0105'))?.latest?.status, 0x02);
  // Nobody should take the sum before it for the present one.
  assert.is(travelled(0xf001).at(-1), 'derived nonFinite');
});

test('two transmitters under one tag, and a low battery: said as events, and every reading is kept', async () => {
  const low = { flags: 0x60 };
  for (let round = 0; round < 4; round++) {
    await send(frameOf(0x0107, 7, low), frameOf(0x0107, { type: 'float32', value: 3.5 }, low));
  }
  assert.equal((await eventsOf('0107')).toSorted(), ['sensor-battery-low', 'tag-twice']);
  assert.equal(travelled(0x0107), Array(4).fill(['heard 7', 'heard 3.5']).flat());
  assert.is((await series('0107'))?.latest?.batteryLow, true);
});

test('a sensor that is silent becomes stale; its return, like other ends, is told at the latest at the stop', async () => {
  await send(frameOf(0x0106, 21));
  await eventually('it is stale', async () => (await eventsOf('0106')).includes('sensor-stale'));
  await send(frameOf(0x0106, 22));
  await site.gateway.stop();
  assert.equal((await eventsOf('0106')).slice(-2), ['sensor-stale', 'sensor-returned']);
  assert.equal(await eventsOf('0101'), ['sensor-overload', 'sensor-within-limits']);
});

test.run();
