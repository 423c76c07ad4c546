// A base station on USB HID, as far as it goes without one: the library is a stand-in, the device behind it a pty.
import { EventEmitter } from 'node:events';
import { realpathSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { until, VirtualPort } from '../rig/index.ts';
import { Listening, measurementFrame, portConfig } from './listening.ts';

const test = suite('HID base station');

class StandIn extends EventEmitter {
  async write(bytes: Buffer): Promise<number> {
    return bytes.length;
  }
  async close(): Promise<void> {}
}

const report = (value: number): Buffer => {
  const bytes = Buffer.alloc(64);
  bytes.set(measurementFrame(1, 7, value));
  return bytes;
};

test('is found, heard, lost and found again like any port, and its padding is no noise', async () => {
  const device = await VirtualPort.open();
  let present = new StandIn();
  const library = {
    devicesAsync: async () => (device.state === 'plugged' ? [{ path: realpathSync(device.path) }] : []),
    HIDAsync: {
      open: async () => {
        present = new StandIn();
        return present;
      },
    },
  };
  const listening = new Listening([portConfig({ path: 'usb', driver: 'hid', base_addresses: [1] })], {
    hid: async () => library,
  });
  await until(() => present.listenerCount('data') > 0);
  present.emit('data', report(1));
  assert.equal(listening.values, ['radio 1']);
  const { bytes, frameBytes, discardedBytes } = listening.ledger();
  assert.equal([bytes, frameBytes, discardedBytes], [64, 16, 48]);
  await device.unplug();
  await until(() => !listening.ledger().open);
  const before = present;
  await device.replug();
  await until(() => present !== before && present.listenerCount('data') > 0);
  present.emit('data', report(2));
  await listening.hears(2);
  assert.equal(listening.codes, ['radio port-open', 'radio port-lost', 'radio port-open']);
  await listening.radio.stop();
  await device.close();
});

test('without its library is said to need it, and is opened once it is there', async () => {
  let asked = 0;
  const listening = new Listening([portConfig({ path: 'usb', driver: 'hid' })], {
    hid: async () => {
      asked += 1;
      throw new Error('USB HID needs the Debian package libusb-1.0-0');
    },
  });
  await until(() => asked > 1);
  assert.equal(listening.codes, ['radio port-unavailable']);
  assert.match(listening.ledger().trouble ?? '', 'libusb-1.0-0');
  await listening.radio.stop();
});

test('that nobody configured loads no library', async () => {
  const adapter = await VirtualPort.open();
  let asked = 0;
  const listening = new Listening([portConfig({ path: adapter.path })], {
    hid: async () => {
      asked += 1;
      throw new Error('not wanted');
    },
  });
  await listening.opened();
  assert.is(asked, 0);
  await listening.radio.stop();
  await adapter.close();
});

test.run();
