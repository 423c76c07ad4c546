// @long
import { generateKeyPairSync } from 'node:crypto';
import {
  chmod,
  lutimes,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { makeExt } from './file-systems.ts';
import { mebibyte, type Partition } from './layout.ts';
import { run } from './run.ts';
import { ExtImage, scanData, scanForKeys, scanRoot } from './scan.ts';

const missing = await run('debugfs', ['-V']).then(
  () => '',
  (error: Error) => error.message,
);
const test = suite('scan of an image');
if (missing !== '') console.log(`skipped: ${missing}`);
const situation = missing === '' ? test : test.skip;

const bytes = 16 * mebibyte;
const pem = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({
  type: 'pkcs8',
  format: 'pem',
}) as string;

/** A system as small as one can be that has nothing wrong with it: content by path; of a link, where it leads to. */
const sound: Readonly<Record<string, string | { readonly to: string }>> = {
  'etc/machine-id': '',
  'etc/passwd': 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/usr/sbin/nologin\n',
  'etc/shadow': 'root:*:20000::::::\nnobody:!*:20000::::::\n',
  'etc/fstab': 'PARTUUID=x-02 / ext4 ro,noatime 0 1\nPARTUUID=x-03 /var ext4 noatime,nosuid,nodev 0 2\n',
  'etc/systemd/system/getty.target': { to: '/dev/null' },
  'etc/systemd/system/getty@.service': { to: '/dev/null' },
  'etc/systemd/system/serial-getty@.service': { to: '/dev/null' },
  'etc/systemd/system/console-getty.service': { to: '/dev/null' },
  'etc/systemd/system-generators/systemd-getty-generator': { to: '/dev/null' },
  'etc/systemd/system/multi-user.target.wants/loadline-gateway.service': {
    to: '/usr/lib/systemd/system/loadline-gateway.service',
  },
  'usr/lib/systemd/system/dbus.socket': '[Socket]\nListenStream=/run/dbus/system_bus_socket\n',
  // A program that reads keys has the words of one.
  'usr/bin/program': '#!/bin/sh\nhead="-----BEGIN PRIVATE KEY-----\n"; tail="-----END PRIVATE KEY-----"\n',
  'a name with spaces/x': 'x',
};

async function withImage<T>(
  seed: Readonly<Record<string, string | { readonly to: string }>>,
  modes: Readonly<Record<string, number>>,
  use: (image: string) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'loadline-scan-'));
  try {
    const tree = join(folder, 'tree');
    for (const [path, content] of Object.entries({ ...sound, ...seed })) {
      const at = join(tree, path);
      await mkdir(dirname(at), { recursive: true });
      if (typeof content === 'string') await writeFile(at, content);
      else await symlink(content.to, at);
    }
    for (const [path, mode] of Object.entries(modes)) await chmod(join(tree, path), mode);
    // Files keep the times that they have, and a second may pass between two trees.
    for (const path of ['.', ...(await readdir(tree, { recursive: true }))])
      await lutimes(join(tree, path), 1, 1);
    const image = join(folder, 'x.img');
    const uuid = '00000000-0000-8000-8000-000000000000';
    await makeExt(
      {
        from: tree,
        to: image,
        bytes,
        label: 'x',
        uuid,
        epoch: 1_700_000_000,
        journalMebibytes: 0,
        inodes: 256,
      },
      folder,
    );
    return await use(image);
  } finally {
    await rm(folder, { recursive: true });
  }
}

const faultsOf = async (image: string): Promise<string[]> => {
  const partitions: Partition[] = [{ number: 2, what: 'root', type: '83', from: 0, bytes }];
  return [...(await scanRoot(new ExtImage(image, 0))), ...(await scanForKeys(image, partitions))];
};

situation('in a sound system nothing is found', async () => {
  assert.equal(await withImage({}, {}, faultsOf), []);
});

const violations: readonly (readonly [
  what: string,
  seed: Record<string, string | { to: string }>,
  modes: Record<string, number>,
  found: RegExp,
])[] = [
  ['a machine-id', { 'etc/machine-id': `${'a'.repeat(32)}\n` }, {}, /^etc\/machine-id says which machine/],
  [
    'a random seed',
    { 'usr/lib/systemd/random-seed': 'x' },
    {},
    /^usr\/lib\/systemd\/random-seed is a random seed/,
  ],
  ['a password', { 'etc/shadow': 'root:$y$j9T$abc$def:20000::::::\n' }, {}, /root has a password/],
  ['no password at all', { 'etc/shadow': 'root::20000::::::\n' }, {}, /root has a password, or needs none/],
  [
    'a second root',
    { 'etc/passwd': 'root:x:0:0::/:/bin/sh\ntoor:x:0:0::/:/bin/sh\n' },
    {},
    /toor is root by another name/,
  ],
  ['sshd', { 'usr/sbin/sshd': '' }, { 'usr/sbin/sshd': 0o755 }, /^usr\/sbin\/sshd is a program that listens/],
  ['a host key', { 'etc/ssh/ssh_host_ed25519_key': 'x' }, {}, /is a key of SSH/],
  ['set-user-id', { 'usr/bin/su': '' }, { 'usr/bin/su': 0o4755 }, /^usr\/bin\/su is run as somebody else/],
  [
    'a file for everybody to write',
    { 'usr/bin/x': '' },
    { 'usr/bin/x': 0o777 },
    /^usr\/bin\/x may be written/,
  ],
  [
    'a getty',
    { 'etc/systemd/system/serial-getty@.service': '[Service]\n' },
    {},
    /^etc\/systemd\/system\/serial-getty@.service does not lead/,
  ],
  [
    'a getty that is wanted',
    { 'etc/systemd/system/getty.target.wants/getty@tty1.service': { to: '/x' } },
    {},
    /getty@tty1.service is enabled/,
  ],
  [
    'a service that is enabled',
    { 'etc/systemd/system/multi-user.target.wants/x.service': { to: '/x' } },
    {},
    /x.service is enabled/,
  ],
  [
    'a socket',
    { 'usr/lib/systemd/system/x.socket': '[Socket]\nListenStream=22\n' },
    {},
    /x.socket listens on a network: ListenStream=22/,
  ],
  [
    'a socket of datagrams',
    { 'etc/systemd/system/x.socket': '[Socket]\nListenDatagram=0.0.0.0:69\n' },
    {},
    /ListenDatagram=0.0.0.0:69/,
  ],
  ['a private key', { 'opt/x/y.pem': pem }, {}, /^opt\/x\/y.pem has a private key in it$/],
  [
    'an encrypted one',
    {
      'a name with spaces/k':
        '-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n' +
        `${'A'.repeat(64)}\n`,
    },
    {},
    /^a name with spaces\/k has a private key in it$/,
  ],
  [
    'a root that is written',
    { 'etc/fstab': 'x / ext4 rw 0 1\nx /var ext4 nosuid,nodev 0 2\n' },
    {},
    /\/ is not mounted read-only/,
  ],
  ['a package', { 'var/cache/apt/archives/x.deb': '' }, {}, /left over from the build/],
];

for (const [what, seed, modes, found] of violations) {
  situation(`${what} is found, and nothing else`, async () => {
    const faults = await withImage(seed, modes, faultsOf);
    assert.is(faults.length, 1, faults.join('; '));
    assert.match(faults[0] ?? '', found);
  });
}

situation('a key that was deleted, or is in no file, is found', async () => {
  await withImage({}, {}, async (image) => {
    const file = await open(image, 'r+');
    // Over the end of a piece that is read at once.
    await file.write(pem, bytes - 4096);
    await file.close();
    const faults = await faultsOf(image);
    assert.equal(faults, [
      `the root partition, where no file is (byte ${bytes - 4096 + pem.indexOf('PRIVATE KEY')}), has a private key in it`,
    ]);
  });
});

test('a key is found wherever it lies across what is read at once', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'loadline-scan-'));
  try {
    const piece = 16 * mebibyte;
    const head = pem.indexOf('PRIVATE KEY');
    for (const from of [0, piece - pem.length, piece - 100, piece - head, piece - 1, piece, 2 * piece - 20]) {
      const image = join(folder, 'x');
      const file = await open(image, 'w');
      await file.truncate(3 * piece);
      await file.write(pem, from);
      await file.close();
      assert.equal(await scanForKeys(image, []), [`byte ${from + head} has a private key in it`]);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});

situation('the data partition of an image has no file in it', async () => {
  await withImage({}, {}, async (image) => {
    assert.ok(
      (await scanData(new ExtImage(image, 0))).some((fault) => fault.startsWith('var/etc/passwd is a file')),
    );
  });
});

situation('two file systems of one tree are the same bytes', async () => {
  const digests = [];
  for (let count = 0; count < 2; count += 1)
    digests.push(await withImage({ big: 'x'.repeat(100_000) }, {}, async (image) => await readFile(image)));
  assert.ok(digests[0]?.equals(digests[1] ?? Buffer.alloc(0)));
});

test.run();
