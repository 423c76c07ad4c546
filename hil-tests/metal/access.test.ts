// @long
import { execFile, spawn } from 'node:child_process';
import { constants, openSync } from 'node:fs';
import { chmod, chown, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { SerialPort } from 'serialport';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { until } from '../rig/index.ts';
import { deniedAdvice } from './access.ts';
import { type ForeignPorts, startFarSide } from './far-side/start.ts';
import { RealPort } from './real-port.ts';

const test = suite('opening ports that another program made');

let folder: string;
let far: ForeignPorts;
let [left, right] = ['', ''];
test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'loadline-access-'));
  far = await startFarSide({ kind: 'cable', folder, wires: 'crossed' });
  [left = '', right = ''] = far.paths;
});
test.after(async () => {
  await far.end();
  await rm(folder, { recursive: true });
});

async function refusal(path: string): Promise<[code: string, says: string]> {
  try {
    await (await RealPort.open(path)).close();
  } catch (error) {
    const { code, message } = error as Error & { code: string };
    return [code, message];
  }
  return ['none', ''];
}

test('what is sent at once and closed at once has all left', async () => {
  const sender = await RealPort.open(left);
  const hearer = await RealPort.open(right);
  const all = Buffer.from(Array.from({ length: 20_000 }, (_, index) => index % 251));
  const heard: Uint8Array[] = [];
  hearer.onData((bytes) => heard.push(bytes));
  void sender.write(all.subarray(0, 9000));
  void sender.write(all.subarray(9000));
  await sender.close();
  assert.is(sender.bytesWritten, all.length);
  await until(() => hearer.bytesRead === all.length, { what: 'all of it is there' });
  assert.ok(Buffer.concat(heard).equals(all));
  await hearer.close();
});

test('a port that is pulled rejects what is written then, and does not keep it', async () => {
  const port = await RealPort.open(right);
  far.say('unplug');
  await until(() => !port.isOpen, { what: 'it is closed' });
  try {
    await port.write(Buffer.from('late'));
    assert.unreachable();
  } catch (error) {
    assert.is((error as { code?: string }).code, 'gone');
  }
  await port.close();
  assert.equal((await refusal(right))[0], 'absent');
  far.say('replug');
  await until(() => stat(right).catch(() => undefined), { what: 'it is back' });
});

test('who has a port is named, whether it asked for the lock or not', async () => {
  const other = new SerialPort({ path: left, baudRate: 115200, autoOpen: false });
  await new Promise<void>((done, fail) => other.open((error) => (error ? fail(error) : done())));
  const [code, says] = await refusal(left);
  assert.equal([code, /fuser -v/.test(says)], ['busy', true], 'our own process is not looked at');
  await new Promise<void>((done) => other.close(() => done()));

  const tty = openSync(left, constants.O_RDWR | constants.O_NOCTTY);
  const cat = spawn('cat', [], { stdio: [tty, 'ignore', 'ignore'] });
  try {
    const held = await until(async () => {
      const found = await refusal(left);
      return found[0] === 'busy' ? found[1] : undefined;
    });
    assert.match(held, `cat (pid ${cat.pid}: cat) has it open: stop that program`);
  } finally {
    cat.kill();
  }
});

test('what is no port says so', async () => {
  await writeFile(join(folder, 'file'), '');
  assert.is((await refusal(join(folder, 'file')))[0], 'not-a-tty');
  // Whoever has that open is not in its way.
  const [kind, words] = await refusal('/dev/null');
  assert.equal([kind, /is no serial port/.test(words)], ['not-a-tty', true]);
  const [code, says] = await refusal('/dev/ttyUSB77');
  assert.is(code, 'absent');
  assert.match(says, /there is no \/dev\/ttyUSB77: (there are|this machine has no serial port)/);
});

test('a user who may not open it is told which group to be in, or to log in again', async () => {
  const device = await stat(left);
  const file = 'root:x:0:\ndialout:x:20:alice\ntty:x:5:bob\n';
  const advice = (name: string, gid: number, mode: number, groups: number[] = [1000]) =>
    deniedAdvice({ gid, mode }, { name, groups, groupFile: file });
  assert.match(advice('carol', 20, 0o660), 'sudo usermod -aG dialout carol');
  assert.match(advice('alice', 20, 0o660), 'this session began before: log out and in again');
  assert.match(advice('carol', 0, 0o600), 'udev rule');
  assert.match(advice('carol', 20, 0o600), 'udev rule');
  if (process.getuid?.() !== 0) {
    console.log('skipped: a port is refused to another user: only root can be somebody else');
    return;
  }
  // Somebody else, in a process of his own.
  await chmod(folder, 0o755);
  await chown(device.isCharacterDevice() ? left : folder, 0, 20);
  await chmod(left, 0o660);
  const closed = join(folder, 'closed');
  await mkdir(closed, { mode: 0o700 });
  const program = `import { checkAccess } from ${JSON.stringify(new URL('./access.ts', import.meta.url).href)};
    for (const path of ${JSON.stringify([left, join(closed, 'ttyUSB0')])})
      await checkAccess(path).catch(({ code, message }) => console.log(code, message));`;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [...process.execArgv, '--input-type=module', '-e', program],
    { uid: 65_534, gid: 65_534, env: {} },
  );
  assert.match(
    stdout,
    /^denied you may not open .*: it is the group dialout's: sudo usermod -aG dialout \S+, then log out/,
  );
  assert.match(stdout, /^denied you may not look at .*closed\/ttyUSB0: EACCES/m);
});

test.run();
