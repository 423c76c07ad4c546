import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { preSharedKey } from '@loadline/sdk/platform';
import { type Network, network } from '@loadline/sdk/provisioning';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { applyNetwork } from './apply-network.ts';
import { keptNetwork, networkPlaces } from './network.ts';

const test = suite('the network of a site');

let root: string;
test.before.each(async () => {
  root = await mkdtemp(join(tmpdir(), 'loadline-network-'));
});
test.after.each(() => rm(root, { recursive: true }));

/** Puts a network into force, as a commit does. */
async function inForce(kept: unknown): Promise<string> {
  const folder = join(root, 'site');
  await rm(folder, { recursive: true, force: true });
  await mkdir(join(folder, 'site-1'), { recursive: true });
  await writeFile(
    join(folder, 'site-1/network.json'),
    typeof kept === 'string' ? kept : JSON.stringify(kept),
  );
  await symlink('site-1', join(folder, 'current'));
  return folder;
}

const networkPath = 'etc/systemd/network/10-loadline.network';
const supplicantPath = 'etc/wpa_supplicant/wpa_supplicant-wlan0.conf';
const keptOf = (said: unknown) => keptNetwork(network.parse(said) as Network);
const apply = (folder: string, wireless: string[] = ['wlan0']) =>
  applyNetwork(folder, root, networkPlaces.etc, async () => wireless);
const textOf = (path: string) => readFile(join(root, path), 'utf8');

test('a passphrase becomes the key that IEEE 802.11i says', () => {
  // Its own test vectors: H.4.2.
  assert.is(
    preSharedKey('password', 'IEEE'),
    'f42c6fc52df0ebef9ebb4b90b38a5f902e83fe1b135a70e23aed762e9710a12e',
  );
  assert.is(
    preSharedKey('ThisIsAPassword', 'ThisIsASSID'),
    '0dc0d6eb90555ed6419756b9a15ec3e3209b63df707dd508d14581f8982721af',
  );
  const key = preSharedKey('password', 'IEEE');
  assert.is(preSharedKey(key, 'IEEE'), key, 'what is a key already stays it');
});

test('wired, with an address of its own', async () => {
  const folder = await inForce(
    keptOf({
      addresses: {
        by: 'static',
        address: '192.0.2.10/24',
        gateway: '192.0.2.1',
        dns: ['192.0.2.53', '2001:db8::53'],
      },
      ntp: ['time.example.org'],
    }),
  );
  assert.equal(await apply(folder), { changed: [networkPath], joins: [], leaves: [] });
  assert.is(
    await textOf(networkPath),
    `# Made by Loadline of the site that was provisioned; changes here are lost.
[Match]
Type=ether
Kind=!*

[Network]
Address=192.0.2.10/24
Gateway=192.0.2.1
DNS=192.0.2.53
DNS=2001:db8::53
NTP=time.example.org
`,
  );
  assert.equal((await apply(folder)).changed, []);
});

test('wireless: the key and not the passphrase, for root alone, and no name can say more than a name', async () => {
  const ssid = 'a"\n}\nnetwork={';
  const wifi = { ssid, passphrase: 'correct horse', country: 'DE' };
  const folder = await inForce(keptOf({ addresses: { by: 'dhcp' }, wifi }));
  assert.equal(await apply(folder), { changed: [networkPath, supplicantPath], joins: ['wlan0'], leaves: [] });
  assert.match(await textOf(networkPath), '[Match]\nType=wlan\nKind=!*\n\n[Network]\nDHCP=yes\n');
  const supplicant = await textOf(supplicantPath);
  assert.match(supplicant, `psk=${preSharedKey('correct horse', ssid)}`);
  assert.match(supplicant, `ssid=${Buffer.from(ssid).toString('hex')}\n`);
  assert.is(supplicant.match(/network=/g)?.length, 1);
  assert.not.match(
    supplicant + (await readFile(join(folder, 'current/network.json'), 'utf8')),
    'correct horse',
  );
  assert.is((await stat(join(root, supplicantPath))).mode & 0o777, 0o600);
});

test('on a system that is read-only the same files are below /run', async () => {
  const wifi = { ssid: 'open', passphrase: null, country: 'DE' };
  const folder = await inForce(keptOf({ addresses: { by: 'dhcp' }, wifi }));
  const places = ['run/systemd/network/10-loadline.network', 'run/loadline/wpa_supplicant-wlan0.conf'];
  const below = () => applyNetwork(folder, root, networkPlaces.run, async () => ['wlan0']);
  assert.equal(await below(), { changed: places, joins: ['wlan0'], leaves: [] });
  assert.is(await stat(join(root, 'etc')).catch(() => undefined), undefined);
  assert.equal((await below()).changed, []);
  await rm(join(folder, 'current'));
  assert.equal((await below()).changed.toSorted(), places.toSorted());
});

test('an open network has no key, and an interface that is named is the only one', async () => {
  const wifi = { ssid: 'open', passphrase: null, country: 'DE' };
  const folder = await inForce(keptOf({ interface: 'wlan1', addresses: { by: 'dhcp' }, wifi }));
  assert.equal((await apply(folder)).joins, ['wlan1']);
  assert.match(await textOf(networkPath), '[Match]\nName=wlan1\n');
  assert.match(await textOf('etc/wpa_supplicant/wpa_supplicant-wlan1.conf'), 'key_mgmt=NONE');
});

test('what was made for the site before goes with it, and what others made stays', async () => {
  const wifi = { ssid: 'open', passphrase: null, country: 'DE' };
  await apply(await inForce(keptOf({ addresses: { by: 'dhcp' }, wifi })));
  const others = join(root, 'etc/wpa_supplicant/wpa_supplicant-wlan7.conf');
  await writeFile(others, 'network={}\n');
  const wired = await apply(await inForce(keptOf({ addresses: { by: 'dhcp' } })));
  assert.equal(wired, { changed: [supplicantPath, networkPath], joins: [], leaves: ['wlan0'] });
  await rm(join(root, 'site/current'));
  assert.equal(await apply(join(root, 'site')), { changed: [networkPath], joins: [], leaves: [] });
  assert.is(await readFile(others, 'utf8'), 'network={}\n');
});

test('a file of somebody else in the place of one that is needed is named, and nothing is written', async () => {
  const wifi = { ssid: 'open', passphrase: null, country: 'DE' };
  const folder = await inForce(keptOf({ addresses: { by: 'dhcp' }, wifi }));
  await mkdir(join(root, dirname(supplicantPath)), { recursive: true });
  for (const content of ['network={}\n', '']) {
    await writeFile(join(root, supplicantPath), content);
    const fault = await apply(folder).catch((error: Error) => error.message);
    assert.match(fault as string, `${join(root, supplicantPath)} was not made by Loadline`);
    assert.is(await textOf(supplicantPath), content);
    assert.is(await stat(join(root, networkPath)).catch(() => undefined), undefined);
  }
});

test('what is no regular file is not read: neither a pipe, which would hang, nor a link', async () => {
  const folder = await inForce(keptOf({ addresses: { by: 'dhcp' } }));
  const json = join(folder, 'site-1/network.json');
  await rm(json);
  execFileSync('mkfifo', [json]);
  assert.match((await apply(folder).catch((error: Error) => error.message)) as string, 'is no regular file');
  await rm(json);
  await writeFile(join(root, 'elsewhere'), JSON.stringify(keptOf({ addresses: { by: 'dhcp' } })));
  await symlink(join(root, 'elsewhere'), json);
  assert.match((await apply(folder).catch((error: Error) => error.message)) as string, 'is a link');
});

test('a file that a gateway was made to write says nothing to root but what a network is', async () => {
  const good = { addresses: { by: 'dhcp' }, ntp: [] };
  const static_ = { by: 'static', address: '192.0.2.10/24', gateway: '192.0.2.1', dns: ['192.0.2.53'] };
  const hostile = [
    'root:$6$secret:19000::',
    { ...good, ntp: ['a\n[Match]'] },
    { ...good, interface: '../../x' },
    { ...good, addresses: { ...static_, dns: ['1.1.1.1\nGateway=6.6.6.6'] } },
    { ...good, addresses: { ...static_, gateway: '2001:db8::1' } },
    { ...good, wifi: { ssid: 'x', psk: 'zz', country: 'DE' } },
    { ...good, wifi: { ssid: 'x', psk: null, country: 'D\n' } },
    { ...good, wifi: { ssid: 'x', psk: null, country: 'DE', opensc_engine_path: '/tmp/x.so' } },
    { ...good, more: true },
  ];
  for (const each of hostile) {
    const folder = await inForce(each);
    const fault = await apply(folder).catch((error: Error) => error.message);
    assert.match(fault as string, /^the network that is in force /, JSON.stringify(each));
    assert.not.match(fault as string, /secret/);
  }
  assert.is(await stat(join(root, dirname(networkPath))).catch(() => undefined), undefined);
  const wireless = await inForce(
    keptOf({ addresses: { by: 'dhcp' }, wifi: { ssid: 'x', passphrase: null, country: 'DE' } }),
  );
  const none = await apply(wireless, []).catch((error: Error) => error.message);
  assert.match(none as string, 'no wireless interface');
});

test.run();
