// Several base stations hear one transmitter: with a window of copies one reading each, and every copy counted.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { VirtualPort } from '../rig/index.ts';
import { Adapters } from './adapters.ts';
import { frameOf } from './frames.ts';
import { Site } from './site.ts';

const test = suite('several base stations');

const tag = 0x3a10;
const rounds = 100;

let adapters: Adapters;
let site: Site;
/** A base station each, and an RS485 line with two. */
let east: VirtualPort;
let west: VirtualPort;
let shared: VirtualPort;

test.before(async () => {
  adapters = await Adapters.open();
  [east, west, shared] = [
    await adapters.plugIn('east'),
    await adapters.plugIn('west'),
    await adapters.plugIn('shared'),
  ];
  const ports = ['east', 'west', 'shared'].map((name) => ({ name, path: adapters.path(name) }));
  site = await Site.open({ sections: { ports, copies: { window_ms: 10_000 } } });
  for (const { name } of ports) await site.said('port-open', 1, name);
});

test.after(async () => {
  await site.close();
  await adapters.close();
});

test('each delivers a copy of each frame, as it heard it: one reading each, and every copy is counted', async () => {
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
  const { health, frames, duplicate } = await site.accountWhere(
    'all frames are heard, and all readings stored',
    (run, { frames: heard, readings }) => heard === 4 * rounds && run.stored === readings,
  );
  assert.equal([frames, health?.readings, health?.copies, duplicate], [4 * rounds, rounds, 3 * rounds, 0]);
  assert.equal(
    health?.ports.map((port) => [port.name, port.frames]),
    [
      ['east', rounds],
      ['west', rounds],
      ['shared', 2 * rounds],
    ],
  );
  const values = site.readings().map(({ value }) => 'value' in value && value.value);
  assert.equal(
    values.toSorted((a, b) => Number(a) - Number(b)),
    Array.from({ length: rounds }, (_, value) => value),
  );
});

test('what a transmitter repeats is no copy: one base station’s equal frames are readings each', async () => {
  const before = await site.stored(rounds);
  await east.write(Buffer.concat(Array.from({ length: 5 }, () => frameOf(tag, -1, { base: 1 }))));
  await site.stored(rounds + 5);
  await west.write(Buffer.concat(Array.from({ length: 6 }, () => frameOf(tag, -1, { base: 2 }))));
  // A copy each of the five, and the sixth is west's own.
  const { health } = await site.stored(rounds + 6);
  assert.is(health?.copies, (before.health?.copies ?? 0) + 5);
});

test.run();
