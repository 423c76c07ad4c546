import { type ChildProcess, spawn } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { adviceOn, findHolders } from './holders.ts';

const test = suite('who has a device open');

// Any character device will do, and these nobody else has open.
const path = '/dev/full';
const device = statSync(path).rdev;
const children: ChildProcess[] = [];

/** A process that has the device open, once it has. */
async function holder(): Promise<number> {
  const child = spawn(
    process.execPath,
    ['-e', `require('node:fs').openSync('${path}'); console.log('open'); setInterval(() => {}, 1e6)`],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  children.push(child);
  await new Promise((resolve) => child.stdout?.once('data', resolve));
  return child.pid ?? 0;
}

test.after(() => {
  for (const child of children) child.kill();
});

test('is found by name, number and command; this process is not one of them', async () => {
  const own = openSync(path, 'r');
  const pid = await holder();
  const { holders, processes } = await findHolders([device]);
  closeSync(own);
  const found = holders.get(device) ?? [];
  assert.equal(
    found.map((each) => each.pid),
    [pid],
  );
  assert.match(found[0]?.command ?? '', '/dev/full');
  assert.ok(processes > 1);
  assert.is((await findHolders([device + 1])).holders.size, 0);
});

test('is not known of processes whose files may not be seen, and that is said', async () => {
  const proc = mkdtempSync(join(tmpdir(), 'loadline-proc-'));
  try {
    mkdirSync(join(proc, '4711', 'fd'), { recursive: true });
    symlinkSync(path, join(proc, '4711', 'fd', '3'));
    writeFileSync(join(proc, '4711', 'comm'), 'agetty\n');
    writeFileSync(join(proc, '4711', 'cmdline'), ['/sbin/agetty', '-o', '115200', ''].join('\0'));
    mkdirSync(join(proc, '4712'));
    // Not a folder: it cannot be looked into, whoever looks.
    writeFileSync(join(proc, '4712', 'fd'), '');
    const { holders, unseen, processes } = await findHolders([device], proc);
    assert.equal(holders.get(device), [{ pid: 4711, name: 'agetty', command: '/sbin/agetty -o 115200' }]);
    // The first process is there whether it is shown or not.
    assert.equal([unseen, processes], [2, 3]);
  } finally {
    rmSync(proc, { recursive: true });
  }
});

test('gets advice by what it is', () => {
  const on = (name: string) => adviceOn({ pid: 12, name, command: `/bin/${name}` }, '/dev/ttyAMA0');
  assert.match(on('agetty'), 'systemctl disable --now serial-getty@ttyAMA0.service');
  assert.match(on('login'), 'serial-getty@ttyAMA0');
  assert.match(on('ModemManager'), 'systemctl mask --now ModemManager.service');
  assert.match(on('minicom'), 'minicom (pid 12: /bin/minicom) has it open: stop that program');
});

test.run();
