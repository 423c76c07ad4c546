import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { formerPorts } from '../accounts.ts';
import { facts } from '../control/fixtures/status.ts';
import { makeFleet } from './fixtures/fleet.ts';
import { closedPort, Place } from './fixtures/place.ts';

const test = suite('doctor');

const fleet = await makeFleet();
const stranger = await makeFleet();
let place: Place;

test.before.each(() => {
  place = new Place(facts, fleet.authorityPem);
});
test.after.each(() => place.leave());

/** A server that takes TLS connections, on a port of its own; the address is closed at the end. */
async function door(identity = fleet.server) {
  const server = createTlsServer({ ...identity, ALPNProtocols: ['mqtt'] }).listen(0, 'localhost');
  server.on('tlsClientError', () => {});
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, close: () => server.close() };
}

test('a gateway that is well: nothing is wrong, code 0', async () => {
  await place.run();
  assert.equal(await place.doctor(), { code: 0, said: 'Nothing is wrong.\n' });
});

test('warnings alone are code 1, and say what to do', async () => {
  const control = await place.run();
  control.event({ code: 'sensor-stale', subject: '25DF', detail: 'nothing for 30 s' });
  const { code, said } = await place.doctor();
  assert.is(code, 1);
  assert.match(said, 'WARNING sensor-stale 25DF: nothing was heard of the sensor');
  assert.match(said, '-> check the battery and the distance');
});

test('errors are code 2 and come first', async () => {
  const control = await place.run({ verdict: { kind: 'wedged', what: 'uplink: none is acknowledged' } });
  control.event({ code: 'sensor-stale', subject: '25DF', detail: 'x' });
  control.event({ code: 'tag-twice', subject: '0007', detail: 'x' });
  const { code, said } = await place.doctor();
  assert.is(code, 2);
  assert.equal(
    said.split('\n').flatMap((line) => /^[A-Z]+ +[a-z-]+/.exec(line)?.[0].replace(/ +/, ' ') ?? []),
    ['ERROR gateway', 'ERROR tag-twice', 'WARNING sensor-stale'],
  );
});

test('an event that was taken back is not told', async () => {
  const control = await place.run();
  control.event({ code: 'port-lost', subject: 'radio', detail: 'x' });
  control.event({ code: 'port-open', subject: 'radio', detail: 'x' });
  assert.is((await place.doctor()).code, 0);
});

test('a gateway that does not run is code 3, with what can be said all the same', async () => {
  const cloud = await door();
  place.configure('', 'localhost', cloud.port);
  const { code, said } = await place.doctor();
  cloud.close();
  assert.is(code, 3);
  assert.match(said, 'The gateway could not be asked');
  assert.match(said, 'no gateway runs here');
  assert.not.match(said, 'cloud:');
});

test('a gateway whose identity is there twice is told to look for the copy, and nothing of its network', async () => {
  const control = await place.run({ cloud: { ...facts.cloud, link: 'down' } });
  const cloud = await door();
  place.configure('', 'localhost', cloud.port);
  control.event({ code: 'identity-contested', subject: '', detail: 'the cloud said identity-contested: …' });
  const contested = await place.doctor();
  control.event({ code: 'identity-admitted', subject: '', detail: '' });
  const admitted = await place.doctor();
  cloud.close();
  assert.is(contested.code, 2);
  assert.match(
    contested.said,
    /ERROR +identity-contested: another process with the identity of this gateway/,
  );
  assert.match(contested.said, '-> find the copy');
  assert.not.match(contested.said, 'no link to');
  assert.not.match(admitted.said, 'identity-contested');
});

test('a link that is down: the doctor goes the way itself and says where it ends', async () => {
  const down = { cloud: { ...facts.cloud, link: 'down' as const } };
  await place.run(down);
  const cloud = await door(stranger.server);
  const portal = createServer((socket) => socket.on('error', () => {}).end('HTTP/1.0 302 Found\r\n\r\n'));
  await once(portal.listen(0, 'localhost'), 'listening');
  const ways: [string, number, RegExp][] = [
    ['no-such-host.invalid', 8883, /the name no-such-host.invalid has no address/],
    ['localhost', await closedPort(), /nothing answers at localhost:\d+: ECONNREFUSED/],
    [
      'localhost',
      cloud.port,
      /is not the cloud: .*CERT|is not the cloud: .*SELF_SIGNED|is not the cloud: .*VERIFY/,
    ],
    ['localhost', (portal.address() as AddressInfo).port, /is not the cloud: ERR_SSL/],
  ];
  for (const [host, port, wanted] of ways) {
    place.configure('', host, port);
    const { code, said } = await place.doctor();
    assert.is(code, 2);
    assert.match(said, 'no link to cloud.example:8883; the last one ended: read ECONNRESET');
    assert.match(said, wanted);
  }
  cloud.close();
  portal.close();
});

test('a configuration that cannot be used is told with line and key', async () => {
  place.configure('wrong = 1');
  const { code, said } = await place.doctor();
  assert.is(code, 3);
  assert.match(said, /gateway\.toml:\d+: ports\[1\]\.wrong is not a key/);
});

test('files that others may read, and ports that are not there', async () => {
  await place.run();
  place.expose('state/gateway.key', 0o644);
  place.expose('state', 0o755);
  writeFileSync(join(place.folder, 'authority.pem'), 'nonsense');
  place.configure('[[ports]]\nname = "second"\npath = "/dev/ttyNOWHERE"\n');
  const { code, said } = await place.doctor();
  assert.is(code, 2);
  assert.match(said, 'others may read the private key');
  assert.match(said, `chmod 700 ${place.state}`);
  assert.match(said, 'port second: there is no /dev/ttyNOWHERE');
  assert.match(said, "is not the fleet's authority");
});

test('a certificate that ends soon, one that has ended, and a machine that believes it is 1970', async () => {
  const day = 86_400_000;
  const cloud = await door();
  place.configure('', 'localhost', cloud.port);
  assert.match(
    (await place.doctor({ wall: Date.now() + 26 * day })).said,
    /certificate: it ends in (3|4) days/,
  );
  assert.match(
    (await place.doctor({ wall: Date.now() + 40 * day })).said,
    /certificate: it ended 1[01] days ago/,
  );
  // Renewed in time it has ten left.
  assert.not.match((await place.doctor({ wall: Date.now() + 20 * day })).said, 'certificate:');
  assert.match((await place.doctor({ wall: 0 })).said, 'believes that it is 1970-01-01');
  cloud.close();
});

test('a state folder that is not there yet', async () => {
  rmSync(place.state, { recursive: true });
  assert.match((await place.doctor()).said, 'is not there yet');
  mkdirSync(place.state, { mode: 0o700 });
  assert.match((await place.doctor()).said, /there is no .*gateway\.key yet/);
});

test('what the gateway says of itself becomes findings', async () => {
  const [port] = facts.health.ports;
  assert.ok(port);
  await place.run({
    cloud: { ...facts.cloud, link: 'unborn' },
    health: {
      ...facts.health,
      ports: [
        { ...port, open: false, trouble: 'EACCES' },
        { ...port, name: 'quiet', bytes: 0, frameBytes: 0, discardedBytes: 0 },
        { ...port, name: 'wrong', bytes: 20_000, discardedBytes: 20_000, frameBytes: 0, frames: 0 },
        { ...port, name: 'noisy', bytes: 20_000, discardedBytes: 4000 },
        { ...port, name: formerPorts, open: false },
      ],
      journal: { ...facts.health.journal, dropped: 7, heldBytes: 200e6, disk: 'failing' },
      clock: { trust: 'nobody', uncertaintyMs: null },
      certificate: { daysLeft: -2 },
      process: { residentBytes: 300e6, cpuSeconds: 1 },
    },
  });
  const cloud = await door();
  place.configure('', 'localhost', cloud.port);
  const { said } = await place.doctor();
  cloud.close();
  for (const text of [
    'certificate: there is none',
    'port radio: it is not open: EACCES',
    'port quiet: it is open and nothing has ever come',
    'port wrong: bytes come and none is a frame',
    'port noisy: 20 % of its bytes are no frames',
    'certificate: it ended 2 days ago',
    "disk: the journal's disk is failing",
    'journal: 7 readings were dropped, and declared',
    'journal: 0 entries wait for the cloud, 75 % of the room',
    'clock: nobody vouches for the time',
    'memory: the gateway takes 300 MB',
  ]) {
    assert.ok(said.includes(text), `${text}\n\n${said}`);
  }
  assert.not.match(said, formerPorts);
});

test('a release that was gone back from, or refused, is told once, by the event or by how far it is', async () => {
  for (const [progress, code, says] of [
    [
      { state: 'rolled-back', detail: 'it hangs' },
      'release-rolled-back',
      'the offered one was gone back from: it hangs',
    ],
    [
      { state: 'refused', code: 'no-room', detail: 'it takes 9 MB' },
      'release-refused',
      'the offered one was refused (no-room): it takes 9 MB',
    ],
  ] as const) {
    const control = await place.run({ release: { ...facts.release, offer: 'f00d', progress } });
    const later = await place.doctor();
    assert.is(later.code, 1);
    assert.match(later.said, `WARNING release: ${says}`);
    control.event({ code, subject: '', detail: 'just now' });
    const now = await place.doctor();
    assert.is(now.code, 2);
    assert.not.match(now.said, says);
    await place.leave();
    place = new Place(facts, fleet.authorityPem);
  }
});

const onLinux = process.platform === 'linux' ? test : test.skip;

onLinux('a program that has the port open is named', async () => {
  await place.run();
  const device = openSync('/dev/full', 'r');
  const holder = spawn('sleep', ['60'], { stdio: [device, 'ignore', 'ignore'] });
  closeSync(device);
  await once(holder, 'spawn');
  const { code, said } = await place.doctor();
  holder.kill();
  await once(holder, 'exit');
  assert.is(code, 2);
  assert.match(said, `port radio: sleep (process ${holder.pid}) has /dev/full open`);
});

test('gives it as JSON', async () => {
  await place.run();
  assert.equal(JSON.parse((await place.doctor({ json: true })).said), { asked: true, findings: [] });
});

test.run();
