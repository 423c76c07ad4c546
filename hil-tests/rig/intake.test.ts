import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { SerialPort } from 'serialport';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SimulatedClock } from './clock.ts';
import { SpoiledLine } from './spoiled-line.ts';
import { until } from './until.ts';
import { VirtualPort } from './virtual-port.ts';

const test = suite('intake');

const counting = Buffer.from(Array.from({ length: 6000 }, (_, index) => index % 251));

/** A program that has the port open and does not block. */
function openPlain(path: string): number {
  return openSync(path, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK);
}

function tryWrite(fd: number, bytes: Uint8Array): number | string {
  try {
    return writeSync(fd, bytes);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'error';
  }
}

test('a port that is stuck takes not one byte, of a plain program or of serialport; then goes on', async () => {
  const port = await VirtualPort.open({ intake: { kind: 'stuck' } });
  const taken: Uint8Array[] = [];
  port.onData((bytes) => taken.push(bytes));
  const plain = openPlain(port.path);
  assert.is(tryWrite(plain, Uint8Array.of(1)), 'EAGAIN');
  closeSync(plain);

  const host = new SerialPort({ path: port.path, baudRate: 115200 });
  await once(host, 'open');
  let isWritten = false;
  host.write(counting, () => {
    isWritten = true;
  });
  // As long as serialport needs for a round trip over another port, which works.
  const other = await VirtualPort.open();
  const beside = new SerialPort({ path: other.path, baudRate: 115200 });
  beside.write('beside');
  await until(() => other.bytesRead === 6);
  assert.equal([isWritten, port.bytesRead, port.intake.kind], [false, 0, 'stuck']);
  port.setIntake({ kind: 'as-fast-as-it-goes' });
  await until(() => port.bytesRead === counting.length && isWritten);
  assert.ok(Buffer.concat(taken).equals(counting));
  for (const serial of [host, beside]) await new Promise((resolve) => serial.close(resolve));
  await port.close();
  await other.close();
});

test('what it had not taken when it is unplugged is lost, and it is stuck still when it comes back', async () => {
  const port = await VirtualPort.open();
  const plain = openPlain(port.path);
  port.setIntake({ kind: 'stuck' });
  assert.is(tryWrite(plain, counting), 'EAGAIN');
  await port.unplug();
  closeSync(plain);
  await port.replug();
  const again = openPlain(port.path);
  assert.is(tryWrite(again, counting), 'EAGAIN');
  port.setIntake({ kind: 'as-fast-as-it-goes' });
  assert.is(tryWrite(again, counting.subarray(0, 10)), 10);
  await until(() => port.bytesRead === 10);
  closeSync(again);
  await port.close();
});

test('bytes that a slow one was about to take when it was unplugged are not taken by the next', async () => {
  const clock = new SimulatedClock();
  const port = await VirtualPort.open({ intake: { kind: 'paced', baud: 300 }, clock });
  const plain = openPlain(port.path);
  tryWrite(plain, counting.subarray(0, 200));
  await until(async () => {
    await clock.advance(10);
    return port.bytesRead > 0;
  });
  const { bytesRead } = port;
  await port.unplug();
  closeSync(plain);
  await port.replug();
  await clock.advance(10_000);
  assert.is(port.bytesRead, bytesRead);
  await port.close();
});

test('a slow one takes what the host sends at its baud rate and in order, and holds the host back', async () => {
  const clock = new SimulatedClock();
  const port = await VirtualPort.open({ intake: { kind: 'paced', baud: 9600 }, clock });
  const taken: Uint8Array[] = [];
  port.onData((bytes) => taken.push(bytes));
  const plain = openPlain(port.path);
  assert.is(tryWrite(plain, counting), counting.length);
  // The driver's page is full as soon as the rig has seen the bytes; until then the kernel takes them.
  await until(() => tryWrite(plain, Uint8Array.of(0)) === 'EAGAIN');
  assert.is(port.bytesRead, 0);
  await clock.advance(1000);
  assert.ok(port.bytesRead <= 960 && port.bytesRead >= 960 - 64, `${port.bytesRead} bytes in a second`);
  await clock.advance(2000);
  const more = tryWrite(plain, Uint8Array.of(7));
  assert.is(more, 1, 'there is room in the page again');
  // What the kernel still has comes in its own time.
  await until(async () => {
    await clock.advance(20_000);
    return taken.at(-1)?.at(-1) === 7;
  });
  const all = Buffer.concat(taken);
  assert.ok(all.subarray(0, counting.length).equals(counting));
  assert.ok(all.subarray(counting.length, -1).every((byte) => byte === 0));
  closeSync(plain);
  await port.close();
});

test('at another pace from the middle on; and what it takes can be spoiled as what it sends', async () => {
  const clock = new SimulatedClock();
  const port = await VirtualPort.open({ intake: { kind: 'paced', baud: 300 }, clock });
  const taken: Uint8Array[] = [];
  const spoiled = new SpoiledLine({ write: async (bytes) => void taken.push(bytes) }, { seed: 5 });
  port.onData((bytes) => void spoiled.write(bytes));
  spoiled.flipBits(1);
  const plain = openPlain(port.path);
  tryWrite(plain, counting.subarray(0, 300));
  await until(async () => {
    await clock.advance(1000);
    return port.bytesRead > 0;
  });
  assert.ok(port.bytesRead < 100);
  port.setIntake({ kind: 'paced', baud: 115_200 });
  await clock.advance(3000);
  assert.is(port.bytesRead, 300);
  assert.equal(spoiled.counts, { passed: 300, flipped: 300, lost: 0, garbage: 0 });
  assert.ok(Buffer.concat(taken).every((byte, index) => byte !== counting[index]));
  assert.throws(() => port.setIntake({ kind: 'paced', baud: 1 }), /baud is 1/);
  assert.equal(port.intake, { kind: 'paced', baud: 115_200 });
  closeSync(plain);
  await port.close();
});

test('a program that blocks waits as long as the device does', async () => {
  const port = await VirtualPort.open({ intake: { kind: 'stuck' } });
  const writer = spawn('sh', ['-c', 'printf abc > "$0"', port.path], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const ended = once(writer, 'exit');
  await until(() => port.intake.kind === 'stuck' && writer.pid !== undefined);
  port.setIntake({ kind: 'as-fast-as-it-goes' });
  await ended;
  await until(() => port.bytesRead === 3);
  await port.close();
});

test.run();
