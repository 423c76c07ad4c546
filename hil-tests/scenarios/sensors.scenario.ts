// @long
// @time-limit 120 s
import { deepEqual, equal, ok } from 'node:assert/strict';
import { until } from '../rig/index.ts';
import { elapsed, scenario } from '../scenario/index.ts';
import { outcomeOf } from './commands.ts';
import { frameOf } from './frames.ts';

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

export default scenario({
  about:
    'What the cloud has of sensors: calibration with the raw value kept, send policies, derived series, a tare, and events.',
  needs: ['simulated-radio', 'kill-gateway'],
  timeLimitMs: 120_000,
  async play({ given, when, then, bench }) {
    const { radio, gateway, cloud } = await given('seven sensors, a sum of two and a tare of the sum', () =>
      bench.site({ sections: { sensors, derived } }),
    );
    let frames = 0;
    const settled = () =>
      cloud.accountWhere(
        `${frames} frames are heard, and what came of them is stored`,
        (run, health) =>
          health.frames === frames &&
          run.stored === health.readings + health.computed &&
          health.journal.held === 0,
      );
    /** Sends measurements in one go, so that all are heard at one moment, and waits until what follows is stored. */
    const send = async (...measured: readonly Uint8Array[]) => {
      frames += measured.length;
      await radio.write(Buffer.concat(measured));
      return await settled();
    };
    /** Waits for what comes by itself, and looks ten times a second. */
    const eventually = (what: string, holds: () => Promise<boolean>) =>
      until(async () => (await Promise.all([holds(), elapsed(100)]))[0], { limitMs: 15_000, what });
    const series = async (tag: string, aspect = 'heard') =>
      (await cloud.organisation.listSeries()).items.find(
        (each) => each.tag === tag && each.aspect === aspect,
      );
    /** Stored values of a tag as they travelled, each with its aspect. */
    const travelled = (tag: number) =>
      cloud
        .readings()
        .filter((reading) => reading.tag === tag)
        .map(({ aspect, value }) => `${aspect} ${'value' in value ? value.value : value.type}`);
    /** What the cloud has of events of one sensor, by its tag. */
    const eventsOf = async (tag: string) =>
      (await cloud.events()).filter((event) => event.endsWith(` ${tag}`)).map((event) => event.split(' ')[0]);

    await when('a calibrated sensor measures', () => send(frameOf(0x0101, 100), frameOf(0x0101, 150)));
    await then(
      'the value as heard is stored, the physical one is shown, with what was made of it',
      async () => {
        deepEqual(travelled(0x0101), ['heard 100', 'heard 150']);
        const shown = await series('0101');
        deepEqual([shown?.name, shown?.unit, shown?.simulated, shown?.count], ['Hook load', 't', true, 2]);
        deepEqual(shown?.latest?.value, { type: 'float64', value: 65 });
        deepEqual(shown?.latest?.calibrated, { raw: { type: 'int32', value: 150 }, gain: 0.5, offset: -10 });
        const [from = '', to = ''] = [-60_000, 60_000].map((by) => new Date(Date.now() + by).toISOString());
        const { points } = await cloud.organisation.getReadings({
          ...{ device: gateway.id, series: '0101', query: { from, to, points: 100 } },
        });
        deepEqual(
          points.map(([, value]) => value),
          [40, 65],
        );
      },
    );

    const before = await settled();
    const changed = await when('one that is sent on change measures, within its band and beyond it', () => {
      const values = [10, 10.5, 11, 12, 12.75, 10.5];
      return send(...values.map((value) => frameOf(0x0102, { type: 'float32', value })));
    });
    await then('what stays within the band is withheld, and counted', () => {
      deepEqual(travelled(0x0102), ['heard 10', 'heard 12', 'heard 10.5']);
      equal((changed.health?.withheld ?? 0) - (before.health?.withheld ?? 0), 3);
    });

    await when('one with a window of a second measures four times', async () => {
      await send(...[4, 1, 7, 2].map((value) => frameOf(0x0103, value)));
      await eventually('the window is over', async () => travelled(0x0103).length === 4);
    });
    await then('mean, least and most are physical, and the last is as heard', async () => {
      deepEqual(travelled(0x0103).toSorted(), ['heard 2', 'max 14', 'mean 7', 'min 2']);
      await settled();
      const mean = await series('0103', 'mean');
      deepEqual([mean?.name, mean?.unit, mean?.simulated], ['Wind', 'm/s', true]);
      deepEqual(mean?.latest?.value, { type: 'float64', value: 7 });
      deepEqual((await series('0103'))?.latest?.value, { type: 'float64', value: 4 });
    });

    await when('one leg of the sum measures', () => send(frameOf(0x0104, 3)));
    await then('there is no sum yet', () => deepEqual(travelled(0xf001), []));
    await when('the other leg does', () => send(frameOf(0x0105, 12)));
    await then('there is a sum, and the tare is the sum', () => {
      deepEqual(travelled(0xf001), ['derived 42']);
      deepEqual(travelled(0xf002), ['derived 42']);
    });
    const reset = await when('a command sets the tare to zero, and the leg measures again', async () => {
      const outcome = await outcomeOf(cloud.organisation, { kind: 'reset-derived', tag: 0xf002 });
      await send(frameOf(0x0105, 17));
      return outcome;
    });
    await then('the tare counts from there, and the command is an event', async () => {
      deepEqual([reset.state, reset.detail], ['done', 'reset to its present value']);
      deepEqual(travelled(0xf001), ['derived 42', 'derived 47']);
      equal(travelled(0xf002).at(-1), 'derived 5');
      const net = await series('F002', 'derived');
      deepEqual([net?.name, net?.unit, net?.simulated], ['Net', 'kN', true]);
      deepEqual(net?.latest?.value, { type: 'float64', value: 5 });
      ok((await cloud.events()).some((event) => event.startsWith('command-done')));
    });
    const refused = await when('what has no zero is to be reset: the sum, and a sensor', async () => [
      await outcomeOf(cloud.organisation, { kind: 'reset-derived', tag: 0xf001 }),
      await outcomeOf(cloud.organisation, { kind: 'reset-derived', tag: 0x0101 }),
    ]);
    await then('it is not, and the cloud is told why', () =>
      deepEqual(
        refused.map(({ state, detail }) => [state, detail]),
        [
          ['refused', 'a sum or a difference has nothing to reset'],
          ['refused', 'no derived series has this tag'],
        ],
      ),
    );

    await when('a sensor is overloaded, and one measures with an error', async () => {
      await send(frameOf(0x0101, 300), frameOf(0x0101, 100));
      await send(frameOf(0x0105, 13, { status: 0x02 }));
    });
    await then('the readings are carried as they are, and events say so at once', async () => {
      deepEqual(await eventsOf('0101'), ['sensor-overload']);
      deepEqual(await eventsOf('0105'), ['sensor-bad-quality']);
      equal(travelled(0x0105).at(-1), 'heard 13');
      equal((await series('0105'))?.latest?.status, 0x02);
      // Nobody should take the sum before it for the present one.
      equal(travelled(0xf001).at(-1), 'derived nonFinite');
    });

    await when('two transmitters send under one tag, both with a low battery', async () => {
      const low = { flags: 0x60 };
      for (let round = 0; round < 4; round++) {
        await send(frameOf(0x0107, 7, low), frameOf(0x0107, { type: 'float32', value: 3.5 }, low));
      }
    });
    await then('both is said as events, and every reading is kept', async () => {
      deepEqual((await eventsOf('0107')).toSorted(), ['sensor-battery-low', 'tag-twice']);
      deepEqual(travelled(0x0107), Array(4).fill(['heard 7', 'heard 3.5']).flat());
      equal((await series('0107'))?.latest?.batteryLow, true);
    });

    await when('a sensor is silent until it is stale, and measures again', async () => {
      await send(frameOf(0x0106, 21));
      await eventually('it is stale', async () => (await eventsOf('0106')).includes('sensor-stale'));
      await send(frameOf(0x0106, 22));
    });
    await when('the gateway is stopped', () => gateway.stop());
    await then('its return, like other ends, has been told', async () => {
      deepEqual((await eventsOf('0106')).slice(-2), ['sensor-stale', 'sensor-returned']);
      deepEqual(await eventsOf('0101'), ['sensor-overload', 'sensor-within-limits']);
    });
  },
});
