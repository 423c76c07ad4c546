// @long
// @time-limit 600 s
// Releases over the air, with all that ships: built by the tool, kept by the cloud, fetched by the gateway, put into a slot by its
// installer, tried by its launcher, while readings flow.
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { buildRelease } from '../image/releases.ts';
import { until } from '../rig/index.ts';
import { Counter, countsIn } from './counter.ts';
import { ReleaseManager } from './release-manager.ts';
import { elapsed, gatewayId } from './site.ts';
import { type ReleaseFolder, UpdatedSite, variant } from './updated-site.ts';

const test = suite('updated over the air');

const target = process.arch === 'arm64' ? 'linux-arm64' : 'linux-x64';
/** Milliseconds between two frames. */
const interval = 10;
/** Seconds that a release has for reporting health: as few as there may be. */
const healthSeconds = 10;

let folder: string;
let updated: UpdatedSite;
let manager: ReleaseManager;
let shipped: ReleaseFolder;
let counter: Counter;

test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'loadline-updated-'));
  shipped = await buildRelease({ target, out: folder, healthSeconds: 60 });
  const trusted = async (cloud: UpdatedSite['site']['cloud']) => {
    manager = await ReleaseManager.appoint(cloud);
    return manager.root;
  };
  const sections = { update: { bytes_per_second: 400_000 } };
  updated = await UpdatedSite.prepare(shipped, trusted, { sections });
  await manager.publish([shipped]);
  counter = new Counter(updated.site.port);
  updated.start();
  await updated.line('the link', ({ event }) => event === 'uplink-connected');
});
test.after(async () => {
  await updated.close();
  await rm(folder, { recursive: true });
});

/** The program of the shipped release, as another version. */
const asVersion = (version: string) => (built: string) => built.replaceAll(shipped.version, version);

async function release(version: string, program: (built: string) => string): Promise<void> {
  await manager.publish([await variant(shipped, version, program, healthSeconds)]);
}

/** What the cloud knows of the gateway's release. */
async function running() {
  return (await updated.site.cloud.organisation.getUpdate({ device: gatewayId })).running;
}

async function shown(
  what: string,
  wanted: (state: NonNullable<Awaited<ReturnType<typeof running>>>) => boolean,
) {
  return await until(
    async () => {
      await elapsed(100);
      const state = await running();
      return state && wanted(state) ? state : undefined;
    },
    { limitMs: 90_000, what },
  );
}

async function pin(version: string | null): Promise<void> {
  await updated.site.cloud.organisation.patchUpdate({ device: gatewayId, body: { pin: version } });
}

/** Sends frames for as long as something takes. */
async function whileReadings<T>(work: Promise<T>): Promise<T> {
  await counter.sendWhile(interval, work);
  return await work;
}

/** Waits until what was heard is stored, and checks it: nothing twice, and what is missing is what no port was open for. */
async function assertAccounted(stops: number): Promise<number[]> {
  await counter.send(1);
  const last = counter.sent - 1;
  const counts = await until(
    async () => {
      await elapsed(500);
      const stored = countsIn(updated.site.readings());
      return stored.includes(last) ? stored.sort((a, b) => a - b) : undefined;
    },
    { limitMs: 60_000, what: 'the last frame is stored' },
  );
  assert.is(new Set(counts).size, counts.length, 'nothing is there twice');
  const gaps = counts.slice(1).flatMap((count, index) => {
    const before = counts[index] as number;
    return count === before + 1 ? [] : [count - before - 1];
  });
  assert.ok(
    gaps.length <= stops,
    `${gaps.length} gaps of ${gaps.join(', ')} frames, at ${stops} stops of the port`,
  );
  return gaps;
}

const linksSoFar = () => updated.log.filter(({ event }) => event === 'uplink-connected').length;
const stopsSoFar = () => updated.log.filter(({ event }) => event === 'gateway-start').length - 1;

test('goes through while readings flow: what is heard is stored once, and the link is gone for seconds', async () => {
  const { client } = updated.site.cloud;
  await release('9.1.0', asVersion('9.1.0'));
  await whileReadings(elapsed(1000));
  const { id: rollout } = await client.createRollout({ body: { release: '9.1.0', target, ring: 'all' } });
  const confirmed = await whileReadings(
    shown('it is confirmed', ({ state, release: runs }) => state === 'confirmed' && runs === '9.1.0'),
  );
  assert.is(confirmed.slot, 'a');
  await whileReadings(elapsed(1000));
  const gaps = await assertAccounted(1);
  const at = (event: string, nth: number) =>
    Date.parse(updated.log.filter((line) => line.event === event).at(nth)?.at ?? '');
  const gone = at('uplink-connected', -1) - at('gateway-stopping', -1);
  process.stdout.write(
    `the link was gone for ${gone} ms; ${gaps[0] ?? 0} frames of ${interval} ms were not heard\n`,
  );
  assert.equal(
    updated.log.filter(({ event }) => event === 'gateway-start').map(({ version }) => version),
    [shipped.version, '9.1.0'],
  );
  assert.is(await updated.bootState(), 'current=a\n');
  const events = await updated.site.events();
  assert.ok(events.includes('release-installed') && events.includes('release-confirmed'), events.join());
  const { gateways } = await client.getRollout({ rollout });
  assert.equal([gateways.confirmed, gateways.rolledBack, gateways.refused], [1, 0, 0]);
  await client.patchRollout({ rollout, body: { state: 'finished' } });
});

/** Put before the program, after its first line: what modules of Node do then is another thing. */
const withPrelude = (version: string, prelude: string) => (built: string) => {
  const [first = '', ...rest] = asVersion(version)(built).split('\n');
  return [first, prelude, ...rest].join('\n');
};
const noWay = `import __net from 'node:net';
__net.Socket.prototype.connect = function () { queueMicrotask(() => this.destroy(new Error('no way'))); return this; };`;
const noPort = `import __fs from 'node:fs'; import { syncBuiltinESMExports } from 'node:module';
const __read = __fs.readFileSync;
__fs.readFileSync = (path, ...more) => {
  const text = __read(path, ...more);
  return String(path).endsWith('gateway.toml') ? text.replace(/path = ".*"/, 'path = "/dev/nothing"') : text;
};
syncBuiltinESMExports();`;

for (const [version, what, program, said] of [
  ['9.2.0', 'ends at once', () => 'process.exit(1);\n', /begun as often as it may/],
  ['9.3.0', 'hangs', () => 'setInterval(() => {}, 1000);\n', /did not report health in time/],
  [
    '9.4.0',
    'reaches no cloud',
    withPrelude('9.4.0', noWay),
    /in time; it heard frames, and did not reach the cloud/,
  ],
  [
    '9.5.0',
    'hears no frames',
    withPrelude('9.5.0', noPort),
    /in time; it reached the cloud, and heard no frame/,
  ],
] as const) {
  test(`goes back, without a human, from a release that ${what}`, async () => {
    await release(version, program);
    await pin(version);
    const back = await whileReadings(shown('it is told', ({ state }) => state === 'rolled-back'));
    assert.match(back.detail ?? '', said);
    assert.equal([back.release, back.slot], ['9.1.0', 'a']);
    assert.is(await updated.bootState(), 'current=a\n');
    assert.ok((await updated.site.events()).includes('release-rolled-back'));
    // The next run hears of the same wish, and does not try it again.
    const starts = stopsSoFar();
    await updated.endGateway();
    await whileReadings(updated.lines('uplink-connected', linksSoFar() + 1));
    await whileReadings(elapsed(1000));
    assert.is(stopsSoFar(), starts + 1);
    assert.is((await running())?.state, 'rolled-back');
    await pin(null);
  });
}

test('has lost nothing that was heard, through all of it', async () => {
  await assertAccounted(stopsSoFar());
});

test('stops fetching where the rollout is paused, and goes on where it is resumed', async () => {
  const { client } = updated.site.cloud;
  const padding = `\n// ${randomBytes(3_000_000).toString('base64')}\n`;
  await release('9.6.0', (built) => asVersion('9.6.0')(built) + padding);
  const { id: rollout } = await client.createRollout({ body: { release: '9.6.0', target, ring: 'all' } });
  await shown('it is under way', ({ state }) => state === 'downloading');
  await elapsed(2000);
  await client.patchRollout({ rollout, body: { state: 'paused' } });
  await shown('it has stopped', ({ state }) => state === 'idle');
  const staged = () => updated.log.filter(({ event }) => event === 'release-staged').length;
  const before = staged();
  await elapsed(3000);
  assert.is(staged(), before);
  await client.patchRollout({ rollout, body: { state: 'running' } });
  await whileReadings(
    shown('it is confirmed', ({ state, release: runs }) => state === 'confirmed' && runs === '9.6.0'),
  );
});

test.run();
