import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { SerialPort } from 'serialport';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { until } from './until.ts';
import { VirtualPort } from './virtual-port.ts';

const test = suite('virtual port');

const everyByte = Buffer.from(Array.from({ length: 256 }, (_, value) => value));

/** A host: opens the port as a gateway does, and keeps what it hears. */
async function openHost(path: string) {
  const port = new SerialPort({ path, baudRate: 115200, autoOpen: false });
  const heard: Buffer[] = [];
  port.on('data', (bytes: Buffer) => heard.push(bytes));
  await new Promise<void>((resolve, reject) => port.open((error) => (error ? reject(error) : resolve())));
  return {
    port,
    heard: () => Buffer.concat(heard),
    async close() {
      if (port.isOpen) await new Promise((resolve) => port.close(resolve));
    },
  };
}

test('passes every byte value to the host and back', async () => {
  const port = await VirtualPort.open();
  const host = await openHost(port.path);
  const fromHost: Uint8Array[] = [];
  port.onData((bytes) => fromHost.push(bytes));
  await port.write(everyByte);
  host.port.write(everyByte);
  await until(() => host.heard().length >= 256 && Buffer.concat(fromHost).length >= 256);
  assert.equal(host.heard(), everyByte);
  assert.equal(Buffer.concat(fromHost), everyByte);
  await host.close();
  await port.close();
});

test('tells when a program has opened it and set it up, each time that it is plugged in', async () => {
  const port = await VirtualPort.open();
  const problem = (opened: Promise<void>) =>
    opened.then(String, ({ code, message }) => `${code}: ${message}`);
  assert.is(
    await problem(port.opened({ limitMs: 50 })),
    `timeout: waited 50 ms in vain: a program opens ${port.path}`,
  );
  const [opened, host] = await Promise.all([port.opened(), openHost(port.path)]);
  assert.is(opened, undefined);
  await port.write(everyByte);
  await until(() => host.heard().length === 256, { what: 'not one byte was thrown away' });
  await host.close();
  await port.opened({ limitMs: 50 });
  await port.replug();
  await port.renumber();
  assert.match(await problem(port.opened({ limitMs: 50 })), /^timeout/);
  const closing = problem(port.opened());
  await port.close();
  assert.match(await closing, /^closed/);
});

test('is drained once the host has read everything, and not before', async () => {
  const port = await VirtualPort.open();
  await port.write(everyByte);
  let drained = false;
  const draining = port.drained().then(() => {
    drained = true;
  });
  const abort = new AbortController();
  const given = port.drained(abort.signal);
  abort.abort();
  await given;
  assert.not(drained);
  const host = spawn('head', ['-c', '256', port.path], { stdio: ['ignore', 'ignore', 'inherit'] });
  await Promise.all([draining, once(host, 'close')]);
  await port.close();
});

test('is raw and silent before any host has set it up, so a plain reader sees the same bytes', async () => {
  const port = await VirtualPort.open();
  const echoed: Uint8Array[] = [];
  port.onData((bytes) => echoed.push(bytes));
  const reader = spawn('head', ['-c', '256', port.path], { stdio: ['ignore', 'pipe', 'inherit'] });
  const read: Buffer[] = [];
  reader.stdout.on('data', (bytes: Buffer) => read.push(bytes));
  const ended = once(reader, 'close');
  await port.write(everyByte);
  await ended;
  assert.equal(Buffer.concat(read), everyByte);
  assert.equal(Buffer.concat(echoed).length, 0);
  await port.close();
});

test('makes the writer wait while the host does not read, and loses nothing', async () => {
  const port = await VirtualPort.open();
  const bytes = Buffer.alloc(100_000).map((_, index) => index % 251);
  let taken = false;
  const write = port.write(bytes).then(() => {
    taken = true;
  });
  await until(() => port.bytesWritten > 1000);
  assert.not(taken);
  assert.ok(port.bytesWritten < bytes.length);
  // Not serialport: its open() flushes what waits in the kernel, as a real port's would.
  const reader = spawn('head', ['-c', String(bytes.length), port.path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const read: Buffer[] = [];
  reader.stdout.on('data', (chunk: Buffer) => read.push(chunk));
  await Promise.all([write, once(reader, 'close')]);
  assert.ok(Buffer.concat(read).equals(bytes));
  assert.is(port.bytesWritten, bytes.length);
  await port.close();
});

test('keeps two writes in order when neither is awaited', async () => {
  const port = await VirtualPort.open();
  const host = await openHost(port.path);
  const first = Buffer.alloc(50_000, 1);
  const second = Buffer.alloc(50_000, 2);
  await Promise.all([port.write(first), port.write(second)]);
  await until(() => host.heard().length === 100_000);
  assert.ok(host.heard().equals(Buffer.concat([first, second])));
  await host.close();
  await port.close();
});

test('lets a host close and open it again, and goes on', async () => {
  const port = await VirtualPort.open();
  const first = await openHost(port.path);
  await first.close();
  const second = await openHost(port.path);
  await port.write(Buffer.from('again'));
  await until(() => second.heard().toString() === 'again');
  await second.close();
  await port.close();
});

test('unplugging closes the host’s port and removes the link; replugging brings the next bytes', async () => {
  const port = await VirtualPort.open();
  const host = await openHost(port.path);
  await port.unplug();
  await until(() => !host.port.isOpen);
  assert.not(existsSync(port.path));
  assert.is(port.state, 'unplugged');
  assert.is(port.device, undefined);

  await port.replug();
  assert.is(readlinkSync(port.path), port.device);
  const again = await openHost(port.path);
  await port.write(Buffer.from('back'));
  await until(() => again.heard().toString() === 'back');
  await again.close();
  await port.close();
});

test('unplugging hangs up although child processes started meanwhile are still running', async () => {
  const port = await VirtualPort.open();
  const bystander = spawn('sleep', ['60'], { stdio: 'ignore' });
  const host = await openHost(port.path);
  const ended = once(bystander, 'close');
  try {
    await port.unplug();
    await until(() => !host.port.isOpen);
  } finally {
    bystander.kill();
    await ended;
  }
  await port.close();
});

test('a write into an unplugged port, and one cut short by unplugging, say so', async () => {
  const port = await VirtualPort.open();
  const cut = port.write(Buffer.alloc(100_000)).then(
    () => undefined,
    (error) => error,
  );
  await until(() => port.bytesWritten > 1000);
  await port.unplug();
  const error = await cut;
  assert.is(error?.code, 'unplugged');
  assert.match(error?.message, `${port.bytesWritten} of 100000 bytes were taken`);
  assert.is((await port.write(Buffer.of(1)).catch((refused) => refused)).code, 'unplugged');
  await port.close();
  assert.is((await port.write(Buffer.of(1)).catch((refused) => refused)).code, 'closed');
  assert.is((await port.replug().catch((refused) => refused)).code, 'closed');
});

test('gives what the host sends as an async iterator that ends when the port is closed', async () => {
  const port = await VirtualPort.open();
  const host = await openHost(port.path);
  const heard: Uint8Array[] = [];
  const listening = (async () => {
    for await (const bytes of port.received()) heard.push(bytes);
  })();
  host.port.write(Buffer.from('command'));
  await until(() => Buffer.concat(heard).toString() === 'command');
  assert.is(port.bytesRead, 7);
  await host.close();
  await port.close();
  await listening;
});

test('renumbered, it is another device for certain, plugged in or not', async () => {
  await using port = await VirtualPort.open();
  for (const state of ['unplugged', 'plugged']) {
    const before = port.device;
    if (state === 'unplugged') await port.unplug();
    const host = state === 'plugged' ? await openHost(port.path) : undefined;
    await port.renumber();
    if (host !== undefined) await until(() => !host.port.isOpen);
    assert.is.not(port.device, before);
    assert.is(readlinkSync(port.path), port.device);
  }
  const again = await openHost(port.path);
  await port.write(Buffer.from('back'));
  await until(() => again.heard().toString() === 'back');
  await again.close();
});

test('unplugged after so many bytes, the host has heard them, not one more, and its port is closed', async () => {
  await using port = await VirtualPort.open();
  const host = await openHost(port.path);
  const unplugged = port.unplugAfter(300);
  await port.write(everyByte);
  const cut = await port.write(everyByte).catch((error) => error);
  assert.is(cut.code, 'unplugged');
  assert.match(cut.message, '44 of 256 bytes were taken');
  await unplugged;
  await until(() => !host.port.isOpen);
  assert.ok(host.heard().equals(Buffer.concat([everyByte, everyByte.subarray(0, 44)])));
  await port.replug();
  await port.write(everyByte);
  assert.is(port.bytesWritten, 300 + 256, 'it does not do so again');
});

test('the hang-up can come right behind the last bytes, and a write that ends there is whole', async () => {
  await using port = await VirtualPort.open();
  const unplugged = port.unplugAfter(5, 'lost');
  await port.write(Buffer.from('five!'));
  await unplugged;
  assert.is(port.state, 'unplugged');
});

test('two ports share a folder under their own names, as twin adapters do', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'loadline-twins-'));
  const left = await VirtualPort.open({ folder, name: 'left' });
  const right = await VirtualPort.open({ folder, name: 'right' });
  assert.is(left.path, join(folder, 'left'));
  assert.is.not(left.device, right.device);
  await left.close();
  await right.close();
  assert.ok(existsSync(folder));
  rmSync(folder, { recursive: true });
});

test('replaces a dead link, refuses to replace a file, and leaves no folder of its own behind', async () => {
  const port = await VirtualPort.open();
  const folder = dirname(port.path);
  await port.close();
  assert.not(existsSync(folder));

  const kept = mkdtempSync(join(tmpdir(), 'loadline-kept-'));
  writeFileSync(join(kept, 'file'), 'not a link');
  const error = await VirtualPort.open({ folder: kept, name: 'file' }).catch((refused) => refused);
  assert.is(error.code, 'link');
  assert.ok(existsSync(join(kept, 'file')));
  const first = await VirtualPort.open({ folder: kept, name: 'port' });
  const second = await VirtualPort.open({ folder: kept, name: 'port' });
  assert.is(readlinkSync(second.path), second.device);
  await first.close();
  assert.ok(existsSync(second.path), 'closing the first must leave the link of the second');
  await second.close();
  assert.not(existsSync(second.path));
  rmSync(kept, { recursive: true });
});

test.run();
