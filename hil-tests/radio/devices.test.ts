// A runtime that is pointed at a folder of devices: adapters that change numbers, strangers under a known name.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Rival, until, VirtualDevices } from '../rig/index.ts';
import { Listening, measurementFrame, portConfig } from './listening.ts';

const test = suite('a folder of devices');

let devices: VirtualDevices;
let listening: Listening;

test.before.each(async () => {
  devices = await VirtualDevices.open();
});
test.after.each(async () => {
  await listening.radio.stop();
  await devices.close();
});

test('twins by id, plugged in again in another order and so under each other’s numbers, are heard under their own names', async () => {
  const [mast, crane] = [await devices.plugIn({ id: 'usb-A' }), await devices.plugIn({ id: 'usb-B' })];
  listening = new Listening([
    portConfig({ name: 'mast', path: devices.byId('usb-A') }),
    portConfig({ name: 'crane', path: devices.byId('usb-B') }),
  ]);
  for (const port of ['mast', 'crane']) await listening.opened(1, port);
  const numbers = [devices.numbered(mast), devices.numbered(crane)];
  await mast.unplug();
  await crane.unplug();
  await crane.replug();
  await mast.replug();
  assert.equal([devices.numbered(crane), devices.numbered(mast)], numbers);
  for (const port of ['mast', 'crane']) await listening.opened(2, port);
  await mast.write(measurementFrame(1, 7, 1));
  await listening.hears(1);
  await crane.write(measurementFrame(1, 7, 2));
  await listening.hears(2);
  assert.equal(listening.values, ['mast 1', 'crane 2']);
});

test('a stranger that takes the name of a known adapter is refused by what it says, and left when the name is free', async () => {
  const known = await devices.plugIn({ id: 'usb-no-serial-number' });
  listening = new Listening([
    portConfig({ path: devices.byId('usb-no-serial-number'), base_addresses: [1] }),
  ]);
  const stranger = await devices.plugIn({ id: 'usb-no-serial-number' });
  await stranger.write(measurementFrame(9, 7, 666));
  await known.write(measurementFrame(1, 7, 0));
  await stranger.unplug();
  // The link leads to the known one again.
  let value = 1;
  await until(async () => {
    await known.write(measurementFrame(1, 7, value++));
    return listening.values.length > 0;
  });
  assert.not(listening.values.includes('radio 666'));
});

test('a port that is stuck busy is said to be, by who has it, and opened when it is let go', async () => {
  const adapter = await devices.plugIn();
  const rival = await Rival.start(adapter.path, 'locks');
  listening = new Listening([portConfig({ path: devices.byPath('*') })]);
  await until(() => listening.codes.includes('radio port-held'));
  assert.match(listening.events.find(({ code }) => code === 'port-held')?.detail ?? '', `pid ${rival.pid}`);
  await rival.stop();
  await listening.opened();
  await adapter.write(measurementFrame(1, 7, 3));
  await listening.hears(1);
  assert.equal(listening.values, ['radio 3']);
});

test.run();
