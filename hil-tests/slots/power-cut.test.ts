// @long
// @time-limit 900 s
// The power is cut at every system call of an update that writes, and what was not synced is lost: a whole release starts.
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readInstallResult, slotFolder } from '@loadline/device-runtime/slots';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SeededRandom } from '../rig/random.ts';
import { needs } from '../runner/debian.ts';
import type { Syncs } from '../scenarios/power-cut.ts';
import { notWhole, versionIn } from './installation.ts';
import { type Life, live } from './life.ts';

const test = suite('power cuts of an update');
const strace = await needs('strace');
if (strace !== true) console.log(`skipped: power cuts of an update: ${strace}`);
const traced = strace === true ? test : test.skip;

const seed = Number(process.env.LOADLINE_SEED ?? 1);
/** Each of so many cuts in an installation is gone on from: what is staged is installed again. */
const goneOnFrom = 25;

let folder: string;
let life: Life;
test.before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'loadline-cuts-'));
  if (strace === true) life = await live(join(folder, 'life'));
});
test.after(() => rmSync(folder, { recursive: true }));

/** Cuts the power after each call. @returns how many cuts there were, and what was wrong after them */
async function cutEverywhere(syncs: Syncs, each: number): Promise<{ cuts: number; wrong: string[] }> {
  const { installation, releases, phases, disks } = life;
  const disk = disks[syncs];
  const random = new SeededRandom(seed);
  const wrong: string[] = [];
  let cuts = 0;
  for (const { name, events, may } of phases) {
    for (const event of events) {
      if (!disk.concerns(event) || !disk.take(event)) continue;
      cuts++;
      if (cuts % each !== 0) continue;
      const after = installation.besides(join(folder, syncs));
      disk.cut(after.disk, random);
      const started = await after.started();
      const fault =
        started === undefined
          ? 'nothing was started'
          : (notWhole(started.folder, releases) ??
            (may.includes(versionIn(started.folder) ?? '')
              ? undefined
              : `${versionIn(started.folder)} was started`));
      const where = `${name}: ${event.call} of ${event.target} ${event.kind}`;
      if (fault !== undefined) wrong.push(`${where}: ${fault}`);
      if (syncs === 'honoured' && name.startsWith('installing') && cuts % goneOnFrom === 0) {
        const goes = await goesOn(after, name.replace('installing ', ''));
        if (goes !== undefined) wrong.push(`${where}: ${goes}`);
      }
    }
  }
  return { cuts, wrong };
}

/** After the cut the installer is started again over what is still staged. */
async function goesOn(after: Life['installation'], version: string): Promise<string | undefined> {
  // What is staged now is what was staged last: of another version nothing can be said.
  const request = JSON.parse(readFileSync(life.installation.layout.staging.request, 'utf8'));
  if (request.release !== version) return undefined;
  symlinkSync(life.installation.layout.staging.folder, after.layout.staging.folder);
  await after.installAgain();
  const result = await readInstallResult(after.layout);
  if (result?.outcome !== 'installed' || result.id !== request.id)
    return `gone on: ${JSON.stringify(result)}`;
  return notWhole(slotFolder(after.layout, result.slot), life.releases);
}

traced('after each of them a whole release is started, the old one or the new one', async () => {
  const { cuts, wrong } = await cutEverywhere('honoured', 1);
  console.log(`${cuts} cuts, ${wrong.length} wrong (seed ${seed})`);
  assert.equal(wrong.slice(0, 10), []);
  assert.ok(cuts > 300, String(cuts));
});

traced('the control: on a disk that ignores syncs the same cuts leave half slots', async () => {
  const { wrong } = await cutEverywhere('ignored', 5);
  console.log(`of a disk that ignores syncs: ${wrong.length} wrong; the first: ${wrong[0]}`);
  assert.ok(
    wrong.some((fault) => /is not whole|has \d+ files|manifest|mode/.test(fault)),
    wrong.join('\n'),
  );
});

test.run();
