import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type MetalWords, readMetalChoice } from './choice.ts';
import { tidyMetal } from './tidy.ts';
import { handPlug, usbPlug, usbSwitch } from './usb.ts';

const test = suite('what is connected to what');

const [port, other] = ['/dev/ttyUSB0', '/dev/ttyUSB1'];

test('a command line says what is on the ports', () => {
  const nobody = { by: 'nobody' };
  assert.equal(readMetalChoice({ port, gateway: `local:${other}` }), {
    ...{ kind: 'loop', port, gateway: other, baud: 115_200, unplugging: nobody },
  });
  assert.equal(readMetalChoice({ port, gateway: `console:${other}`, baud: '57600' }), {
    ...{ kind: 'console', port, console: other, baud: 57_600 },
  });
  assert.equal(readMetalChoice({ port, baseStation: true }), {
    ...{ kind: 'base-station', port, baud: 115_200, unplugging: nobody, driver: 't24' },
  });
});

test('words that make no sense say which would', () => {
  const refusal = (words: Partial<MetalWords>) => {
    try {
      readMetalChoice({ port, ...words });
    } catch (error) {
      const { code, message } = error as { code?: string; message?: string };
      return `${code}: ${message}`;
    }
    return 'taken';
  };
  assert.match(refusal({ port: '', baseStation: true }), /^option: --port names no port/);
  assert.match(refusal({}), /^option: nothing says what is behind/);
  assert.match(refusal({ gateway: `local:${port}` }), /^option: .*named for both ends/);
  assert.match(refusal({ gateway: 'ssh:pi' }), /^option: .*say --gateway local:PORT/);
  assert.match(refusal({ gateway: 'local:' }), /^option: .*say --gateway local:PORT/);
  assert.match(refusal({ gateway: `local:${other}`, baseStation: true }), /^option: .*for two things/);
  assert.match(refusal({ baseStation: true, baud: '1200' }), /^option: .*take one of 9600, /);
  assert.match(refusal({ baseStation: true, unplugBy: 'magic' }), /^option: .*usb or hand/);
  assert.match(refusal({ gateway: `console:${other}`, unplugBy: 'usb' }), /^option: .*ports of this machine/);
  assert.match(refusal({ gateway: 'local:/dev/ttyUSB77', unplugBy: 'usb' }), /^absent: /);
});

// SIMULATED: a folder stands for the kernel's sysfs, laid out as that of an FTDI adapter behind a hub.
test('the switch of a USB adapter is that of its device, and of no interface or hub', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'loadline-usb-'));
  try {
    const device = join(folder, 'devices/pci0/usb1/1-1/1-1.4');
    const tty = join(device, '1-1.4:1.0/ttyUSB0');
    mkdirSync(tty, { recursive: true });
    for (const one of ['devices/pci0/usb1', 'devices/pci0/usb1/1-1', 'devices/pci0/usb1/1-1/1-1.4']) {
      writeFileSync(join(folder, one, 'idVendor'), '0403\n');
      writeFileSync(join(folder, one, 'authorized'), '1\n');
    }
    writeFileSync(join(device, '1-1.4:1.0/authorized'), '1\n');
    mkdirSync(join(folder, 'class/tty/ttyUSB0'), { recursive: true });
    symlinkSync(tty, join(folder, 'class/tty/ttyUSB0/device'));
    const node = join(folder, 'ttyUSB0');
    writeFileSync(node, '');
    const file = usbSwitch(node, folder);
    assert.is(file, join(device, 'authorized'));

    const plug = usbPlug(node, file);
    setTimeout(() => rmSync(node), 20);
    await plug.unplug();
    assert.is(readFileSync(file, 'latin1'), '0');
    setTimeout(() => writeFileSync(node, ''), 20);
    await plug.replug();
    assert.is(readFileSync(file, 'latin1'), '1');

    writeFileSync(join(folder, 'ttyS0'), '');
    assert.throws(() => usbSwitch(join(folder, 'ttyS0'), folder), /is no adapter on USB/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a person is told what to do, and has the time that was said', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'loadline-hand-'));
  const node = join(folder, 'ttyUSB0');
  writeFileSync(node, '');
  const told: string[] = [];
  // A person who does what he is told, twice.
  const plug = handPlug(
    node,
    (words) => {
      told.push(words);
      if (told.length === 1) rmSync(node);
      if (told.length === 2) writeFileSync(node, '');
    },
    50,
  );
  try {
    await plug.unplug();
    await plug.replug();
    assert.equal(told, [`PLEASE PULL THE PLUG of ${node}`, `PLEASE PLUG ${node} IN AGAIN`]);
    const late = await plug.unplug().catch(({ message }: Error) => message);
    assert.match(String(late), /is still there after 0.05 s: is it the adapter that was meant/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('an adapter that a scenario left unplugged is plugged in for it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'loadline-usb-'));
  const [path, file] = [join(folder, 'ttyUSB1'), join(folder, 'authorized')];
  writeFileSync(path, '');
  writeFileSync(file, '0');
  try {
    const unplugging = { by: 'usb', file } as const;
    await tidyMetal({ kind: 'loop', port, gateway: path, baud: 115_200, unplugging });
    assert.is(readFileSync(file, 'latin1'), '1');
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.run();
