// What the ladder looks with: a search that finds nothing must be one that would have found something.
import { spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { canHaveOwnNetwork } from './lan.ts';
import { strayListeners } from './listeners.ts';
import { knockTcp, knockUdp } from './probe.ts';
import { Rung, RungEnded } from './rung.ts';
import { rungs } from './rungs.ts';

const test = suite('what the ladder looks with');

test('knocking finds a TCP port that is open, and tells it from one that refuses', async () => {
  const server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const around = [port - 1, port, port + 1].filter((each) => each <= 65_535);
  const { open, refused, silent } = await knockTcp('127.0.0.1', around);
  assert.equal([open, refused + silent], [[port], around.length - 1]);
  server.close();
});

test('knocking finds a UDP port that answers', async () => {
  const socket = createSocket('udp4');
  socket.on('message', (message, { port, address }) => socket.send(message, port, address));
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  assert.equal(await knockUdp('127.0.0.1', [port, port === 9 ? 10 : 9]), [port]);
  socket.close();
});

test('of what ss says, the DHCP client and what only the machine itself reaches are no doors, and all else is', () => {
  const dhcp = 'udp UNCONN 0 0 10.78.0.102%end0:68 0.0.0.0:* users:(("systemd-network",pid=36,fd=17))';
  const own = 'tcp LISTEN 0 9 127.0.0.1:631 0.0.0.0:* users:(("other",pid=40,fd=3))';
  const llmnr = 'udp UNCONN 0 0 0.0.0.0:5355 0.0.0.0:* users:(("systemd-resolve",pid=37,fd=11))';
  const shell = 'tcp LISTEN 0 128 [::]:22 [::]:* users:(("sshd",pid=41,fd=3))';
  const imposter = 'udp UNCONN 0 0 0.0.0.0:68 0.0.0.0:* users:(("other",pid=42,fd=3))';
  assert.equal(strayListeners(`${dhcp}\n${own}\n`), []);
  assert.equal(strayListeners([dhcp, llmnr, shell, imposter].join('\n')), [llmnr, shell, imposter]);
});

test('the first thing that fails ends a rung, and is told with why', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'loadline-rung-'));
  const said: string[] = [];
  const rung = new Rung('trial', folder, (line) => said.push(line));
  await rung.show('one', async () => 'seen');
  const ended = await rung
    .show('two', async () => {
      throw new Error('not there');
    })
    .catch((error) => error);
  assert.instance(ended, RungEnded);
  assert.equal(
    rung.shown.map(({ what, result, seen }) => [what, result, seen]),
    [
      ['one', 'passed', 'seen'],
      ['two', 'failed', 'not there'],
    ],
  );
  assert.match(said.at(-1) ?? '', /✗ two .*not there/);
  rmSync(folder, { recursive: true });
});

const asRoot = process.getuid?.() === 0 ? test : test.skip;
if (process.getuid?.() !== 0)
  console.log('skipped: what a machine lacks is told in a line: only root may climb');

asRoot(
  'what an image is built with is installed before a machine is climbed, or a line says why not',
  async () => {
    const said = await withPrograms(
      {
        'dpkg-query': 'exit 1',
        'apt-get':
          '[ "$1" = update ] && exit; echo "$@" >"$ASKED"; printf "Reading\\nE: no such package\\n" >&2; exit 100',
      },
      async (folder) => {
        process.env.ASKED = join(folder, 'asked');
        const there = await rungs.find(({ name }) => name === 'virt')?.ready();
        return { there, asked: readFileSync(process.env.ASKED, 'utf8').split(' ') };
      },
    );
    assert.match(String(said.there), /^npm run image:deps failed: [^\n]*no such package$/);
    for (const each of ['dosfstools', 'fdisk', 'mmdebstrap', 'mtools', 'qemu-system-arm', 'qemu-user-static'])
      assert.ok(said.asked.includes(each), `${each} is not among ${said.asked}`);
  },
);

test('that no network can be made is told in a line', async () => {
  const unshare = 'printf "more\\nunshare: unshare failed: Operation not permitted\\n" >&2; exit 1';
  const said = await withPrograms({ unshare }, () => canHaveOwnNetwork('tap'));
  assert.is(
    said,
    'a network with a wire of its own (tap) cannot be made on this machine: unshare: unshare failed: Operation not permitted',
  );
});

/** Runs with shell scripts in the place of programs. */
async function withPrograms<T>(
  scripts: Readonly<Record<string, string>>,
  work: (folder: string) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'loadline-programs-'));
  const before = process.env.PATH;
  for (const [name, script] of Object.entries(scripts))
    writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  process.env.PATH = `${folder}:${before}`;
  try {
    return await work(folder);
  } finally {
    process.env.PATH = before;
    rmSync(folder, { recursive: true });
  }
}

test('called wrongly it says how it is called', () => {
  const main = join(import.meta.dirname, 'main.ts');
  const { status, stderr } = spawnSync(process.execPath, [...process.execArgv, main, '--rung', 'moon'], {
    encoding: 'utf8',
  });
  assert.is(status, 2);
  assert.match(stderr, 'there is no rung moon');
  assert.match(stderr, 'Usage: npm run test:image');
});

test.run();
