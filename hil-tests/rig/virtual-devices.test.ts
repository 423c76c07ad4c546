import { existsSync, mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SerialPort } from 'serialport';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { until } from './until.ts';
import { VirtualDevices } from './virtual-devices.ts';

const test = suite('virtual devices');

/** What a program hears that opens this path. */
async function listen(path: string) {
  const port = new SerialPort({ path, baudRate: 115200, autoOpen: false });
  let heard = '';
  port.on('data', (bytes: Buffer) => {
    heard += bytes.toString();
  });
  await new Promise<void>((resolve, reject) => port.open((error) => (error ? reject(error) : resolve())));
  return {
    heard: () => heard,
    async [Symbol.asyncDispose]() {
      if (port.isOpen) await new Promise((resolve) => port.close(resolve));
    },
  };
}

test('twins are told apart by id and by socket, and both stand behind one pattern', async () => {
  await using devices = await VirtualDevices.open();
  const left = await devices.plugIn({ id: 'usb-Simulated_Twin_A-if00' });
  const right = await devices.plugIn({ id: 'usb-Simulated_Twin_B-if00' });
  assert.equal(readdirSync(devices.byId('.')).toSorted(), [
    'usb-Simulated_Twin_A-if00',
    'usb-Simulated_Twin_B-if00',
  ]);
  assert.is(left.path, devices.byId('usb-Simulated_Twin_A-if00'));
  for (const [port, number] of [
    [left, 0],
    [right, 1],
  ] as const) {
    const paths = [port.path, devices.numbered(port) ?? '', devices.socketed(port)];
    assert.equal(
      paths.map((path) => realpathSync(path)),
      Array(3).fill(port.device),
    );
    assert.is(devices.numbered(port), join(devices.folder, `ttyUSB${number}`));
  }
  await using host = await listen(devices.socketed(right));
  await right.write(Buffer.from('right'));
  await until(() => host.heard() === 'right');
});

test('plugged in again in another order, they change numbers; a number that is kept is not given', async () => {
  await using devices = await VirtualDevices.open();
  const one = await devices.plugIn({ id: 'one' });
  const two = await devices.plugIn({ id: 'two' });
  const names = () => [one, two].map((port) => devices.numbered(port)?.slice(devices.folder.length + 1));
  await one.unplug();
  await two.unplug();
  assert.equal(names(), [undefined, undefined]);
  assert.equal(readdirSync(devices.folder), ['serial']);
  await two.replug();
  await one.replug();
  assert.equal(names(), ['ttyUSB1', 'ttyUSB0']);
  assert.is(realpathSync(one.path), one.device);
  // A program still has the dead ttyUSB1 open.
  const letGo = devices.keepNumber(1);
  await one.unplug();
  await one.replug();
  assert.equal(names(), ['ttyUSB2', 'ttyUSB0']);
  letGo();
  await one.unplug();
  await one.replug();
  assert.equal(names(), ['ttyUSB1', 'ttyUSB0']);
});

test('a stranger under the same id has the link while it is there, and the first one after it', async () => {
  await using devices = await VirtualDevices.open();
  const first = await devices.plugIn({ id: 'no-serial-number' });
  const stranger = await devices.plugIn({ id: 'no-serial-number' });
  assert.is(first.path, stranger.path);
  assert.is(realpathSync(first.path), stranger.device);
  await stranger.unplug();
  assert.is(realpathSync(first.path), first.device);
  await stranger.replug();
  await first.unplug();
  assert.is(realpathSync(stranger.path), stranger.device);
  await stranger.close();
  assert.not(existsSync(stranger.path));
});

test('cables swapped: numbers and sockets change hands, ids do not', async () => {
  await using devices = await VirtualDevices.open();
  const one = await devices.plugIn({ id: 'one', socket: 4 });
  const two = await devices.plugIn({ id: 'two' });
  const before = [one, two].map((port) => [devices.numbered(port), devices.socketed(port)]);
  assert.match(devices.socketed(one), /simulated-usb-0:1\.4:1\.0$/);
  await devices.swap(one, two);
  const after = [one, two].map((port) => [devices.numbered(port), devices.socketed(port)]);
  assert.equal(after, before.toReversed());
  for (const port of [one, two]) {
    for (const path of [port.path, devices.socketed(port)]) assert.is(realpathSync(path), port.device);
  }
});

test('renumbered, the links of an adapter lead to another device for certain', async () => {
  await using devices = await VirtualDevices.open();
  const port = await devices.plugIn();
  for (let time = 0; time < 5; time++) {
    const before = port.device;
    await port.renumber();
    assert.is.not(port.device, before);
    assert.is(realpathSync(port.path), port.device);
  }
});

test('a socket holds one adapter, and a folder that was there stays', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'loadline-kept-'));
  const devices = await VirtualDevices.open({ folder });
  await devices.plugIn({ socket: 2 });
  const error = await devices.plugIn({ socket: 2 }).catch((refused) => refused);
  assert.is(error.code, 'option');
  await devices.close();
  assert.equal(readdirSync(folder), ['serial']);
  rmSync(folder, { recursive: true });
});

test.run();
