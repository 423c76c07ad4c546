import { SerialPort } from 'serialport';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SimulatedClock } from './clock.ts';
import { until } from './until.ts';
import { VirtualCable } from './virtual-cable.ts';

const test = suite('virtual cable');

async function openPort(path: string) {
  const port = new SerialPort({ path, baudRate: 115200, autoOpen: false });
  const heard: Buffer[] = [];
  port.on('data', (bytes: Buffer) => heard.push(bytes));
  await new Promise<void>((resolve, reject) => port.open((error) => (error ? reject(error) : resolve())));
  const close = () => new Promise((resolve) => port.close(resolve));
  return { port, heard: () => Buffer.concat(heard), close };
}

test('what one program sends the other hears, until it is cut, at the byte that was said', async () => {
  const cable = await VirtualCable.open();
  const left = await openPort(cable.left.path);
  const right = await openPort(cable.right.path);
  const everyByte = Buffer.from(Array.from({ length: 256 }, (_, value) => value));
  left.port.write(everyByte);
  await until(() => right.heard().length === 256);
  assert.equal(right.heard(), everyByte);
  right.port.write('back');
  await until(() => left.heard().toString() === 'back');

  const cut = cable.cutAfter(3);
  left.port.write('abcdef');
  assert.is(await cut, true);
  assert.ok(cable.isCut);
  left.port.write('lost');
  await until(() => cable.bytes === 256 + 4 + 6 + 4);
  await until(() => right.heard().subarray(256).toString() === 'abc');
  cable.mend();
  left.port.write('again');
  await until(() => right.heard().subarray(256).toString() === 'abcagain');

  await left.close();
  await right.close();
  await cable.close();
});

test('who waits for a cut that is given up is told so: mended, another number, closed', async () => {
  const cable = await VirtualCable.open();
  const mended = cable.cutAfter(10);
  cable.mend();
  assert.is(await mended, false);
  const replaced = cable.cutAfter(10);
  const closed = cable.cutAfter(20);
  assert.is(await replaced, false);
  await cable.close();
  assert.is(await closed, false);
});

test('what passes can be changed on its way, and a port that is unplugged loses what is sent to it', async () => {
  const cable = await VirtualCable.open({
    through: (bytes, from) => (from === 'left' ? bytes.map((byte) => byte + 1) : bytes),
  });
  const left = await openPort(cable.left.path);
  const right = await openPort(cable.right.path);
  left.port.write('HAL');
  await until(() => right.heard().toString() === 'IBM');
  await cable.right.unplug();
  await until(() => !right.port.isOpen);
  left.port.write('x');
  await until(() => cable.bytes === 4);
  await left.close();
  await cable.close();
});

test('of a baud rate, it carries as many bytes a second both ways, and all of them', async () => {
  const clock = new SimulatedClock();
  const cable = await VirtualCable.open({ speed: { kind: 'paced', baud: 9600 }, clock });
  const left = await openPort(cable.left.path);
  const right = await openPort(cable.right.path);
  left.port.write(Buffer.alloc(2000, 1));
  right.port.write(Buffer.alloc(2000, 2));
  // The time begins with the first bytes on the line.
  await until(async () => {
    await clock.advance(1);
    return cable.left.bytesRead > 0 && cable.right.bytesRead > 0;
  });
  await clock.advance(1000);
  for (const port of [cable.left, cable.right]) {
    assert.ok(port.bytesRead > 860 && port.bytesRead < 1200, `${port.bytesRead} bytes in a second`);
  }
  await until(async () => {
    await clock.advance(100);
    return left.heard().length === 2000 && right.heard().length === 2000;
  });
  await left.close();
  await right.close();
  await cable.close();
});

test.run();
