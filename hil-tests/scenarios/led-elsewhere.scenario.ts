// @long
import { deepEqual } from 'node:assert/strict';
import { scenario } from '../scenario/index.ts';
import { counterFrame, countsIn } from './counter.ts';

const adapter = 'usb-radio';

export default scenario({
  about:
    'The link of an adapter leads to another one, while the old one is still there: the gateway follows the link, and loses nothing.',
  needs: ['simulated-radio', 'adapters'],
  async play({ given, when, then, bench }) {
    const { radio, adapters, gateway, cloud } = await given(
      'a gateway that knows its adapter by a link',
      () => bench.site({ ports: [{ name: 'radio', path: adapter }] }),
    );
    await radio.write(counterFrame(0x3a10, 0));
    await cloud.stored(1);
    const other = await given('another adapter beside it', () => adapters.plugIn('usb-other'));

    await when('the link leads to the other one, as udev makes it when adapters are changed', async () => {
      await adapters.lead(adapter, other);
      await gateway.said('port-closed');
      await gateway.said('port-open', { times: 2 });
    });
    await then('the gateway hears the other', async () => {
      await other.write(counterFrame(0x3a10, 1));
      await cloud.stored(2);
    });
    await when('the link leads back, and both send', async () => {
      await adapters.lead(adapter, radio);
      await gateway.said('port-closed', { times: 2 });
      await gateway.said('port-open', { times: 3 });
      await other.write(counterFrame(0x3a10, -1));
      await radio.write(counterFrame(0x3a10, 2));
    });
    await then('the gateway hears the first one alone, and every frame is stored once', async () => {
      const { duplicate, rejected } = await cloud.stored(3);
      deepEqual([duplicate, rejected], [0, 0]);
      deepEqual(countsIn(cloud.readings()), [0, 1, 2]);
    });
  },
});
