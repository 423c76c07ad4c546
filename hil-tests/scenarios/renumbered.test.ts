// @long
// An adapter that comes back as another device, under another name: the pattern finds it, and nothing is lost.
import { renameSync, rmSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { VirtualPort } from '../rig/index.ts';
import { Adapters } from './adapters.ts';
import { counterFrame, countsIn, countsTo } from './counter.ts';
import { Site } from './site.ts';

const test = suite('renumbered');

let adapters: Adapters;
let site: Site;
let present: VirtualPort;
let named = 'ttyUSB0';
let sent = 0;

test.before(async () => {
  adapters = await Adapters.open();
  present = await adapters.plugIn(named);
  site = await Site.open({ sections: { ports: [{ name: 'radio', path: adapters.path('ttyUSB*') }] } });
});

test.after(async () => {
  await site.close();
  await adapters.close();
});

/** Sends the next value, and waits until it is committed. */
async function deliverNext(): Promise<void> {
  await present.write(counterFrame(0x3a10, sent++));
  await site.stored(sent);
}

test('comes back as another device under another name, three times: the next frame is delivered', async () => {
  await deliverNext();
  for (const [index, name] of ['ttyUSB1', 'ttyUSB0', 'ttyUSB17'].entries()) {
    // Made while the old one is there, so it is another device for certain. Nothing of it is heard before it has a
    // name that fits.
    const next = await adapters.plugIn(`other${index}`);
    await next.write(counterFrame(0x3a10, -1));
    rmSync(adapters.path(named));
    await present.unplug();
    renameSync(next.path, adapters.path(name));
    present = next;
    named = name;
    const { detail } = await site.said('port-open', index + 2);
    assert.match(String(detail), `${adapters.path(name)} (${adapters.path('ttyUSB*')})`);
    await deliverNext();
  }
});

test('nothing was lost, nothing came twice, and nothing of a device beside it was heard', async () => {
  const { duplicate, rejected } = await site.stored(sent);
  assert.equal([duplicate, rejected], [0, 0]);
  assert.equal(countsIn(site.readings()), countsTo(sent));
  const told = (await site.events()).filter((event) => event.startsWith('port-'));
  assert.equal(told, ['port-open radio', ...Array(3).fill(['port-lost radio', 'port-open radio']).flat()]);
});

test.run();
