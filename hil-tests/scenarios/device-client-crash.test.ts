// @long
// The device client where its cloud or its own process is killed -9 in the middle, or there is no cloud for a while:
// every reading counts once.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { setTimeout as elapsed } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { DeviceClient, type DeviceEvent, type TransportOptions } from '@loadline/sdk/client';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { until } from '../rig/index.ts';
import { SeededRandom } from '../rig/random.ts';
import { freeSocketPorts } from '../system/index.ts';
import { CrashingCloud } from './crashing-cloud.ts';
import { type Credentials, takeInSoftware, waysOf } from './software-device.ts';

const test = suite('device client, killed');

const seed = Number(process.env.LOADLINE_SEED ?? 20_265);
const random = new SeededRandom(seed);
const kills = 3;
const names = ['https', 'mqtt', 'tcp', 'tls'] as const;
const retry = { base: 50, cap: 500 };

let crashing: CrashingCloud;
const credentials = new Map<string, Credentials>();

test.before(async () => {
  crashing = await CrashingCloud.start({ sockets: freeSocketPorts });
  await crashing.current.organisation.patchOrganisation({ body: { sockets: 'all' } });
  for (const name of names) credentials.set(name, await takeInSoftware(crashing.current, name));
});
test.after(() => crashing.end());

function wayOf(name: (typeof names)[number]): TransportOptions {
  return waysOf(crashing.current, name, credentials.get(name) as Credentials)[name];
}

/** Every value of a series, smallest first. */
async function storedIn(device: string, series: string): Promise<number[]> {
  const query = { from: '2020-01-01T00:00:00Z', to: new Date(Date.now() + 60_000).toISOString() };
  const { organisation } = crashing.current;
  const bytes = await organisation.exportReadings({ device, series, query: { ...query, form: 'senml' } });
  const pack = JSON.parse((await buffer(bytes)).toString('utf8')) as { v: number }[];
  return pack.map(({ v }) => v).sort((one, other) => one - other);
}

/** Holds what is stored against what was sent: 1, 2, 3 … up to the last, each once. */
async function judge(device: string, series: string, last: number): Promise<void> {
  const values = await storedIn(device, series);
  const wrong = values.findIndex((value, index) => value !== index + 1);
  assert.is(wrong, -1, `${device}: ${values[wrong]} stands where ${wrong + 1} belongs`);
  assert.is(values.length, last, `${device}: as many as were sent`);
}

test('the cloud is killed while they send: nothing is lost, nothing counts twice', async () => {
  let duplicate = 0;
  const senders = await Promise.all(
    names.map(async (name) => {
      const events: DeviceEvent[] = [];
      const onEvent = (event: DeviceEvent) => {
        events.push(event);
        if (event.kind === 'delivered') duplicate += event.duplicate;
      };
      const device = await DeviceClient.open<{ n: number }>({ transport: wayOf(name), retry, onEvent });
      return { name, device, events, last: 0 };
    }),
  );
  const stop = new AbortController();
  const sending = senders.map(async (sender) => {
    while (!stop.signal.aborted) {
      sender.device.send({ n: ++sender.last });
      if (sender.last % 10 === 0) await elapsed(5);
    }
  });
  for (let kill = 0; kill < kills; kill++) {
    const before = senders.map(({ device }) => device.standing.delivered);
    await until(
      () => senders.every(({ device }, index) => device.standing.delivered > (before[index] ?? 0)),
      {
        limitMs: 20_000,
        what: 'something delivered by each',
      },
    );
    await elapsed(random.integer(50, 300));
    await crashing.kill();
    await crashing.restart();
  }
  stop.abort();
  await Promise.all(sending);
  for (const { name, device, events, last } of senders) {
    const { rejected, dropped } = await device.flush();
    assert.equal([rejected, dropped], [[], 0], name);
    assert.ok(
      events.some((event) => event.kind === 'waiting' && event.for === 'way'),
      `${name} noticed`,
    );
    assert.equal(await device.close(), { undelivered: 0 });
    await judge(name, 'n', last);
  }
  console.log(`${duplicate} readings were known again`);
});

test('without a cloud they wait in the folder, over a restart of the program, and come when there is one', async () => {
  await crashing.kill();
  const folderOf = (name: string) => join(crashing.folder, `offline-${name}`);
  const count = 3000;
  for (const name of names) {
    for (const from of [0, count / 2]) {
      const queue = { folder: folderOf(name) };
      const device = await DeviceClient.open<{ offline: number }>({ transport: wayOf(name), queue, retry });
      for (let value = from + 1; value <= from + count / 2; value++) device.send({ offline: value });
      assert.equal(await device.close({ within: 30 }), { undelivered: from + count / 2 });
    }
  }
  await crashing.restart();
  for (const name of names) {
    const device = await DeviceClient.open({ transport: wayOf(name), queue: { folder: folderOf(name) } });
    assert.is((await device.flush()).delivered, count);
    await device.close();
    await judge(name, 'offline', count);
  }
});

/** Starts the program, and kills it when it has sent for a while; the last number it said that it had sent. */
async function killedWhileSending(options: object): Promise<number> {
  const file = fileURLToPath(new URL('sending-device.ts', import.meta.url));
  const child = spawn(process.execPath, [...process.execArgv, file], { stdio: ['pipe', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  child.stdin.end(JSON.stringify(options));
  await until(() => said.includes('\n50\n'), { limitMs: 20_000, what: 'the program to send' });
  await elapsed(random.integer(0, 300));
  const closed = once(child, 'close');
  child.kill('SIGKILL');
  await closed;
  return Number(said.slice(0, said.lastIndexOf('\n')).split('\n').at(-1));
}

test('the program is killed while it sends, and the next one finds what it left', async () => {
  for (const name of names) {
    const options = { transport: wayOf(name), queue: { folder: join(crashing.folder, `killed-${name}`) } };
    const lasts: number[] = [];
    for (let kill = 0; kill < 2; kill++) {
      lasts.push(await killedWhileSending({ ...options, series: `run${kill}` }));
    }
    const device = await DeviceClient.open(options);
    const { rejected, dropped } = await device.flush();
    assert.equal([rejected, dropped], [[], 0], name);
    await device.close();
    for (const [kill, last] of lasts.entries()) {
      const series = `run${kill}`;
      // One may have been taken whose number was not said any more.
      const { length } = await storedIn(name, series);
      await judge(name, series, Math.max(last, Math.min(length, last + 1)));
    }
  }
  const { organisation } = crashing.current;
  for (const device of names) {
    const { deliveries, readings } = await organisation.getLedger({ device });
    assert.is(readings.rejected, 0);
    assert.is(deliveries.received, deliveries.stored + deliveries.duplicate);
  }
});

test.run();
