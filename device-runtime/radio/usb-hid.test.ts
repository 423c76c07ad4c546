// There is no HID base station to be had: the library is real up to finding none, and the device is a stand-in.
import { EventEmitter } from 'node:events';
import { statSync } from 'node:fs';
import { driverNamed } from '@loadline/sdk/driver';
import { encodeFrame, encodePacket } from '@loadline/sdk/t24';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type HidDevice, type HidLibrary, hidCandidates, hidOpener, loadHid } from './usb-hid.ts';

const test = suite('USB HID');

const driver = driverNamed('hid');
const transport = driver.transport as Extract<typeof driver.transport, { kind: 'hid' }>;
// Devices that every Linux has stand for hidraw ones.
const [present, other] = ['/dev/full', '/dev/zero'];

class StandIn extends EventEmitter implements HidDevice {
  readonly written: Buffer[] = [];
  isClosed = false;
  async write(bytes: Buffer): Promise<number> {
    if (this.isClosed) throw new Error('closed');
    this.written.push(Buffer.from(bytes));
    return bytes.length;
  }
  async close(): Promise<void> {
    this.isClosed = true;
  }
}

function libraryOf(
  device: HidDevice,
  paths: readonly (string | undefined)[] = [present],
): () => Promise<HidLibrary> {
  return async () => ({
    devicesAsync: async (vendorId, productId) =>
      vendorId === 0x1781 && productId === 0x0ba4 ? paths.map((path) => ({ path })) : [],
    HIDAsync: { open: async () => device },
  });
}

async function opened() {
  const device = new StandIn();
  const received: Uint8Array[] = [];
  const ends: string[] = [];
  const candidate = { path: present, device: statSync(present).rdev, appearance: '' };
  const opening = await hidOpener(transport, libraryOf(device))(candidate, {
    onBytes: (bytes) => received.push(bytes),
    onEnd: (reason) => ends.push(reason),
  });
  return { device, opening, received, ends };
}

test('"usb" finds the devices of the driver’s vendor and product, each once', async () => {
  const library = libraryOf(new StandIn(), [other, present, undefined, present, '/dev/no-such-device']);
  const found = await hidCandidates('usb', transport, library);
  assert.equal(
    found.map(({ path }) => path),
    [present, other],
  );
});

test('a path is a hidraw device, and needs no library to be found', async () => {
  const never = () => Promise.reject(new Error('not asked'));
  assert.is((await hidCandidates(present, transport, never)).length, 1);
  assert.equal(await hidCandidates('/dev/no-such-device', transport, never), []);
});

test('reports come as bytes, and commands go out as reports of 64 bytes behind the report number 0', async () => {
  const { device, opening, received } = await opened();
  device.emit('data', Buffer.from([1, 2, 3]));
  assert.equal(
    received.map((each) => [...each]),
    [[1, 2, 3]],
  );
  const packet = encodePacket({ kind: 'read', flags: 0, to: 1, command: 53 });
  await opening.send(driver.encode?.(1, packet) as Uint8Array);
  const frame = encodeFrame(1, packet);
  assert.equal(device.written, [Buffer.concat([Buffer.of(0), frame, Buffer.alloc(64 - frame.length)])]);
  await opening.send(new Uint8Array(128));
  assert.equal(
    device.written.map(({ length }) => length),
    [65, 65, 65],
  );
  opening.close('enough');
});

test('an error of the device ends the opening, once, and nothing is sent after', async () => {
  const { device, opening, received, ends } = await opened();
  device.emit('error', new Error('could not read from HID device'));
  device.emit('error', new Error('again'));
  opening.close('too late');
  await new Promise((resolve) => setImmediate(resolve));
  device.emit('data', Buffer.from([1]));
  assert.ok(device.isClosed);
  assert.equal(ends, ['could not read from HID device']);
  assert.equal(received, []);
  assert.match(await failure(opening.send(new Uint8Array(64))), 'not open');
});

test('a missing library is named with the package that brings it', async () => {
  const failing = (message: string, code?: string) =>
    failure(loadHid(() => Promise.reject(Object.assign(new Error(message), { code }))));
  assert.is(
    await failing('libusb-1.0.so.0: cannot open shared object file: No such file or directory'),
    'USB HID needs the Debian package libusb-1.0-0: apt-get install libusb-1.0-0',
  );
  assert.match(await failing('libudev.so.1: cannot open shared object file'), 'Debian package libudev1');
  assert.match(
    await failing("Cannot find package 'node-hid'", 'ERR_MODULE_NOT_FOUND'),
    'npm install node-hid@3.4.0',
  );
  assert.match(await failing('bad weather'), 'USB HID cannot be used: bad weather');
});

test('the native half is loaded at once, not at the first report', async () => {
  const late = Promise.reject(new Error('libusb-1.0.so.0: cannot open shared object file'));
  const library = { devicesAsync: () => late, HIDAsync: { open: () => late } };
  assert.match(await failure(loadHid(async () => ({ default: library }))), 'libusb-1.0-0');
});

/** What a promise that must fail says. */
function failure(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'it did not fail',
    (error: Error) => error.message,
  );
}

test.run();
