// What root does with the network that a gateway was provisioned with, its neighbours being programs that take notes.
import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { bundlePath, launcherPath, packagingPath } from '@loadline/device-runtime';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const test = suite('the network of a provisioned gateway');
const run = promisify(execFile);

let root: string;
test.before.each(async () => {
  root = await mkdtemp(join(tmpdir(), 'loadline-network-'));
  await mkdir(join(root, 'bin'));
  // The release that came with the image.
  await mkdir(join(root, 'opt/factory/bin'), { recursive: true });
  await symlink(process.execPath, join(root, 'opt/factory/bin/node'));
  await symlink(bundlePath, join(root, 'opt/factory/gateway.mjs'));
  for (const name of ['systemctl', 'networkctl']) {
    const file = join(root, 'bin', name);
    // Whether a unit is active is asked of NetworkManager alone.
    const answer = 'case "$1" in is-active) [ -e "$NOTES.manager" ] ;; esac';
    await writeFile(file, `#!/bin/sh\n[ "$1" = is-active ] || echo "${name} $*" >> "$NOTES"\n${answer}\n`);
    await chmod(file, 0o755);
  }
});
test.after.each(() => rm(root, { recursive: true }));

async function inForce(network: unknown): Promise<void> {
  await rm(join(root, 'site'), { recursive: true, force: true });
  await mkdir(join(root, 'site/site-1'), { recursive: true });
  await writeFile(join(root, 'site/site-1/network.json'), JSON.stringify(network));
  await symlink('site-1', join(root, 'site/current'));
}

/** Runs the script; what it had the system told. */
async function apply(setting = {}): Promise<{ notes: string[]; code: number; errors: string }> {
  const notes = join(root, 'notes');
  await writeFile(notes, '');
  const env = {
    ...process.env,
    PATH: [join(root, 'bin'), dirname(process.execPath), process.env.PATH].join(delimiter),
    NOTES: notes,
    LOADLINE_LAUNCHER: launcherPath,
    LOADLINE_PREFIX: join(root, 'opt'),
    LOADLINE_SITE: join(root, 'site'),
    LOADLINE_ROOT: join(root, 'system'),
    ...setting,
  };
  const { code, stderr } = await run(join(packagingPath, 'loadline-network'), { env }).then(
    ({ stderr }) => ({ code: 0, stderr }),
    (error: { code: number; stderr: string }) => error,
  );
  return { notes: (await readFile(notes, 'utf8')).split('\n').filter(Boolean), code, errors: stderr };
}

const wifi = { ssid: 'mast', psk: 'ab'.repeat(32), country: 'DE' };
const wireless = { interface: 'wlan0', addresses: { by: 'dhcp' }, ntp: [], wifi };

test('a wireless one is joined, once; a wired one after it leaves it', async () => {
  await inForce(wireless);
  assert.equal(await apply(), {
    notes: [
      'systemctl enable wpa_supplicant@wlan0.service',
      'systemctl restart wpa_supplicant@wlan0.service',
      'networkctl reload',
    ],
    code: 0,
    errors: '',
  });
  assert.equal((await apply()).notes, []);
  await inForce({ addresses: { by: 'dhcp' }, ntp: [] });
  assert.equal((await apply()).notes, [
    'systemctl disable --now wpa_supplicant@wlan0.service',
    'networkctl reload',
  ]);
  assert.equal(await readdir(join(root, 'system/etc/wpa_supplicant')), []);
});

test('where the system is read-only the files are below /run, and no unit is enabled', async () => {
  const setting = { LOADLINE_NETWORK: 'run' };
  await inForce(wireless);
  assert.equal((await apply(setting)).notes, [
    'systemctl restart wpa_supplicant@wlan0.service',
    'networkctl reload',
  ]);
  assert.equal(await readdir(join(root, 'system')), ['run']);
  const unit = await readFile(join(packagingPath, 'loadline-wpa-supplicant.conf'), 'utf8');
  const [, path = ''] = / -c(\S+) /.exec(unit) ?? [];
  assert.match(await readFile(join(root, 'system', path.replace('%I', 'wlan0')), 'utf8'), 'ssid=');
  await inForce({ addresses: { by: 'dhcp' }, ntp: [] });
  assert.equal((await apply(setting)).notes, [
    'systemctl stop wpa_supplicant@wlan0.service',
    'networkctl reload',
  ]);
  assert.match((await apply({ LOADLINE_NETWORK: 'tmp' })).errors, '--in is etc or run, and not tmp');
});

test('after a reset what was made goes', async () => {
  await inForce(wireless);
  await apply();
  await rm(join(root, 'site'), { recursive: true });
  assert.is((await apply()).notes.at(-1), 'networkctl reload');
  assert.equal(await readdir(join(root, 'system/etc/systemd/network')), []);
});

test('where NetworkManager has the network that is said, and nothing is done', async () => {
  await inForce(wireless);
  await writeFile(join(root, 'notes.manager'), '');
  const { code, errors, notes } = await apply();
  assert.equal([code, notes], [1, []]);
  assert.match(errors, 'disable it, and enable systemd-networkd');
  assert.not((await readdir(root)).includes('system'));
});

test('what no gateway would have written is refused, and nothing is changed', async () => {
  await inForce({ ...wireless, wifi: { ...wifi, pkcs11_module_path: '/tmp/x.so' } });
  const { code, errors, notes } = await apply();
  assert.equal([code, notes], [2, []]);
  assert.match(errors, 'the network that is in force cannot be used');
});

test.run();
