import { execFile, spawnSync } from 'node:child_process';
import { chmodSync, existsSync } from 'node:fs';
import { SerialPort } from 'serialport';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Rival } from './rival.ts';
import { until } from './until.ts';
import { VirtualPort } from './virtual-port.ts';

const test = suite('rival');

function opened(path: string): Promise<string> {
  return new Promise((resolve) => {
    const port = new SerialPort({ path, baudRate: 115200, autoOpen: false });
    port.open((error) => (error ? resolve(error.message) : port.close(() => resolve('opened'))));
  });
}

test('that locks the port keeps serialport out, until it lets go', async () => {
  await using port = await VirtualPort.open();
  const rival = await Rival.start(port.path, 'locks');
  assert.match(await opened(port.path), 'Cannot lock port');
  await rival.stop();
  assert.not(existsSync(`/proc/${rival.pid}`));
  assert.is(await opened(port.path), 'opened');
});

test('that excludes others: opening is refused as busy to everybody but root', async () => {
  await using port = await VirtualPort.open();
  const device = port.device ?? '';
  await using rival = await Rival.start(port.path, 'excludes');
  chmodSync(device, 0o666);
  // Root may open it all the same; so a test that runs as root asks as somebody else.
  const somebody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
  const open = () => spawnSync('sh', ['-c', ': <> "$0"', device], { ...somebody, encoding: 'utf8' });
  assert.match(open().stderr, /busy/i);
  await rival.stop();
  assert.is(open().stderr, '');
});

test('that reads takes bytes away from the host, says how many, and says who it is', async () => {
  await using port = await VirtualPort.open();
  await using rival = await Rival.start(port.path, 'reads');
  await port.write(Buffer.from('taken away'));
  await until(() => rival.bytesTaken === 10);
  assert.is(await opened(port.path), 'opened', 'it has no lock');
  const words = await new Promise((resolve) =>
    execFile('ps', ['-o', 'args=', '-p', String(rival.pid)], (_, stdout) => resolve(stdout.trim())),
  );
  assert.is(words, 'simulated-rival');
});

test('outlives an unplug, and the port comes back without it', async () => {
  await using port = await VirtualPort.open();
  await using rival = await Rival.start(port.path, 'locks');
  await port.renumber();
  assert.is(await opened(port.path), 'opened');
  assert.ok(existsSync(`/proc/${rival.pid}`));
});

test('that cannot have the port says why', async () => {
  await using port = await VirtualPort.open();
  await using first = await Rival.start(port.path, 'locks');
  assert.ok(first.pid > 0);
  const error = await Rival.start(port.path, 'locks').catch((refused) => refused);
  assert.is(error.code, 'rival');
  assert.match(error.message, 'EAGAIN');
  const none = await Rival.start('/dev/no-such-port', 'reads').catch((refused) => refused);
  assert.match(none.message, 'ENOENT');
});

test.run();
