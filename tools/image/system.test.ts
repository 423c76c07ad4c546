import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { textsIn } from './assemble.ts';
import { boardOf } from './boards.ts';
import { systemEntries } from './system.ts';

const test = suite('what is put into the system');
const disk = { signature: '0badcafe' };

const packaging = new Map(
  Object.entries({
    'loadline-gateway.service': '[Service]\nExecStart=/x\n[Install]\nWantedBy=multi-user.target\n',
    'loadline-egress.timer': '[Timer]\n[Install]\nWantedBy=timers.target\n',
    'loadline-update.service': '[Service]\nExecStart=/y\n',
    'loadline-provisioning.conf':
      '[Service]\nExecStart=\nExecStart=/x --provision-on /dev/ttyGS0 --maker /m\n',
    'loadline-network-run.conf': 'run\n',
    'loadline-wpa-supplicant.conf': 'wpa\n',
  }),
);
const wants = 'etc/systemd/system/multi-user.target.wants';
const contentOf = (path: string, from = systemEntries(boardOf('generic-arm64'), disk, packaging)) => {
  const entry = from.get(path);
  return entry === undefined ? undefined : entry.is === 'link' ? entry.to : `${entry.content}`;
};

test("each of the release's units is there, and those that say what wants them are enabled", () => {
  assert.is(
    contentOf('usr/lib/systemd/system/loadline-update.service'),
    packaging.get('loadline-update.service'),
  );
  assert.is(
    contentOf(`${wants}/loadline-gateway.service`),
    '/usr/lib/systemd/system/loadline-gateway.service',
  );
  assert.is(
    contentOf('etc/systemd/system/timers.target.wants/loadline-egress.timer'),
    '/usr/lib/systemd/system/loadline-egress.timer',
  );
  assert.is(contentOf(`${wants}/loadline-update.service`), undefined);
});

test("the line for provisioning has the board's tty, and where its serial number is", () => {
  const line = 'usr/lib/systemd/system/loadline-gateway.service.d/provisioning.conf';
  assert.match(
    contentOf(line) ?? '',
    /--provision-on \/dev\/ttyAMA0 --serial-number \/run\/loadline\/serial-number --maker/,
  );
  const pi = systemEntries(boardOf('rpi4'), disk, packaging);
  assert.match(contentOf(line, pi) ?? '', /--provision-on \/dev\/ttyS1 --serial-number \/run/);
  const twice = new Map(packaging).set(
    'loadline-provisioning.conf',
    '--provision-on /dev/ttyGS0,/dev/ttyAMA0\n--provision-on /dev/ttyGS0',
  );
  assert.throws(() => systemEntries(boardOf('rpi4'), disk, twice), /has not one/);
  const without = new Map(packaging);
  without.delete('loadline-network-run.conf');
  assert.throws(
    () => systemEntries(boardOf('rpi4'), disk, without),
    /has no packaging\/loadline-network-run.conf/,
  );
});

test('what the system has to say of itself stays in memory, and is bounded there', async () => {
  const file = 'system/usr/lib/systemd/journald.conf.d/loadline.conf';
  const lines = (await readFile(join(import.meta.dirname, file), 'utf8')).split('\n');
  for (const line of ['Storage=volatile', 'RuntimeMaxUse=16M', 'ForwardToSyslog=no'])
    assert.ok(lines.includes(line), line);
});

test('nothing asks for a name and a password, on any console', () => {
  for (const unit of ['getty@.service', 'serial-getty@.service', 'console-getty.service', 'getty.target']) {
    assert.is(contentOf(`etc/systemd/system/${unit}`), '/dev/null');
  }
  assert.is(contentOf('etc/systemd/system-generators/systemd-getty-generator'), '/dev/null');
});

test('the files of the release that this is made with fit together', async () => {
  const folder = join(import.meta.dirname, '../../device-runtime/packaging');
  const entries = systemEntries(boardOf('rpi3'), disk, await textsIn(folder));
  const units = (await readdir(folder)).filter((name) => /\.(service|path|timer)$/.test(name));
  for (const unit of units) assert.ok(entries.has(`usr/lib/systemd/system/${unit}`), unit);
  assert.ok(entries.has(`${wants}/loadline-gateway.service`));
});

test.run();
