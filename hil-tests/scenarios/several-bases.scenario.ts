// @long
import { deepEqual, equal } from 'node:assert/strict';
import { scenario } from '../scenario/index.ts';
import { countsIn, countsTo } from './counter.ts';
import { frameOf } from './frames.ts';

const tag = 0x3a10;
const rounds = 100;

export default scenario({
  about:
    'Several base stations hear one transmitter: with a window of copies there is one reading each, and every copy is counted.',
  needs: ['simulated-radio', 'adapters'],
  async play({ given, when, then, bench }) {
    const names = ['east', 'west', 'shared'];
    const {
      radio: east,
      adapters,
      gateway,
      cloud,
    } = await given('two ports with a base station each, and an RS485 line with two', () =>
      bench.site({
        ports: names.map((name) => ({ name, path: name })),
        adapters: ['east'],
        sections: { copies: { window_ms: 10_000 } },
        gateway: 'prepared',
      }),
    );
    const [west, shared] = [await adapters.plugIn('west'), await adapters.plugIn('shared')];
    await gateway.start();
    await gateway.said('uplink-connected');
    for (const name of names) await gateway.said('port-open', { subject: name });

    await when('each of the four delivers every frame, as it heard it', async () => {
      for (let value = 0; value < rounds; value++) {
        await Promise.all([
          east.write(frameOf(tag, value, { base: 1, rssi: 0xf0 })),
          west.write(frameOf(tag, value, { base: 2, rssi: 0xe0 })),
          shared.write(
            Buffer.concat([
              frameOf(tag, value, { base: 3, rssi: 0xd0 }),
              frameOf(tag, value, { base: 4, rssi: 0xc0 }),
            ]),
          ),
        ]);
      }
    });
    await then('there is one reading for each four frames, and every copy is counted', async () => {
      const { health, frames, duplicate } = await cloud.accountWhere(
        'all frames are heard, and all readings stored',
        (run, { frames: heard, readings }) => heard === 4 * rounds && run.stored === readings,
      );
      deepEqual([frames, health?.readings, health?.copies, duplicate], [4 * rounds, rounds, 3 * rounds, 0]);
      deepEqual(
        health?.ports.map((port) => [port.name, port.frames]),
        [
          ['east', rounds],
          ['west', rounds],
          ['shared', 2 * rounds],
        ],
      );
      deepEqual(
        countsIn(cloud.readings()).toSorted((a, b) => a - b),
        countsTo(rounds),
      );
    });

    const before = await cloud.stored(rounds);
    await when('one base station says the same five times, and then another six times', async () => {
      await east.write(Buffer.concat(Array.from({ length: 5 }, () => frameOf(tag, -1, { base: 1 }))));
      await cloud.stored(rounds + 5);
      await west.write(Buffer.concat(Array.from({ length: 6 }, () => frameOf(tag, -1, { base: 2 }))));
    });
    await then(
      'what a transmitter repeats is no copy: of the six, five are copies, and the sixth its own',
      async () => {
        const { health } = await cloud.stored(rounds + 6);
        equal(health?.copies, (before.health?.copies ?? 0) + 5);
      },
    );
  },
});
