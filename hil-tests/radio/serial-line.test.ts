// What serialport does when pushed, and what one opening of a port makes of it.
import { statSync } from 'node:fs';
import { type RadioOptions, serialOpener } from '@loadline/device-runtime/radio';
import { SerialPort } from 'serialport';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { until, VirtualPort } from '../rig/index.ts';
import { failure, Listening, measurementFrame, portConfig } from './listening.ts';

const test = suite('one opening of a serial port');

let adapter: VirtualPort;
test.before.each(async () => {
  adapter = await VirtualPort.open();
});
/** Radios that a test has opened: stopped however it ends. */
const radios: Listening[] = [];
test.after.each(async () => {
  await Promise.all(radios.splice(0).map(({ radio }) => radio.stop()));
  await adapter.close();
});

async function opened() {
  const ends: string[] = [];
  const candidate = { path: adapter.path, device: statSync(adapter.path).rdev, appearance: '' };
  const line = await serialOpener({ binding: SerialPort.binding, baud: 115_200 })(candidate, {
    onBytes: () => {},
    onEnd: (reason) => ends.push(reason),
  });
  return { line, ends };
}

test('what is sent has left when it says so: closing then loses nothing', async () => {
  const { line, ends } = await opened();
  const bytes = Buffer.alloc(100_000).map((_, index) => index % 251);
  const received: Uint8Array[] = [];
  adapter.onData((chunk) => received.push(chunk));
  const pieces = Array.from({ length: 100 }, (_, index) => bytes.subarray(index * 1000, index * 1000 + 1000));
  await Promise.all(pieces.map((piece) => line.send(piece)));
  line.close('enough');
  await until(() => ends.length > 0);
  await until(() => Buffer.concat(received).length === bytes.length);
  assert.ok(Buffer.concat(received).equals(bytes));
});

test('sending ends with the port: it never waits for another opening', async () => {
  const { line, ends } = await opened();
  const cut = failure(line.send(new Uint8Array(1_000_000)));
  await adapter.unplug();
  await until(() => ends.length > 0);
  assert.is.not(await cut, 'it did not fail');
  assert.match(await failure(line.send(Uint8Array.of(1))), 'the port is not open');
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.is(ends.length, 1, 'it ends once');
});

test('a path that has become another device while it was being opened is not taken for the one it was', async () => {
  const stale = { path: adapter.path, device: 1, appearance: '' };
  const opening = serialOpener({ binding: SerialPort.binding, baud: 115_200 })(stale, {
    onBytes: () => {},
    onEnd: () => {},
  });
  assert.match(await failure(opening), 'has just become another device');
});

test('bytes that waited before the opening are gone, and what comes after is whole', async () => {
  await adapter.write(measurementFrame(1, 7, 1));
  await adapter.write(measurementFrame(1, 7, 2).subarray(0, 8));
  const listening = new Listening([portConfig({ path: adapter.path })]);
  radios.push(listening);
  await listening.opened();
  await adapter.write(measurementFrame(1, 7, 3));
  await listening.hears(1);
  assert.equal(listening.values, ['radio 3']);
  assert.is(listening.ledger().bytes, 16);
});

test('two ports on one line are told: the second does not take bytes of the first', async () => {
  const listening = new Listening([
    portConfig({ name: 'one', path: adapter.path }),
    portConfig({ name: 'two', path: adapter.device ?? '' }),
  ]);
  radios.push(listening);
  await listening.opened(1, 'one');
  for (let value = 0; value < 50; value++) await adapter.write(measurementFrame(1, 7, value));
  await listening.hears(50);
  assert.ok(listening.values.every((each) => each.startsWith('one ')));
  await until(() => listening.ledger('two').trouble !== undefined);
  assert.match(listening.ledger('two').trouble ?? '', 'another port has already');
});

test('several base stations on one line and several lines are all heard, each by its port and base', async () => {
  const second = await VirtualPort.open();
  const listening = new Listening([
    portConfig({ name: 'one', path: adapter.path }),
    portConfig({ name: 'two', path: second.path, baud: 9600 }),
  ]);
  radios.push(listening);
  await listening.opened(1, 'one');
  await listening.opened(1, 'two');
  await adapter.write(measurementFrame(1, 7, 1));
  await adapter.write(measurementFrame(16, 7, 2));
  await second.write(measurementFrame(3, 7, 3));
  await listening.hears(3);
  assert.equal(listening.heard.map(({ port, content }) => `${port} ${content.base}`).toSorted(), [
    'one 1',
    'one 16',
    'two 3',
  ]);
  await second.close();
});

test('a radio that was stopped has no port any more, though one was just being opened', async () => {
  let made: { readonly isOpen: boolean } | undefined;
  const slow = {
    ...SerialPort.binding,
    open: async (options: Parameters<RadioOptions['binding']['open']>[0]) => {
      const port = await (SerialPort.binding as RadioOptions['binding']).open(options);
      made = port;
      await new Promise((resolve) => setTimeout(resolve, 50));
      return port;
    },
  } as RadioOptions['binding'];
  const { radio } = new Listening([portConfig({ path: adapter.path })], { binding: slow });
  await until(() => made !== undefined);
  await radio.stop();
  assert.is(made?.isOpen, false);
});

test.run();
