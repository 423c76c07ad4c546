// A port whose adapter is pulled out, in every way that was seen to go wrong below: it is noticed, and open again.
import { mkdtempSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RadioOptions } from '@loadline/device-runtime/radio';
import { SerialPort } from 'serialport';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { until, VirtualPort } from '../rig/index.ts';
import { Listening, measurementFrame, portConfig } from './listening.ts';

const test = suite('unplugged');

let adapter: VirtualPort;
let listening: Listening;

test.before.each(async () => {
  adapter = await VirtualPort.open();
  listening = new Listening([portConfig({ path: adapter.path })]);
  await listening.opened();
});

test.after.each(async () => {
  await listening.radio.stop();
  await adapter.close();
});

const send = (value: number) => adapter.write(measurementFrame(1, 7, value));
const reasons = () =>
  listening.log.filter(({ event }) => event === 'port-closed').map(({ fields }) => String(fields.reason));
const closed = (times: number) => until(() => reasons().length >= times, { what: `closed ${times} times` });
const invariant = () => {
  const { bytes, frameBytes, discardedBytes, heldBytes } = listening.ledger();
  assert.is(frameBytes + discardedBytes + heldBytes, bytes);
};

/** The binding as it reads by itself, which is where the trap is: on Linux it is seldom asked to (serial.ts). */
const readingByItself: RadioOptions['binding'] = {
  list: () => SerialPort.list(),
  open: async (options) =>
    new Proxy(await (SerialPort.binding as RadioOptions['binding']).open(options), {
      get: (port, name) => {
        const value = name === 'poller' ? undefined : Reflect.get(port, name);
        return typeof value === 'function' ? value.bind(port) : value;
      },
    }),
};

test('right behind data, where serialport reads nothing for ever: it is found by looking', async () => {
  await listening.radio.stop();
  listening = new Listening([portConfig({ path: adapter.path })], { binding: readingByItself });
  await listening.opened();
  // Whether the hang-up arrives with the data depends on what else runs: until it has, three times. No more rounds than
  // a port tells of at once.
  const found = () => reasons().filter((reason) => reason.startsWith('the ')).length;
  for (let round = 1; round <= 25 && found() < 3; round++) {
    await send(round);
    await adapter.unplug();
    await closed(round);
    await adapter.replug();
    await listening.opened(round + 1);
    invariant();
  }
  assert.ok(found() > 0, `no hang-up came right behind data: ${reasons().join(', ')}`);
});

test('while idle, the hang-up itself is noticed, because the port is always being read', async () => {
  for (let round = 1; round <= 3; round++) {
    await adapter.unplug();
    await closed(round);
    await adapter.replug();
    await listening.opened(round + 1);
  }
  // A look may come first by chance, but not every time.
  assert.ok(
    reasons().some((reason) => !reason.startsWith('the ')),
    reasons().join(', '),
  );
});

test('in the middle of a frame, its half is not joined with what comes after', async () => {
  const frame = measurementFrame(1, 7, 1);
  await adapter.write(frame.subarray(0, 9));
  await until(() => listening.ledger().bytes === 9);
  await adapter.unplug();
  await closed(1);
  assert.is(listening.ledger().discardedBytes, 9);
  await adapter.replug();
  await listening.opened(2);
  await adapter.write(frame.subarray(9));
  await send(2);
  await listening.hears(1);
  assert.equal(listening.values, ['radio 2']);
  invariant();
});

test('is said once, and so is that it is open; what is missing meanwhile is the trouble of the port', async () => {
  await adapter.unplug();
  await closed(1);
  // Long enough for several attempts at opening it.
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.equal(listening.codes, ['radio port-open', 'radio port-lost']);
  const { open, trouble } = listening.ledger();
  assert.equal([open, trouble !== undefined], [false, true]);
  await adapter.replug();
  await listening.opened(2);
  assert.equal(listening.codes, ['radio port-open', 'radio port-lost', 'radio port-open']);
  assert.is(listening.ledger().trouble, undefined);
});

test('before there was anything, is waited for, and what is missing is said', async () => {
  const path = join(adapter.path, '..', 'none');
  const waiting = new Listening([portConfig({ path })]);
  await until(() => waiting.codes.length > 0);
  assert.equal(waiting.events, [
    { code: 'port-unavailable', subject: 'radio', detail: `nothing is at ${path}` },
  ]);
  await waiting.radio.stop();
});

test('not at all, but its link leads to another adapter: that one is opened, though the old one is still there', async () => {
  const twin = await VirtualPort.open();
  try {
    symlinkSync(twin.device ?? '', `${adapter.path}.new`);
    renameSync(`${adapter.path}.new`, adapter.path);
    await listening.opened(2);
    await twin.write(measurementFrame(1, 7, 9));
    await listening.hears(1);
  } finally {
    await twin.close();
    rmSync(adapter.path);
  }
});

test('and back under another name, its link by id is followed, and advised', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'loadline-dev-'));
  const byIdFolder = join(folder, 'by-id');
  const byId = await VirtualPort.open({ folder: byIdFolder, name: 'usb-FTDI_A1B2-if00' });
  const name = join(folder, 'ttyUSB0');
  symlinkSync(byId.device ?? '', name);
  const other = new Listening([portConfig({ path: name })], { byIdFolder });
  try {
    await other.opened();
    assert.match(String(other.log.find(({ event }) => event === 'port-advice')?.fields.advice), byId.path);
    rmSync(name);
    await byId.unplug();
    await until(() => !other.ledger().open);
    await byId.replug();
    await other.opened(2);
    await byId.write(measurementFrame(1, 7, 3));
    await other.hears(1);
    assert.equal(other.values, ['radio 3']);
  } finally {
    await other.radio.stop();
    await byId.close();
    rmSync(folder, { recursive: true });
  }
});

test.run();
