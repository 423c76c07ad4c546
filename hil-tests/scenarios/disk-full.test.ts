// @long
// The data partition is full while the link is away: said, dropped by the rule and declared; with room again nothing more is lost.
import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type FaultProxy, until } from '../rig/index.ts';
import { Counter, countsIn, countsTo } from './counter.ts';
import { elapsed, gatewayId, Site } from './site.ts';

const test = suite('disk full');

const mark = 'LOADLINE_OWN_MOUNTS';
/** What the gateway keeps in memory where the disk takes nothing is bounded: some 35,000 readings. */
const tooMany = 50_000;
/** Frames that a tty holds. */
const piece = 200;

let folder: string;
let site: Site;
let counter: Counter;
let heard = 0;

test.before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'loadline-disk-'));
  const partition = join(folder, 'data');
  mkdirSync(partition);
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'loadline-data', partition]);
  assert.is(mounted.status, 0, String(mounted.stderr));
  site = await Site.open({ link: 'proxied', sections: { gateway: { state: join(partition, 'state') } } });
  watchHeard();
  counter = new Counter(site.port);
});

test.after(async () => {
  await site.close();
  spawnSync('umount', [join(folder, 'data')]);
  rmSync(folder, { recursive: true });
});

function watchHeard(): void {
  site.gateway.onLine(({ event, readings }) => {
    if (event === 'progress') heard = Number(readings);
  });
}

/** Sends readings as fast as the gateway reads them, and waits until the present run has heard `total`. */
async function send(count: number, total: number): Promise<void> {
  for (let sent = 0; sent < count; sent += piece) {
    await counter.send(Math.min(piece, count - sent));
    await site.port.drained();
  }
  await until(() => heard >= total, { limitMs: 20_000, what: `${total} readings are heard` });
}

/** Takes what the partition has left, to the last byte. */
function fillPartition(file: string): void {
  for (const size of [65_536, 4096, 1]) {
    try {
      for (;;) appendFileSync(file, Buffer.alloc(size));
    } catch (error) {
      assert.is((error as NodeJS.ErrnoException).code, 'ENOSPC');
    }
  }
}

test('a full disk is said, drops by the rule and recovers; a kill after that loses nothing', async () => {
  await site.proxy?.set({ newConnections: 'refuse' });
  site.proxy?.reset();
  await site.said('uplink-lost');
  await send(1000, 1000);
  const filler = join(folder, 'data', 'filler');
  fillPartition(filler);
  await send(1000, 2000);
  const full = await site.said('disk-full');
  assert.match(String(full.detail), /ENOSPC|no space/i);
  await send(tooMany, 2000 + tooMany);
  rmSync(filler);
  await site.said('disk-recovered');
  await send(1000, 3000 + tooMany);
  // Older than the flush time: on disk.
  await elapsed(2500);
  const first = await site.epoch();
  await site.gateway.stop('SIGKILL');
  site.startGateway();
  await (site.proxy as FaultProxy).set({ newConnections: 'accept' });
  await site.said('uplink-connected');
  const last = counter.sent - 1;
  await until(
    async () => {
      await elapsed(200);
      const { epochs } = await site.cloud.organisation.getLedger({ device: gatewayId });
      const gaps = epochs.find(({ epoch }) => epoch === first)?.gaps;
      return gaps?.every(({ state }) => state === 'dropped') && countsIn(site.readings()).includes(last);
    },
    { limitMs: 30_000, what: 'all that was held is stored' },
  );
  const counts = countsIn(site.readings());
  assert.is(new Set(counts).size, counts.length, 'nothing twice');
  // What is missing is one piece, the oldest, and it is declared number for number.
  const missing = countsTo(counter.sent).filter((count) => !counts.includes(count));
  assert.ok(missing.length > 1000 && missing.length < tooMany, `${missing.length} are missing`);
  assert.equal([missing[0], (missing.at(-1) as number) + 1], [0, missing.length]);
  const { epochs } = await site.cloud.organisation.getLedger({ device: gatewayId });
  const declared = (epochs.find(({ epoch }) => epoch === first)?.gaps ?? []).reduce(
    (sum, gap) => sum + gap.last - gap.first + 1,
    0,
  );
  assert.ok(declared >= missing.length, `${declared} declared of ${missing.length}`);
  const events = await site.events();
  // That it was full stood among the oldest, and went with them.
  for (const code of ['journal-full', 'disk-recovered']) assert.ok(events.includes(code), code);
});

if (process.env[mark] === '1') test.run();
else {
  const refusal =
    process.getuid?.() === 0
      ? spawnSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'loadline-data', '/mnt'], {
          encoding: 'utf8',
        })
      : { status: 1, stderr: 'only root may mount a small disk' };
  if (refusal.status === 0) {
    // Once more, with mounts of this test's own: nothing of the machine's is touched.
    const words = ['--mount', process.execPath, ...process.execArgv, fileURLToPath(import.meta.url)];
    const { status } = spawnSync('unshare', words, {
      stdio: 'inherit',
      env: { ...process.env, [mark]: '1' },
    });
    process.exitCode = status ?? 1;
  } else {
    console.log(`skipped: disk full: ${String(refusal.stderr).trim()}`);
    const skipped = suite('disk full');
    skipped.skip('a full disk is said, drops by the rule and recovers', () => {});
    skipped.run();
  }
}
