// Clients that nobody here wrote: mosquitto_pub and mosquitto_sub of Debian, at the MQTT door and by ALPN at the other.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gatewayTopic } from '@loadline/sdk/contract';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { until } from '../rig/index.ts';
import { needs } from '../runner/debian.ts';
import { enrolIdentity } from '../system/mqtt-gateway.ts';
import { batchMaker } from './batches.ts';
import { run, start } from './program.ts';
import { takeInSoftware } from './software-device.ts';
import { type TemporaryCloud, temporaryCloud } from './temporary-cloud.ts';

const found = await needs('mosquitto_pub', 'mosquitto-clients');
if (found !== true) console.log(`skipped: mosquitto_pub and mosquitto_sub: ${found}`);
const all = suite('mosquitto_pub and mosquitto_sub');
const test = found === true ? all : all.skip;

const gateway = 'mast-1';
const telemetry = gatewayTopic(gateway, 'telemetry');

let temporary: TemporaryCloud;
let proof: readonly string[];
const nextBatch = batchMaker({ readings: 5 });
let delivered = 0;

/** Writes a file into the folder of this test; its path. */
function file(name: string, content: string | Uint8Array): string {
  const path = join(temporary.folder, name);
  writeFileSync(path, content, { mode: 0o600 });
  return path;
}

/** Where to, and whom to trust there. */
function door(port: number = temporary.cloud.mqttPort): string[] {
  const authority = file('authority.pem', temporary.cloud.authorityPem);
  return ['-h', 'localhost', '-p', String(port), '--cafile', authority, '-V', 'mqttv311'];
}

/** mosquitto_sub, that says what it has to say line by line: into a pipe it would keep it until its end. */
function subscribe(...args: string[]) {
  return start('stdbuf', ['-oL', 'mosquitto_sub', ...args, '-d']);
}

async function publish(
  topic: string,
  { by = proof, to = door(), qos = 1 }: { by?: readonly string[]; to?: readonly string[]; qos?: number } = {},
) {
  const batch = file('batch', nextBatch());
  return await run('mosquitto_pub', [...to, ...by, '-t', topic, '-f', batch, '-q', String(qos)]);
}

async function ledger() {
  const { deliveries, readings } = await temporary.cloud.organisation.getLedger({ device: gateway });
  return { deliveries: deliveries.stored, readings: readings.stored };
}

all.before(async () => {
  temporary = await temporaryCloud();
  const identity = await enrolIdentity(temporary.cloud, gateway);
  const [key, certificate] = [file('key.pem', identity.privateKeyPem), file('chain.pem', identity.chainPem)];
  proof = ['--key', key, '--cert', certificate, '-i', gateway];
});
all.after(() => temporary.end());

test('a gateway by its certificate: when mosquitto_pub has its PUBACK, the batch is stored', async () => {
  for (const to of [door(), [...door(temporary.cloud.httpsPort), '--tls-alpn', 'mqtt']]) {
    const { code, stderr } = await publish(telemetry, { to });
    assert.is(code, 0, stderr);
    delivered += 1;
    assert.equal(await ledger(), { deliveries: delivered, readings: 5 * delivered });
  }
});

test('without a certificate, under another name and to a foreign topic it gets nowhere, and is told so', async () => {
  const stranger = await publish(telemetry, { by: ['-i', gateway] });
  assert.equal([stranger.code, /not authorised/i.test(stranger.stderr)], [5, true], stranger.stderr);
  const impostor = await publish(telemetry, { by: [...proof.slice(0, 4), '-i', 'mast-2'] });
  assert.equal([impostor.code, /identifier rejected/i.test(impostor.stderr)], [2, true], impostor.stderr);
  const astray = start('mosquitto_pub', [
    ...door(),
    ...proof,
    '-t',
    gatewayTopic('mast-2', 'telemetry'),
    '-m',
    'x',
    '-q',
    '1',
    '-d',
  ]);
  await until(() => /error|lost|disconnect/i.test(astray.said()) || undefined, {
    limitMs: 15_000,
    what: 'its end',
  });
  astray.kill();
  await astray.ended;
  assert.not.match(astray.said(), /PUBACK/);
  assert.equal(await ledger(), { deliveries: delivered, readings: 5 * delivered });
});

test('a gateway hears its notice topic by mosquitto_sub, and not that of another', async () => {
  const own = subscribe(...door(), ...proof, '-t', gatewayTopic(gateway, 'notice'));
  await until(() => /Subscribed \(mid: 1\): [01]\b/.test(own.said()), {
    limitMs: 15_000,
    what: `SUBACK 0 or 1: ${own.said()}`,
  });
  own.kill();
  const other = await run('mosquitto_sub', [
    ...door(),
    ...proof,
    '-t',
    gatewayTopic('mast-2', 'notice'),
    '-d',
  ]);
  assert.match(other.stdout + other.stderr, /denied|128/i);
});

test('an application hears by its key what is committed, as it is committed; a wrong secret hears nothing', async () => {
  const { organisation } = temporary.cloud;
  const { id: application } = await organisation.createApplication({
    body: { name: 'board', devices: null },
  });
  const { id, secret } = await organisation.createApplicationKey({ application, body: { name: 'key' } });
  temporary.cloud.service.watchFor(secret, 'the secret of an application key');
  const login = (password: string) => ['-u', id, '-P', password, '-i', 'board-1'];
  const topic = `v1/org/first/devices/+/readings`;
  const board = subscribe(...door(), ...login(secret), '-t', topic, '-C', '1', '-v');
  await until(() => /Subscribed/.test(board.said()), { limitMs: 15_000, what: 'the subscription' });
  const { code } = await publish(telemetry);
  assert.is(code, 0);
  delivered += 1;
  const heard = await board.ended;
  assert.is(heard.code, 0, heard.stderr);
  const message = heard.stdout
    .split('\n')
    .find((line) => line.startsWith(`v1/org/first/devices/${gateway}/readings `));
  const { device, tag, points } = JSON.parse(String(message).slice(String(message).indexOf(' ')));
  assert.equal([device, tag, points.at(-1)[1]], [gateway, '1000', 12.5]);

  const wrong = await run('mosquitto_sub', [...door(), ...login('A'.repeat(43)), '-t', topic, '-C', '1']);
  assert.equal([wrong.code, wrong.stdout], [5, '']);
});

test('a device delivers by its key, in JSON and SenML; not for another, and not with another secret', async () => {
  const { cloud } = temporary;
  const device = 'logger';
  const { key } = await takeInSoftware(cloud, device);
  const login = (secret: string) => ['-u', key.id, '-P', secret, '-i', device];
  const say = (channel: string, message: string, secret = key.secret, whose = device) => {
    const words = ['-t', `v1/dev/${whose}/${channel}`, '-m', message, '-q', '1'];
    return start('mosquitto_pub', [...door(), ...login(secret), ...words, '-d']);
  };
  for (const [channel, message] of [
    ['json', '{"temp":21.5}'],
    ['senml', '[{"n":"temp","u":"Cel","v":21.75}]'],
  ] as const) {
    const { code, stderr } = await say(channel, message).ended;
    assert.is(code, 0, stderr);
  }
  const { readings } = await cloud.organisation.getLedger({ device });
  assert.is(readings.stored, 2);
  const wrong = await say('json', '{"temp":1}', 'A'.repeat(43)).ended;
  assert.is(wrong.code, 5);
  const astray = say('json', '{"temp":1}', key.secret, 'mast-1');
  await until(() => /error|lost|disconnect/i.test(astray.said()) || undefined, {
    limitMs: 15_000,
    what: 'its end',
  });
  astray.kill();
  await astray.ended;
  assert.not.match(astray.said(), /PUBACK/);
  assert.is((await cloud.organisation.getLedger({ device })).readings.received, 2);
});

test('after all of it the account balances', async () => {
  const { deliveries } = await temporary.cloud.organisation.getLedger({ device: gateway });
  assert.equal(deliveries, { received: delivered, stored: delivered, duplicate: 0, rejected: 0 });
});

all.run();
