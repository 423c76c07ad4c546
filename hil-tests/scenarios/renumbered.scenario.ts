// @long
import { deepEqual, ok } from 'node:assert/strict';
import type { Radio } from '../scenario/index.ts';
import { scenario } from '../scenario/index.ts';
import { counterFrame, countsIn, countsTo } from './counter.ts';

export default scenario({
  about:
    'An adapter comes back as another device, under another name: the pattern of the configuration finds it, and nothing is lost.',
  needs: ['simulated-radio', 'adapters'],
  async play({ given, when, then, bench }) {
    const { radio, adapters, gateway, cloud } = await given(
      'a gateway whose port is whatever is ttyUSB*',
      () => bench.site({ ports: [{ name: 'radio', path: 'ttyUSB*' }], adapters: ['ttyUSB0'] }),
    );
    let present: Radio = radio;
    let named = 'ttyUSB0';
    let sent = 0;
    /** Sends the next value, and waits until it is committed. */
    const deliverNext = async () => {
      await present.write(counterFrame(0x3a10, sent++));
      await cloud.stored(sent);
    };
    await then('what it sends is delivered', deliverNext);

    for (const [index, name] of ['ttyUSB1', 'ttyUSB0', 'ttyUSB17'].entries()) {
      await when(`it goes, and comes back as another device, which is ${name}`, async () => {
        // Made while the old one is there, so it is another device for certain. Nothing of it is heard before it has a
        // name that fits.
        const other = await adapters.plugIn(`other${index}`);
        await other.write(counterFrame(0x3a10, -1));
        await adapters.unlink(named);
        await present.unplug();
        await adapters.rename(`other${index}`, name);
        [present, named] = [other, name];
      });
      await then('the gateway says which device it is now, and the next frame is delivered', async () => {
        const { detail } = await gateway.said('port-open', { times: index + 2 });
        const [wanted, pattern] = [adapters.path(name), adapters.path('ttyUSB*')];
        ok(String(detail).includes(`${wanted} (${pattern})`), String(detail));
        await deliverNext();
      });
    }
    await then('nothing was lost, nothing came twice, nothing of a device beside it was heard', async () => {
      const { duplicate, rejected } = await cloud.stored(sent);
      deepEqual([duplicate, rejected], [0, 0]);
      deepEqual(countsIn(cloud.readings()), countsTo(sent));
      const told = (await cloud.events()).filter((event) => event.startsWith('port-'));
      deepEqual(told, ['port-open radio', ...Array(3).fill(['port-lost radio', 'port-open radio']).flat()]);
    });
  },
});
