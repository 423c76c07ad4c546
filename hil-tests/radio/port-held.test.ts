// Another program has the port open: it is named, with what to do, whether it asked for the lock or not.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { findHolders } from '@loadline/device-runtime';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { until, VirtualPort } from '../rig/index.ts';
import { Listening, portConfig } from './listening.ts';

const test = suite('port held');

let adapter: VirtualPort;
let listening: Listening;
const children: ChildProcess[] = [];

test.before.each(async () => {
  adapter = await VirtualPort.open();
});

test.after.each(async () => {
  for (const child of children.splice(0)) child.kill();
  await listening.radio.stop();
  await adapter.close();
});

const timing = { look: 100 };

/** Runs a program of Node's, and gives the first line it prints. */
async function started(source: string): Promise<{ child: ChildProcess; said: string }> {
  const flags = ['--conditions=loadline-source', '--input-type=module', '-e', source];
  const child = spawn(process.execPath, flags, {
    cwd: import.meta.dirname,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  const said = await new Promise<Buffer>((resolve) => child.stdout?.once('data', resolve));
  return { child, said: said.toString().trim() };
}

const goOn = 'console.log("open"); setInterval(() => {}, 1e6);';
const codes = (code: string) => listening.events.filter((event) => event.code === code);

test('by a program that knows no lock, which takes bytes away: it is named while the port is open', async () => {
  listening = new Listening([portConfig({ path: adapter.path })], { timing });
  await listening.opened();
  const { child } = await started(`import fs from 'node:fs'; fs.openSync('${adapter.path}', 'r+'); ${goOn}`);
  await until(() => codes('port-held').length > 0);
  const [event] = codes('port-held');
  assert.match(event?.detail ?? '', `(pid ${child.pid}: `);
  assert.match(event?.detail ?? '', 'stop that program');
  assert.is(listening.ledger().trouble, event?.detail);
  assert.ok(listening.ledger().open);
  child.kill();
  await until(() => listening.ledger().trouble === undefined);
  assert.equal(listening.codes, ['radio port-open', 'radio port-held', 'radio port-released']);
});

test('by a program that has the lock: it is named, and the port is opened as soon as it is free', async () => {
  const { child } = await started(
    `import { SerialPort } from 'serialport'; new SerialPort({ path: '${adapter.path}', baudRate: 115200 }, () => { ${goOn} });`,
  );
  listening = new Listening([portConfig({ path: adapter.path })], { timing });
  await until(() => codes('port-held').length > 0);
  assert.match(codes('port-unavailable')[0]?.detail ?? '', /lock/);
  assert.match(listening.ledger().trouble ?? '', `(pid ${child.pid}: `);
  assert.not(listening.ledger().open);
  child.kill();
  await listening.opened();
  await until(() => listening.ledger().trouble === undefined);
});

test('by the far end of a pty is no trouble: that is the simulated base station itself', async () => {
  const { said } = await started(
    `import { VirtualPort } from '@loadline/hil-tests'; const port = await VirtualPort.open(); console.log(port.path);`,
  );
  listening = new Listening([portConfig({ path: said }), portConfig({ name: 'other', path: adapter.path })], {
    timing,
  });
  await listening.opened(1, 'radio');
  await listening.opened(1, 'other');
  // The other port is held, so that it shows when a look has been made.
  await started(`import fs from 'node:fs'; fs.openSync('${adapter.path}', 'r+'); ${goOn}`);
  await until(() => codes('port-held').length > 0);
  assert.equal(
    codes('port-held').map(({ subject }) => subject),
    ['other'],
  );
});

const container = ['--map-root-user', '--mount', 'sh', '-c'];
const ownPtys = 'mount -t devpts -o newinstance,ptmxmode=666 devpts /dev/pts';
const canContain = spawnSync('unshare', [...container, ownPtys]).status === 0;
if (!canContain) console.log('skipped: by a terminal of a container: mounts may not be made here');
const contained = canContain ? test : test.skip;

contained('by a terminal of a container that goes by the same number is no trouble', async () => {
  // Whoever has the master of the same number is no holder anyway: another program has the terminal.
  const source = `
    import { spawn } from 'node:child_process';
    import { openSync } from 'node:fs';
    import { VirtualPort } from '@loadline/hil-tests';
    let device;
    while (device !== '${adapter.device}') ({ device } = await VirtualPort.open());
    spawn('sleep', ['60'], { stdio: [openSync(device, 'r+'), 'ignore', 'inherit'] });
    ${goOn}`;
  const child = spawn(
    'unshare',
    [
      ...container.slice(0, -2),
      'sh',
      '-c',
      `${ownPtys} && exec "$0" "$@"`,
      process.execPath,
      '--conditions=loadline-source',
      '--input-type=module',
      '-e',
      source,
    ],
    { cwd: import.meta.dirname, stdio: ['ignore', 'pipe', 'inherit'], detached: true },
  );
  await new Promise((resolve) => child.stdout.once('data', resolve));
  try {
    const { holders } = await findHolders([statSync(adapter.path).rdev]);
    assert.equal([...holders.values()], []);
  } finally {
    process.kill(-(child.pid ?? 0), 'SIGKILL');
  }
  listening = new Listening([portConfig({ path: adapter.path })], { timing });
  await listening.opened();
});

test.run();
