// @long
// In a network of its own, seen from outside: the gateway listens to nothing, and contacts the named destinations only.
// By what listens, what comes over the wire, and what it asks of the kernel. Each way of seeing is shown to see first.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundlePath } from '@loadline/device-runtime';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  realClock,
  until,
  VirtualBaseStation,
  VirtualPort,
  VirtualRadio,
  windTransmitter,
} from '../rig/index.ts';
import { needs } from '../runner/debian.ts';
import { CloudProcess, Service } from '../system/index.ts';
import { contactsIn, nowhere, OwnNetwork, outside, outsideName } from './own-network.ts';

const test = suite('outbound only');
const mark = 'LOADLINE_OWN_NETWORK';

/** Networks of one's own, their counters and strace are root's. */
async function whyNot(): Promise<true | string> {
  if (process.getuid?.() !== 0) return 'only root may make a network of its own';
  for (const [command, from] of [
    ['nft', 'nftables'],
    ['ip', 'iproute2'],
    ['ss', 'iproute2'],
    ['strace', 'strace'],
  ] as const) {
    const found = await needs(command, from);
    if (found !== true) return found;
  }
  try {
    // As the test will be: a wire in a network of its own, and a process traced.
    const script =
      'ip link add outside type veth peer name wire; nft add table inet t; strace -qq -o /dev/null true';
    execFileSync('unshare', ['--net', '--mount', 'sh', '-ec', script], { stdio: 'pipe' });
    return true;
  } catch (error) {
    return String((error as { stderr: Buffer }).stderr)
      .trim()
      .replaceAll('\n', '; ');
  }
}

let folder: string;
let network: OwnNetwork;
let runs = 0;

/** A small program inside, traced; what it did on the wire and asked of the kernel while `check` looked on. */
async function stranger(code: string, check: () => Promise<void> = async () => {}) {
  const trace = join(folder, `stranger-${runs++}.strace`);
  const file = join(folder, 'stranger.cjs');
  writeFileSync(
    file,
    `${code}; console.log('{"event":"there"}'); process.on('SIGTERM', () => process.exit(0));`,
  );
  await network.count({ tcp: [1] });
  const program = new Service({
    name: 'stranger',
    file,
    args: [],
    nodeFlags: [],
    under: network.under(trace),
  });
  await program.line('there');
  await check();
  await program.stop();
  return { ...contactsIn(trace), ...(await network.counted()) };
}

const stray = (count: number) => async () => {
  await until(async () => (await network.counted()).stray >= count, { what: 'a stray packet is counted' });
};

test.before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'loadline-outbound-'));
  network = await OwnNetwork.open(folder);
});
test.after(async () => {
  await network.close();
  rmSync(folder, { recursive: true });
});

test('a program that does nothing is seen to do nothing', async () => {
  assert.equal(await stranger('setInterval(() => {}, 1000)'), {
    destinations: [],
    waits: [],
    ...{ tcp: 0, dns: 0, stray: 0 },
  });
  assert.equal(await network.listening(), []);
});

test('a listener is seen, on TCP and on UDP', async () => {
  const code = `require('node:net').createServer().listen(4711); require('node:dgram').createSocket('udp4').bind(4712)`;
  const { waits } = await stranger(code, async () => {
    await until(async () => (await network.listening()).length === 2, { what: 'ss sees both' });
    assert.match((await network.listening()).join('\n'), /:4712.*\n.*:4711/);
  });
  assert.ok(
    waits.some((line) => line.includes('listen(')) && waits.some((line) => line.includes('htons(4712)')),
  );
});

test('a stray connection is seen, to the outside on another port and to anywhere', async () => {
  const code = `for (const [h, p] of [['${outside}', 9], ['${nowhere}', 443]]) require('node:net').connect(p, h).on('error', () => {})`;
  const { destinations, stray: packets } = await stranger(code, stray(2));
  assert.equal(destinations, [`${outside} 9`, `${nowhere} 443`]);
  assert.ok(packets >= 2);
});

test('a stray datagram is seen, and a question to a DNS server that is not the named one', async () => {
  const code = `const s = require('node:dgram').createSocket('udp4'); s.send('x', 123, '${outside}'); s.send('x', 53, '${nowhere}')`;
  const { destinations, stray: packets } = await stranger(code, stray(2));
  assert.equal(destinations, [`${outside} 123`, `${nowhere} 53`]);
  assert.ok(packets >= 2);
});

test('the gateway enrols, delivers and ends, and nothing listens and nothing but the named is contacted', async () => {
  const cloud = await CloudProcess.start({
    state: join(folder, 'cloud'),
    host: '0.0.0.0',
    names: [outsideName],
  });
  const port = await VirtualPort.open({ folder: join(folder, 'dev') });
  const home = join(folder, 'gateway');
  mkdirSync(home, { mode: 0o700 });
  writeFileSync(join(home, 'authority.pem'), cloud.authorityPem);
  const { enrolmentSecret } = await cloud.organisation.createDevice({ body: { id: 'mast-1' } });
  writeFileSync(join(home, 'secret'), enrolmentSecret, { mode: 0o600 });
  writeFileSync(
    join(home, 'gateway.toml'),
    `
[gateway]
id = "mast-1"
state = "state"
[uplink]
host = "${outsideName}"
port = ${cloud.mqttPort}
authority = "authority.pem"
[enrolment]
url = "https://${outsideName}:${cloud.httpsPort}"
secret_file = "secret"
[unconfigured]
sightings = 1
[[ports]]
name = "radio"
path = "${port.path}"
`,
  );
  await network.count({ tcp: [cloud.mqttPort, cloud.httpsPort] });
  const trace = join(folder, 'gateway.strace');
  const gateway = new Service({
    name: 'gateway',
    file: bundlePath,
    args: ['--config', join(home, 'gateway.toml')],
    nodeFlags: [],
    under: network.under(trace),
  });
  const radio = new VirtualRadio(
    new VirtualBaseStation(port, { address: 1 }),
    [windTransmitter({ tag: 0x25df, intervalMs: 20 })],
    { clock: realClock },
  );
  await gateway.line('port-open');
  radio.start();
  const seen: string[] = [];
  let looks = 0;
  await until(
    async () => {
      seen.push(...(await network.listening()));
      looks++;
      if (!gateway.log.some(({ event }) => event === 'uplink-connected')) return false;
      return (await cloud.organisation.getLedger({ device: 'mast-1' })).readings.stored >= 100;
    },
    { limitMs: 60_000, what: 'a hundred readings are stored' },
  );
  radio.stop();
  const { code } = await gateway.stop();
  const { tcp, dns, stray: packets } = await network.counted();
  const { destinations, waits } = contactsIn(trace);
  await port.close();
  await cloud.service.stop();

  assert.is(code, 0);
  assert.ok(looks >= 3);
  assert.equal(seen, [], 'ss');
  assert.equal(waits, [], 'bind, listen, accept');
  assert.equal(
    destinations,
    [`${outside} ${cloud.mqttPort}`, `${outside} ${cloud.httpsPort}`, `${outside} 53`].sort(),
    'strace',
  );
  assert.is(packets, 0, 'packets that went astray');
  assert.ok(tcp > 20 && dns > 0, `${tcp} packets to the cloud, ${dns} to DNS`);
  assert.equal([...new Set(network.questions)], [outsideName]);
});

if (process.env[mark] === '1') test.run();
else {
  const possible = await whyNot();
  if (possible === true) {
    // Once more, in a network of this test's own, with the cloud in it: nothing of the machine's own is touched.
    const words = ['--net', '--mount', process.execPath, ...process.execArgv, fileURLToPath(import.meta.url)];
    const { status } = spawnSync('unshare', words, {
      stdio: 'inherit',
      env: { ...process.env, [mark]: '1' },
    });
    process.exitCode = status ?? 1;
  } else {
    console.log(`skipped: outbound only: ${possible}`);
    const skipped = suite('outbound only');
    skipped.skip('the gateway, seen from outside', () => {});
    skipped.run();
  }
}
