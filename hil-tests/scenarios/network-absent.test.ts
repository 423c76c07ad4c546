// @long
// No network at boot, then no DNS, then a DNS that does not know the cloud: the gateway reads on, says what is wrong, and waits.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { until } from '../rig/index.ts';
import { needs } from '../runner/debian.ts';
import { Counter, countsIn, countsTo } from './counter.ts';
import { OwnNetwork, outsideName } from './own-network.ts';
import { Site } from './site.ts';

const test = suite('network absent');
const mark = 'LOADLINE_OWN_NETWORK';

let folder: string;
let network: OwnNetwork;
let site: Site;
let counter: Counter;

test.before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'loadline-network-'));
  network = await OwnNetwork.open(folder);
  site = await Site.prepare({
    reach: { host: '0.0.0.0', names: [outsideName] },
    // All ports are free here.
    doors: { httpsPort: 8443, mqttPort: 8883 },
    sections: { uplink: { host: outsideName }, enrolment: { url: `https://${outsideName}:8443` } },
  });
  counter = new Counter(site.port);
});

test.after(async () => {
  await site.close();
  await network.close();
  rmSync(folder, { recursive: true });
});

/** Waits until the gateway says this of an attempt, and sends readings meanwhile. */
async function saysOf(event: 'enrolment-failed' | 'uplink-lost', words: RegExp): Promise<void> {
  const said = until(
    () => site.gateway.log.some((line) => line.event === event && words.test(String(line.reason))),
    { limitMs: 30_000, what: `${event}: ${words}` },
  ).catch((error: Error) => {
    const reasons = site.gateway.log.filter((line) => line.event === event).map(({ reason }) => reason);
    throw new Error(`${error.message}; said: ${[...new Set(reasons)].join(' | ')}`);
  });
  await counter.sendWhile(50, said);
}

async function assertAllStored(): Promise<void> {
  await site.accountWhere('all of this run is stored', ({ stored }, { readings, journal }) => {
    return readings > 0 && stored === readings && journal.held === 0;
  });
  assert.equal(countsIn(site.readings()), countsTo(counter.sent));
}

test('a first start without a network waits, and enrols when there is one', async () => {
  await network.pull();
  site.startGateway(network.within());
  await site.said('port-open');
  await saysOf('enrolment-failed', /no DNS server answers|no network/);
  await network.plug();
  await counter.sendWhile(50, site.said('enrolled'));
  await counter.sendWhile(50, site.said('uplink-connected'));
  await assertAllStored();
});

test('a boot without a network, then without DNS, then with one that does not know the cloud: each is named', async () => {
  await site.gateway.stop();
  await network.pull();
  site.startGateway(network.within());
  await site.said('port-open');
  await saysOf('uplink-lost', /no DNS server answers|no network/);
  network.names = 'unknown';
  await network.plug();
  await saysOf('uplink-lost', /the name cloud\.test is not known to DNS/);
  network.names = 'unanswered';
  const questions = network.questions.length;
  await counter.sendWhile(
    50,
    until(() => network.questions.length > questions, { limitMs: 30_000, what: 'DNS is asked in vain' }),
  );
  network.names = 'known';
  await counter.sendWhile(50, site.said('uplink-connected'));
  await assertAllStored();
});

async function whyNot(): Promise<true | string> {
  if (process.getuid?.() !== 0) return 'only root may make a network of its own';
  const found = await needs('ip', 'iproute2');
  if (found !== true) return found;
  try {
    execFileSync('unshare', ['--net', '--mount', 'ip', 'link', 'add', 'outside', 'type', 'veth'], {
      stdio: 'pipe',
    });
    return true;
  } catch (error) {
    return String((error as { stderr: Buffer }).stderr).trim();
  }
}

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
    console.log(`skipped: network absent: ${possible}`);
    const skipped = suite('network absent');
    skipped.skip('a boot without a network', () => {});
    skipped.run();
  }
}
