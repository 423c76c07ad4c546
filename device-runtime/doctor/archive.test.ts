// Secrets are planted wherever a gateway could have one; none may be in the archive, nor any text that is not its own.
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { events } from '@loadline/sdk/contract';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { facts, heard } from '../control/fixtures/status.ts';
import { makeFleet } from './fixtures/fleet.ts';
import { Place } from './fixtures/place.ts';

const test = suite('support archive');

const needle = (n: number) => `hunter2-needle-${n}-Zq9`;
const fleet = await makeFleet();
let place: Place;

test.before.each(() => {
  place = new Place(facts, fleet.authorityPem);
});
test.after.each(() => place.leave());

async function archive(): Promise<string> {
  const bundle = join(place.folder, 'support.json.gz');
  await place.doctor({ bundle });
  assert.is(statSync(bundle).mode & 0o777, 0o600);
  return gunzipSync(readFileSync(bundle)).toString('utf8');
}

function plantEverywhere(): void {
  place.configure(
    `
[[ports]]
name = "p ${needle(1)}"
path = "/dev/serial/${needle(2)}"
driver = "so"
options = { template = "${needle(3)}", password = "${needle(4)}" }
[[sensors]]
tag = "0001"
name = "${needle(5)}"
unit = "${needle(6).slice(0, 20)}"
module = "${needle(7)}"
[[drivers]]
name = "own"
module = "./${needle(8)}.mjs"
[[derived]]
tag = "0002"
name = "${needle(9)}"
unit = "x"
kind = "peak"
of = "${needle(5)}"
[enrolment]
url = "https://${needle(10)}.invalid/${needle(11)}"
secret_file = "${needle(12)}"
[uplink.proxy]
url = "http://${needle(13)}.invalid:3128"
user = "${needle(14)}"
password_file = "password-${needle(15)}"
[control]
socket = "state/control.sock"
`,
    'localhost',
  );
  writeFileSync(join(place.folder, needle(12)), needle(16));
  writeFileSync(join(place.folder, `password-${needle(15)}`), needle(17));
  writeFileSync(join(place.state, 'gateway.key'), `-----BEGIN PRIVATE KEY-----\n${needle(18)}\n`, {
    mode: 0o600,
  });
  writeFileSync(join(place.state, 'gateway.log'), needle(19));
  process.env.LOADLINE_TOKEN = needle(20);
}

test('no secret of configuration, state, environment, log or error is in it, while the gateway runs', async () => {
  plantEverywhere();
  const reason = `connect ECONNREFUSED ${needle(21)} password=${needle(22)} SECRETCODE EHUNTER`;
  const control = await place.run({
    gateway: { ...facts.gateway, id: needle(23), version: needle(24), revision: needle(25) },
    cloud: { host: needle(26), port: 1, link: 'down' },
    verdict: { kind: 'wedged', what: needle(27) },
    health: {
      ...facts.health,
      epoch: needle(28),
      ports: facts.health.ports.map((port) => ({ ...port, name: needle(29), trouble: needle(30) })),
      uplink: { ...facts.health.uplink, disconnects: [{ secondsAgo: 1, reason }] },
    },
  });
  control.event({ code: 'tag-twice', subject: needle(31), detail: `EPIPE ${needle(32)}` });
  control.reading({ ...heard(1, 1), value: { type: 'string', value: needle(33) } });
  const text = await archive();
  // The control: they can be found where they are shown to whoever is beside the gateway.
  assert.match((await place.doctor()).said, 'hunter2-needle-27');
  assert.not.match(text, /needle|hunter|Zq9|PRIVATE|SECRETCODE|EHUNTER|password/i);
  const { gateway, findings, configuration } = JSON.parse(text);
  assert.equal(gateway.health.uplink.disconnects, [{ secondsAgo: 1, codes: ['ECONNREFUSED'] }]);
  assert.equal(gateway.standing, [{ code: 'tag-twice', secondsAgo: 0, times: 1, codes: ['EPIPE'] }]);
  assert.is(configuration.uplink.proxied, true);
  assert.equal(configuration.sensors, [{ tag: 1, send: { policy: 'every' } }]);
  assert.ok(findings.some(({ about }: { about: string }) => about === 'tag-twice'));
});

test('nor while it does not run', async () => {
  plantEverywhere();
  const text = await archive();
  assert.not.match(text, /needle|hunter|Zq9|PRIVATE|password/i);
  assert.is(JSON.parse(text).gateway, null);
});

test('every string in it is one of a known shape', async () => {
  plantEverywhere();
  await place.run();
  const strings: string[] = [];
  JSON.parse(await archive(), (_, value) => {
    if (typeof value === 'string') strings.push(value);
    return value;
  });
  const shapes = /^(\d+\.\d+\.\d+|\d{4}-[\d-]+T[\d:.]+Z|\/dev\/[A-Za-z0-9]{1,20}|[a-z0-9-]{1,40}|[A-Z_]+)$/;
  assert.equal(
    strings.filter((string) => !shapes.test(string)),
    [],
  );
  assert.ok(Object.keys(events).length > 0 && strings.length > 5);
});

test('says how the gateway is, in figures', async () => {
  await place.run();
  const { gateway, machine, certificateDaysLeft } = JSON.parse(await archive());
  assert.is(gateway.health.frames, facts.health.frames);
  assert.is(gateway.link, 'up');
  assert.match(machine.node, /^24\./);
  assert.is(certificateDaysLeft, 29);
});

test.run();
