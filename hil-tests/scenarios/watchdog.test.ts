// @long
// Watched by systemd: a gateway that moves, or idles for a reason, is left alone; a wedged one is ended, and the next run says so.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundlePath, launcherPath } from '@loadline/device-runtime';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { until, type VirtualPort } from '../rig/index.ts';
import { Adapters } from './adapters.ts';
import { Counter } from './counter.ts';
import { gatewayId, Site } from './site.ts';
import { SystemdStandIn } from './systemd-stand-in.ts';

const suiteOfAll = suite('the watchdog');

const missing = ['systemd-notify', 'perl'].filter((program) => spawnSync(program, ['--version']).error);
if (missing.length > 0) console.log(`skipped: the watchdog: no ${missing.join(', no ')} here`);
const test = missing.length === 0 ? suiteOfAll : suiteOfAll.skip;

/** An integrator's driver with two faults: it judges none of its bytes, and hangs for ever at the byte FF. */
const faultyDriver = `
export default {
  name: 'faulty',
  label: 'a driver with two faults',
  support: 'untested',
  transport: { kind: 'serial' },
  open() {
    let held = 0;
    return {
      get held() {
        return held;
      },
      push(chunk) {
        while (chunk.includes(0xff));
        held += chunk.length;
        return [];
      },
      stalled: () => [],
    };
  },
};
`;

/** WatchdogSec, in milliseconds: long enough for a busy machine to start systemd-notify within half of it. */
const watchdogMilliseconds = 3000;

let adapters: Adapters;
let odd: VirtualPort;
let counter: Counter;
let site: Site;
let systemd: SystemdStandIn;
let watched: Promise<'watchdog' | 'ended'>;

const state = (...name: string[]) => join(site.folder, 'gateway', 'state', ...name);

/**
 * Words that have the gateway started as the unit does: by the launcher, from the release in `factory`; with a watchdog that is
 * the launcher's by its number, as systemd has it.
 */
function byLauncher(): string[] {
  const factory = join(site.folder, 'opt/factory');
  if (!existsSync(factory)) {
    mkdirSync(join(factory, 'bin'), { recursive: true });
    symlinkSync(process.execPath, join(factory, 'bin/node'));
    symlinkSync(bundlePath, join(factory, 'gateway.mjs'));
  }
  const script = `until [ "\${1##*/}" = gateway.mjs ]; do shift; done; shift; WATCHDOG_PID=$$ exec "$LAUNCHER" run "$@"`;
  const roots = ['PREFIX', 'STORE', 'STATE'].map((root) => `LOADLINE_${root}=${join(site.folder, 'opt')}`);
  return ['env', ...roots, `LAUNCHER=${launcherPath}`, 'sh', '-c', script, 'sh'];
}

function startWatched(): void {
  site.startGateway([...systemd.under, ...byLauncher()]);
  watched = systemd.watch(site.gateway, state());
}

/** What the cloud has been told of wedged runs, the newest first. */
async function wedgesTold(): Promise<string[]> {
  const { items: events } = await site.cloud.organisation.listEvents({
    device: gatewayId,
    query: { limit: 1000 },
  });
  return events.filter(({ code }) => code === 'gateway-wedged').map(({ detail }) => detail);
}

async function toldAnew(before: number): Promise<string> {
  const [newest = ''] = await until(
    async () => {
      const told = await wedgesTold();
      return told.length > before ? told : undefined;
    },
    { limitMs: 20_000, what: 'the cloud is told of the wedged run' },
  );
  return newest;
}

suiteOfAll.before(async () => {
  if (missing.length > 0) return;
  adapters = await Adapters.open();
  const radio = await adapters.plugIn('radio');
  odd = await adapters.plugIn('odd');
  writeFileSync(adapters.path('faulty.mjs'), faultyDriver);
  counter = new Counter(radio);
  site = await Site.prepare({
    link: 'proxied',
    sections: {
      health: { wedged_seconds: 10 },
      drivers: [{ name: 'faulty', module: adapters.path('faulty.mjs') }],
      ports: [
        { name: 'radio', path: radio.path },
        { name: 'odd', path: odd.path, driver: 'faulty' },
      ],
    },
  });
  systemd = await SystemdStandIn.open(site.folder, watchdogMilliseconds);
});
suiteOfAll.after(async () => {
  await site?.close();
  await systemd?.close();
  await adapters?.close();
});

test('it says when it is ready, and is fed for while frames and acknowledgements move', async () => {
  startWatched();
  await systemd.hears(/^READY=1 /);
  await site.gateway.line('uplink-connected');
  await counter.sendWhile(100, systemd.hears(/^WATCHDOG=1 STATUS=progressing/, 2));
});

test('with the radio silent and the link down it is fed for, and systemd shows why it idles', async () => {
  // What comes to nothing in the next test; the time that is given it begins here.
  await odd.write(Buffer.alloc(10_000));
  await site.proxy?.set({ newConnections: 'refuse' });
  site.proxy?.reset();
  await systemd.hears(/^WATCHDOG=1 STATUS=idle: the radio is silent, the link is down \(/);
  assert.is(site.gateway.end, undefined);
});

test('a port whose bytes are no longer judged stops the feeding, and systemd ends the gateway', async () => {
  const { what } = await site.gateway.line('gateway-wedged');
  assert.is(what, 'port odd: bytes of port "odd" are read and not judged');
  const fed = systemd.heard(/^WATCHDOG=1/);
  assert.is(await watched, 'watchdog');
  // 128 and the number of SIGABRT, which the launcher has passed on.
  assert.is((await site.gateway.ended).code, 134);
  assert.is(systemd.heard(/^WATCHDOG=1/), fed);
});

test('the next run tells the cloud what stood still, once', async () => {
  await site.proxy?.set({ newConnections: 'accept' });
  startWatched();
  assert.match(
    await toldAnew(0),
    /^the watchdog ended it after \d+ s: port odd: bytes of port "odd" are read and not judged$/,
  );
  assert.not.ok(existsSync(state('wedged.json')) || existsSync(state('ended-by-watchdog')));
});

test('a gateway that hangs altogether is ended too, and told by what the unit leaves', async () => {
  await site.said('port-open', 1, 'odd');
  await odd.write(Buffer.of(0xff));
  assert.is(await watched, 'watchdog');
  assert.not.ok(existsSync(state('wedged.json')));
  startWatched();
  assert.is(await toldAnew(1), 'the watchdog ended it: its event loop stood still');
});

test('it delivers again, and one that is stopped in order is no wedged one', async () => {
  await site.said('port-open', 1, 'radio');
  await counter.send(5);
  await site.stored(5);
  const stopping = systemd.hears(/^STOPPING=1/);
  assert.equal(await site.gateway.stop(), { code: 0, signal: null });
  await stopping;
  assert.is(await watched, 'ended');
  assert.not.ok(existsSync(state('ended-by-watchdog')));
  assert.is((await wedgesTold()).length, 2);
});

suiteOfAll.run();
