// @long
// The device client at the shipped cloud, by each of its ways: first readings, refusals, limits.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  DeviceClient,
  type DeviceEvent,
  type TransportOptions,
  UndeliveredError,
} from '@loadline/sdk/client';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { until } from '../rig/index.ts';
import { freeSocketPorts } from '../system/index.ts';
import { type Credentials, takeInSoftware, waysOf } from './software-device.ts';
import { type TemporaryCloud, temporaryCloud } from './temporary-cloud.ts';

const test = suite('device client');

const names = ['https', 'mqtt', 'tcp', 'tls'] as const;
const retry = { base: 50, cap: 200, refused: 400 };

let folder: string;
let temporary: TemporaryCloud;
const credentials = new Map<string, Credentials>();

test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'loadline-limits-'));
  const limits = join(folder, 'limits.toml');
  await writeFile(limits, 'burst_seconds = 2\n[accounting]\ninterim_seconds = 1\n');
  temporary = await temporaryCloud({ sockets: freeSocketPorts, limits });
  await temporary.cloud.organisation.patchOrganisation({ body: { sockets: 'all' } });
  for (const name of names) credentials.set(name, await takeInSoftware(temporary.cloud, name));
});
test.after(async () => {
  await temporary.end();
  await rm(folder, { recursive: true });
});

const ofDevice = (name: string) => credentials.get(name) as Credentials;
const wayOf = (name: (typeof names)[number]): TransportOptions =>
  waysOf(temporary.cloud, name, ofDevice(name))[name];

async function stored(device: string): Promise<number> {
  return (await temporary.cloud.organisation.getLedger({ device })).readings.stored;
}

test('the example of the README runs as it is printed, and ends by itself', async () => {
  const readme = await readFile(new URL('../../sdk/client/device/README.md', import.meta.url), 'utf8');
  const [, code = ''] = /```ts\n(.*?)```/s.exec(readme) ?? [];
  assert.ok(code.trimEnd().split('\n').length <= 10, 'ten lines lead to a first reading');
  const site = await mkdtemp(join(folder, 'site-'));
  await writeFile(join(site, 'authority.pem'), temporary.cloud.authorityPem);
  const example = spawn(
    process.execPath,
    [...process.execArgv, '--input-type=module-typescript', '--eval', code],
    {
      cwd: fileURLToPath(new URL('..', import.meta.url)),
      env: { ...process.env, SITE: site, CLOUD: temporary.cloud.url, TOKEN: ofDevice('https').token.secret },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let said = '';
  for (const output of [example.stdout, example.stderr]) {
    output.on('data', (text) => {
      said += text;
    });
  }
  const [exitCode] = await once(example, 'close');
  assert.is(exitCode, 0, said);
  assert.match(said, 'delivered: 2');
  const { latest } = await temporary.cloud.organisation.getSeries({ device: 'https', series: 'temp' });
  assert.match(JSON.stringify(latest), '21.5');
});

for (const name of names) {
  test(`${name}: a first reading, with its time and its unit`, async () => {
    const { organisation } = temporary.cloud;
    const device = await DeviceClient.open<{ level: number; door: boolean; state: string }>({
      transport: wayOf(name),
      units: { level: 'm' },
    });
    const before = await stored(name);
    const time = Date.now() - 5000;
    device.send({ level: -1.25, door: true, state: 'all "well" ü' }, { time });
    assert.equal(await device.flush(), { delivered: 3, rejected: [], dropped: 0 });
    assert.equal(await device.close(), { undelivered: 0 });
    assert.is(await stored(name), before + 3);
    const query = { from: new Date(time - 1).toISOString(), to: new Date(time + 1).toISOString() };
    const { points } = await organisation.getReadings({ device: name, series: 'level', query });
    assert.equal(points, [[time, -1.25]]);
    const level = JSON.stringify(await organisation.getSeries({ device: name, series: 'level' }));
    assert.match(level, '"unit":"m"');
    const door = JSON.stringify(await organisation.getSeries({ device: name, series: 'door' }));
    assert.match(door, /"type":"uint8","value":1/);
    const state = JSON.stringify(await organisation.getSeries({ device: name, series: 'state' }));
    assert.match(state, JSON.stringify('all "well" ü'));
  });

  test(`${name}: what the cloud rejects is told with its code, and the next reading goes on`, async () => {
    const device = await DeviceClient.open<Record<string, number>>({ transport: wayOf(name) });
    const all = Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`s${index}`, index]));
    device.send(all);
    const { rejected } = await device.flush();
    assert.ok(rejected.length > 0);
    assert.equal([...new Set(rejected.map(({ code }) => code))], ['readings-limit']);
    device.send({ level: 7 });
    assert.equal(await device.flush(), { delivered: 1, rejected: [], dropped: 0 });
    await device.close();
  });

  test(`${name}: a device that is switched off is told so, and delivers what it kept when it is on again`, async () => {
    const { organisation } = temporary.cloud;
    const events: DeviceEvent[] = [];
    const device = await DeviceClient.open<{ level: number }>({
      transport: wayOf(name),
      retry,
      onEvent: (event) => events.push(event),
    });
    device.send({ level: 1 });
    await device.flush();
    await organisation.patchDevice({ device: name, body: { enabled: false } });
    device.send({ level: 2 });
    const error = await device.flush().catch((caught: Error) => caught);
    assert.instance(error, UndeliveredError, String(error));
    assert.match(
      (error as Error).message,
      /does not let this device in \((unauthenticated|device-disabled|credential-ended)\)/,
    );
    assert.is(device.standing.queued, 1);
    await organisation.patchDevice({ device: name, body: { enabled: true } });
    await until(() => device.standing.queued === 0, { limitMs: 20_000, what: 'the reading it kept' });
    assert.is(events.at(-1)?.kind, 'delivered');
    await device.close();
  });

  test(`${name}: a limit is waited for, and all of it arrives once`, async () => {
    const { organisation } = temporary.cloud;
    const events: DeviceEvent[] = [];
    const limits = { readingsPerSecond: 200 };
    await organisation.setDeviceLimits({ device: name, body: limits });
    const device = await DeviceClient.open<{ level: number }>({
      transport: wayOf(name),
      retry,
      onEvent: (event) => events.push(event),
    });
    const before = await stored(name);
    for (let value = 0; value < 600; value++)
      device.send({ level: value }, { time: Date.now() - 1000 + value });
    assert.equal(await device.flush(), { delivered: 600, rejected: [], dropped: 0 });
    device.send({ level: -1 });
    assert.equal(await device.flush(), { delivered: 1, rejected: [], dropped: 0 });
    assert.ok(
      events.some((event) => event.kind === 'waiting' && event.for === 'limit'),
      JSON.stringify(events),
    );
    assert.is(await stored(name), before + 601);
    await device.close();
    await organisation.setDeviceLimits({ device: name, body: {} });
  });

  test(`${name}: a credential that is revoked is told; the readings wait in the folder for another one`, async () => {
    const { organisation, service } = temporary.cloud;
    const queue = { folder: join(folder, `queue-${name}`) };
    const open = (transport: TransportOptions) =>
      DeviceClient.open<{ level: number }>({ transport, queue, retry });
    const device = await open(wayOf(name));
    device.send({ level: 1 });
    await device.flush();
    const kind = ({ https: 'token', mqtt: 'key', tcp: 'socket-key', tls: 'socket-token' } as const)[name];
    const old = ofDevice(name);
    await organisation.deleteDeviceCredential({ device: name, credential: old[kind].id });
    let error: unknown;
    // A link that stands is given two seconds.
    await until(
      async () => {
        device.send({ level: 2 });
        error = await device.flush().catch((caught: Error) => caught);
        return error instanceof UndeliveredError;
      },
      { limitMs: 10_000, what: 'the refusal' },
    );
    assert.is((error as UndeliveredError).waiting?.for, 'credential');
    assert.not(`${error} ${JSON.stringify(error)}`.includes(old[kind].secret));
    assert.equal(await device.close(), { undelivered: 1 });
    const made = await organisation.createDeviceCredential({ device: name, body: { kind, name: 'new' } });
    service.watchFor(made.secret, `another ${kind}`);
    credentials.set(name, { ...old, [kind]: made });
    const next = await open(wayOf(name));
    assert.is((await next.flush()).delivered, 1);
    await next.close();
  });
}

test.run();
