// @long
// @time-limit 300 s
// A gateway's card is copied, and both run: no war, an alarm with both addresses, and no reading lost or there twice.
import { execFile } from 'node:child_process';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { readReadings } from '@loadline/cloud';
import { bundlePath } from '@loadline/device-runtime';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FaultProxy, until, VirtualPort } from '../rig/index.ts';
import { prepareGateway, type Service, startGateway } from '../system/index.ts';
import { Counter, countsTo } from './counter.ts';
import { elapsed } from './site.ts';
import { type TemporaryCloud, temporaryCloud } from './temporary-cloud.ts';

const test = suite('a cloned card');

const id = 'mast-1';
const minute = 60_000;
/** How often each of the two reads its sensor, ms. */
const readEvery = 250;
/** The refused gateway's next attempt, and its way in, ms. */
const comesBackWithin = 2 * minute + 20_000;

let temporary: TemporaryCloud;
test.before(async () => {
  temporary = await temporaryCloud({ metrics: true });
});
test.after(() => temporary.end());

/** One of the boards: the shipped gateway, its radio, and its way to the cloud, which sees it at an address of its own. */
class Board {
  readonly folder: string;
  readonly counter: Counter;
  readonly tag: number;
  readonly proxy: FaultProxy;
  readonly #port: VirtualPort;
  gateway!: Service;

  private constructor(folder: string, tag: number, port: VirtualPort, proxy: FaultProxy) {
    this.folder = folder;
    this.tag = tag;
    this.counter = new Counter(port, tag);
    this.#port = port;
    this.proxy = proxy;
  }

  static async open(name: string, tag: number, localAddress: string): Promise<Board> {
    const folder = join(temporary.folder, name);
    const port = await VirtualPort.open({ folder: join(temporary.folder, `${name}-dev`) });
    const proxy = await FaultProxy.open({ target: { port: temporary.cloud.mqttPort, localAddress } });
    return new Board(folder, tag, port, proxy);
  }

  async start(): Promise<void> {
    const config = await prepareGateway(temporary.cloud, {
      id,
      folder: this.folder,
      sections: {
        uplink: { port: this.proxy.port },
        ports: [{ name: 'radio', path: this.#port.path }],
        sensors: [0x3a10, 0x3a11].map((tag) => {
          const hex = tag.toString(16).toUpperCase();
          return { tag: hex, name: `Counter ${hex}`, unit: '', simulated: true };
        }),
      },
    });
    this.gateway = startGateway(config);
    await this.gateway.line('port-open');
    await this.gateway.line('uplink-connected');
  }

  /** How often the gateway says this in its log. */
  said(event: string): number {
    return this.gateway.log.filter((line) => line.event === event).length;
  }

  /** What the shipped doctor finds, by what it is about. */
  async doctor(): Promise<string[]> {
    const words = [bundlePath, 'doctor', '--config', join(this.folder, 'gateway.toml'), '--json'];
    const said = await new Promise<string>((resolve) => {
      execFile(process.execPath, words, (_error, stdout) => resolve(stdout));
    });
    return (JSON.parse(said) as { findings: { about: string }[] }).findings.map(({ about }) => about);
  }

  async close(): Promise<void> {
    await this.gateway.stop('SIGKILL');
    await this.proxy.close();
    await this.#port.close();
  }
}

const alarms = async () => (await temporary.cloud.organisation.listAlarms()).items;

/** The counts of a tag that are in the store, each as often as it is there. */
function stored(tag: number): number[] {
  const counts: number[] = [];
  for (const { reading } of readReadings(temporary.state)) {
    if (reading.tag === tag && reading.value.type === 'int32') counts.push(reading.value.value);
  }
  return counts.sort((one, other) => one - other);
}

async function allStored({ tag, counter }: Board): Promise<void> {
  await until(
    async () => {
      await elapsed(200);
      return stored(tag).length >= counter.sent;
    },
    { limitMs: 30_000, what: `all ${counter.sent} readings of ${tag.toString(16)}` },
  );
  assert.equal(stored(tag), countsTo(counter.sent));
}

let original: Board;

test('starts, a lost link, a half-open one and other addresses raise nothing', async () => {
  original = await Board.open('original', 0x3a10, '127.0.0.1');
  await original.start();
  const connections = () => original.said('uplink-connected');
  await original.counter.send(5);
  for (const localAddress of ['127.0.0.3', '127.0.0.4', '127.0.0.1']) {
    const before = connections();
    original.proxy.leadTo({ port: temporary.cloud.mqttPort, localAddress });
    // The cloud hears nothing of the end of the half-open one: its link stands still when the gateway comes again.
    if (localAddress === '127.0.0.3') original.proxy.halfOpen();
    else original.proxy.reset();
    await until(() => connections() > before, { limitMs: 40_000, what: `a link from ${localAddress}` });
    await original.counter.send(5);
  }
  for (const signal of ['SIGTERM', 'SIGKILL', 'SIGKILL'] as const) {
    await allStored(original);
    await original.gateway.stop(signal);
    await original.start();
    await original.counter.send(5);
  }
  await temporary.restart(() => {});
  const before = connections();
  original.proxy.leadTo({ port: temporary.cloud.mqttPort, localAddress: '127.0.0.1' });
  await until(() => connections() > before, {
    limitMs: 40_000,
    what: 'a link to the cloud that was restarted',
  });
  await allStored(original);
  assert.equal(await alarms(), []);
});

test('two that run from one card make no war, and lose nothing', async () => {
  await original.gateway.stop();
  const copy = await Board.open('copy', 0x3a11, '127.0.0.2');
  await cp(original.folder, copy.folder, { recursive: true });
  try {
    await original.start();
    await copy.start();
    await original.gateway.line('identity-contested');

    const before = [original.proxy.counts.accepted, copy.proxy.counts.accepted];
    const aMinute = elapsed(minute);
    await Promise.all([original, copy].map((board) => board.counter.sendWhile(readEvery, aMinute)));
    const made = [original, copy].map(({ proxy }, index) => proxy.counts.accepted - (before[index] ?? 0));
    assert.ok((made[0] ?? 9) <= 1, `${made[0]} connections of the one that is refused, in a minute`);
    assert.is(made[1], 0, 'connections of the one that stands, in a minute');

    const [alarm] = await alarms();
    assert.is((await alarms()).length, 1);
    assert.equal([alarm?.device, alarm?.kind], [id, 'identity-cloned']);
    assert.equal([...(alarm?.evidence ?? [])].sort(), ['came-back', 'one-parent']);
    assert.equal(new Set(alarm?.epochs.map(({ source }) => source)), new Set(['127.0.0.1', '127.0.0.2']));
    assert.ok((await original.doctor()).includes('identity-contested'));
    assert.not.ok((await copy.doctor()).includes('identity-contested'));
    // Of the one that stands everything is there, and of the other nothing of this minute: it waits.
    await allStored(copy);
    assert.ok(stored(original.tag).length < original.counter.sent);

    await copy.gateway.stop();
    await original.gateway.line('identity-admitted', comesBackWithin);
    await allStored(original);
    await allStored(copy);
    assert.not.ok((await original.doctor()).includes('identity-contested'));
    const { readings } = await temporary.cloud.organisation.getLedger({ device: id });
    assert.is(readings.received, readings.stored + readings.duplicate + readings.rejected);
    assert.is(readings.rejected, 0);
  } finally {
    await copy.close();
    await original.close();
  }
});

test.run();
