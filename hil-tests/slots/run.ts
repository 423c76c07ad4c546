import { existsSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { readBootState, slotFolder } from '@loadline/device-runtime/slots';
import { SeededRandom } from '../rig/random.ts';
import type { CallEvent } from '../scenarios/system-calls.ts';
import { DiskTree } from './disk-tree.ts';
import { type Act, Installation, notWhole, releaseOf, versionIn } from './installation.ts';
import { type SmallRelease, SmallRepository } from './releases.ts';

export interface CutsOptions {
  readonly cuts: number;
  readonly seed: number;
  /** Where it is done; made, and left as the last cut left it. */
  readonly folder: string;
  readonly say: (text: string) => void;
  readonly signal: AbortSignal;
}

export interface CutsResult {
  readonly cuts: number;
  /** Starts after a cut, by slot. */
  readonly started: Readonly<Record<string, number>>;
  /** Of those, of the release that the cut update brought. */
  readonly startedNew: number;
  /** What was wrong: nothing started, half a slot, a release that was not to be started. */
  readonly wrong: readonly string[];
}

/** What becomes of a new release: it proves itself, dies, or hangs. */
const fates: readonly Act[] = ['confirm', 'die', 'hang'];
const patient = { LOADLINE_QUICK_SECONDS: '0' };
const hurried = { LOADLINE_TRIAL_SECONDS: '0.2', LOADLINE_GRACE_SECONDS: '0.2' };

/**
 * One update after the other, each cut at a random call; each begins on the disk that the cut before it left. The power goes
 * while it is installed, while the gateway switches, or while the new release is tried.
 */
export async function cutAtRandom(options: CutsOptions): Promise<CutsResult> {
  const { folder, say, signal } = options;
  const random = new SeededRandom(options.seed);
  const repository = new SmallRepository();
  const releases = new Map<string, SmallRelease>();
  const make = (version: string, launcher: number): SmallRelease => {
    const release = releaseOf(version, launcher);
    releases.set(version, release);
    return release;
  };
  let site = Installation.make(join(folder, 'site-0'), make('1.0.0', 1), repository.root);
  const started: Record<string, number> = { factory: 0, a: 0, b: 0 };
  const wrong: string[] = [];
  let [cuts, startedNew] = [0, 0];
  while (cuts < options.cuts && !signal.aborted) {
    cuts++;
    const version = `1.${cuts}.0`;
    const release = make(version, 1 + random.integer(1, cuts));
    const fate = fates[random.integer(0, fates.length - 1)] as Act;
    const may = [...(await versionsIn(site)), version, '1.0.0'];
    const disk = new DiskTree(site.disk);
    repository.publish(release);
    repository.stage(site.layout, release, `00000000-0000-4000-8000-${String(cuts).padStart(12, '0')}`);
    const events = [
      ...(await site.install()),
      ...(await site.launch('switch', patient)),
      ...(await site.launch(fate, { ...patient, ...hurried })),
    ].filter((event) => disk.concerns(event));
    const at = random.integer(1, events.length);
    const last = replay(disk, events.slice(0, at));
    const after = site.besides(join(folder, `site-${cuts}`));
    disk.cut(after.disk, random);
    const found = await after.started();
    const fault = found === undefined ? 'nothing was started' : notWhole(found.folder, releases);
    const startedVersion = found === undefined ? undefined : versionIn(found.folder);
    const where = `cut ${cuts} (${fate}), ${last}`;
    if (fault !== undefined) wrong.push(`${where}: ${fault}`);
    else if (!may.includes(startedVersion ?? '')) wrong.push(`${where}: ${startedVersion} was started`);
    if (found !== undefined) started[found.slot] = (started[found.slot] ?? 0) + 1;
    if (startedVersion === version) startedNew++;
    say(`${where}: slot ${found?.slot} with ${startedVersion}${fault === undefined ? '' : `: ${fault}`}`);
    await settle(after);
    if (cuts > 1) rmSync(site.folder, { recursive: true });
    site = after;
  }
  return { cuts, started, startedNew, wrong };
}

function replay(disk: DiskTree, events: readonly CallEvent[]): string {
  for (const event of events) disk.take(event);
  const { call, target, kind } = events.at(-1) as CallEvent;
  return `${call} of ${target.split('/').slice(-3).join('/')} ${kind}`;
}

/** Versions of what the slots in force have. */
async function versionsIn({ layout }: Installation): Promise<string[]> {
  const { current, trial } = await readBootState(layout);
  const slots = [current, ...(trial === undefined ? [] : [trial.slot])];
  return slots.flatMap((slot) => versionIn(slotFolder(layout, slot)) ?? []);
}

/** A gateway that found itself on trial after the cut proves itself, so that the next update has a slot. */
async function settle(site: Installation): Promise<void> {
  const { trial } = await readBootState(site.layout);
  if (trial !== undefined) await site.launch('confirm', patient);
  const notes = join(site.folder, 'notes');
  if (existsSync(notes)) renameSync(notes, `${notes}.old`);
}
