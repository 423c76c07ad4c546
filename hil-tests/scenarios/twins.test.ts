// @long
// Adapters that look alike: ports find their own by base address or by tags, also when cables are swapped meanwhile.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { until, type VirtualPort } from '../rig/index.ts';
import { Adapters } from './adapters.ts';
import { frameOf, portsAndCounts } from './frames.ts';
import { elapsed, Site } from './site.ts';

const test = suite('twins');

/** Tags of the two of the second pair. */
const [mast, crane] = [0x0100, 0x0200];

let adapters: Adapters;
let site: Site;
/** Two pairs of twins: one that base addresses tell apart, one that tags do. */
let byBase: readonly [VirtualPort, VirtualPort];
let byTag: readonly [VirtualPort, VirtualPort];
let value = 0;
/** What is to be in the store: the port each value belongs to. */
const expected = new Map<number, string>();

test.before(async () => {
  adapters = await Adapters.open();
  byBase = [await adapters.plugIn('usb-base-A'), await adapters.plugIn('usb-base-B')];
  byTag = [await adapters.plugIn('usb-tags-A'), await adapters.plugIn('usb-tags-B')];
  site = await Site.prepare({
    sections: {
      ports: [
        { name: 'base 1', path: adapters.path('usb-base-*'), base_addresses: [1] },
        { name: 'base 2', path: adapters.path('usb-base-*'), base_addresses: [2] },
        { name: 'mast', path: adapters.path('usb-tags-*'), expect_tags: ['0100'] },
        { name: 'crane', path: adapters.path('usb-tags-*'), expect_tags: ['0200'] },
      ],
    },
  });
  site.startGateway();
  await site.gateway.line('uplink-connected');
  // Each is listened to before its first frame: opening a port throws away what came before.
  await site.accountWhere('all ports listen', (_, { ports }) =>
    ports.every(({ trouble }) => trouble?.startsWith('listening on ')),
  );
});

test.after(async () => {
  await site.close();
  await adapters.close();
});

/** Sends the next value over an adapter, from a base or under a tag that says whose it is. */
async function send(adapter: VirtualPort, owner: 'base 1' | 'base 2' | 'mast' | 'crane'): Promise<void> {
  value += 1;
  expected.set(value, owner);
  const frames = {
    'base 1': () => frameOf(0x3a10, value, { base: 1 }),
    'base 2': () => frameOf(0x3a10, value, { base: 2 }),
    mast: () => frameOf(mast, value),
    crane: () => frameOf(crane, value),
  };
  await adapter.write(frames[owner]());
}

/** Everything sent is stored, under the port that it belongs to. */
async function assertAllInPlace(): Promise<void> {
  await site.stored(expected.size);
  const wanted = [...expected].map(([count, owner]) => `${owner} ${count}`);
  assert.equal(portsAndCounts(site.readings()).toSorted(), wanted.toSorted());
}

test('are told apart by what answers, from the first frame on', async () => {
  await send(byBase[0], 'base 2');
  await send(byBase[1], 'base 1');
  await send(byTag[0], 'crane');
  await send(byTag[1], 'mast');
  await assertAllInPlace();
  const { health } = await site.stored(4);
  assert.ok(health?.ports.every(({ open, frames }) => open && frames === 1));
});

test('unplugged and plugged in at each other’s place, each finds its own again', async () => {
  await Promise.all([...byBase, ...byTag].map((adapter) => adapter.unplug()));
  for (const name of ['base 1', 'base 2', 'mast', 'crane']) await site.said('port-lost', 1, name);
  await Promise.all([...byBase, ...byTag].map((adapter) => adapter.replug()));
  await site.accountWhere('all ports listen again', (_, { ports }) =>
    ports.every(({ trouble }) => trouble?.startsWith('listening on ')),
  );
  await send(byBase[0], 'base 1');
  await send(byBase[1], 'base 2');
  await send(byTag[0], 'mast');
  await send(byTag[1], 'crane');
  await assertAllInPlace();
});

test('whose radios are swapped while both are open, change places, and no frame goes under the wrong name', async () => {
  const before = site.readings().length;
  const swapped = () =>
    site
      .readings()
      .slice(before)
      .map(({ port, value: read }) => ({ port, owner: expected.get(Number('value' in read && read.value)) }));
  await until(
    async () => {
      await send(byBase[0], 'base 2');
      await send(byBase[1], 'base 1');
      await elapsed(25);
      return new Set(swapped().map(({ port }) => port)).size === 2;
    },
    { limitMs: 20_000, what: 'both are heard again' },
  );
  for (const { port, owner } of swapped()) assert.is(port, owner);
});

test('the cloud was told of every loss and every swap, and that all is well in the end', async () => {
  const told = (await site.events()).filter((event) => event.startsWith('port-'));
  const codes = new Set(told.map((event) => event.split(' ')[0]));
  // Until a swap was seen to be one, what answered was the wrong device.
  assert.equal([...codes].toSorted(), ['port-lost', 'port-open', 'port-wrong-device']);
  const last = (port: string) => told.findLast((event) => event.endsWith(` ${port}`));
  for (const port of ['base 1', 'base 2', 'mast', 'crane']) assert.is(last(port), `port-open ${port}`);
});

test.run();
