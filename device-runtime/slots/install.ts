import { createHash } from 'node:crypto';
import { chmod, mkdir, readFile, rename, rm, stat, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  type Log,
  lockFolder,
  readRegular,
  removeWhole,
  syncFolder,
  writeWhole,
} from '@loadline/sdk/platform';
import { ReleaseError, type ReleaseManifest, type ReleaseTarget } from '@loadline/sdk/release';
import { openBelow, stagedFolder } from '../update/release-source.ts';
import { type TrustedManifest, TrustedReleases } from '../update/trusted.ts';
import { readBootState, type WrittenSlot } from './boot-state.ts';
import { claimsOf, isTreeWhole, manifestIn, sourcesOf } from './held.ts';
import { type Layout, slotFolder } from './layout.ts';
import { type InstallRequest, type InstallResult, installRequest, type RefusalCode } from './requests.ts';
import { makeTree, roomFor } from './tree.ts';

export interface InstallOptions {
  readonly layout: Layout;
  /** What this machine is. */
  readonly target: ReleaseTarget;
  /** When this software was built, ms since 1970. */
  readonly built: number;
  readonly log: Log;
}

/** More than a request has. */
const requestBytes = 4096;
/** Bytes of the disk that a release leaves to the gateway and its journal. */
const reserve = 16 << 20;

/** A refusal of the installer's own. */
class Refusal extends Error {
  readonly code: RefusalCode;

  constructor(code: RefusalCode, message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * Puts the release that is asked for into the slot that is free, as root. The gateway, which fetched it, has no rights and is
 * believed nothing: not its folder (no link in it is followed, no pipe waited for, and nothing in it is changed), not what it
 * verified, not what it says is current beyond which slot is left alone. A cut at any moment leaves each slot whole, or not
 * there.
 *
 * @returns what `install.json` says now; undefined where nothing was asked for
 * @throws Error where there was no way to answer
 */
export async function install(options: InstallOptions): Promise<InstallResult | undefined> {
  const { layout, log } = options;
  const request = await readRequest(layout, log);
  if (request === undefined) return undefined;
  await makeFolder(layout.slots);
  const leave = await lockFolder(layout.slots);
  try {
    log.info('install-begun', { ...request });
    const result = await answerTo(request, options);
    await writeWhole(layout.installed, `${JSON.stringify(result)}\n`, 0o644);
    log.info(result.outcome === 'installed' ? 'install-done' : 'install-refused', { ...result });
    return result;
  } finally {
    await leave();
  }
}

async function answerTo(request: InstallRequest, options: InstallOptions): Promise<InstallResult> {
  const { id, release, target } = request;
  try {
    const { slot, manifest } = await putIntoSlot(request, options);
    const { healthSeconds } = manifest;
    return { id, outcome: 'installed', slot, release, target, healthSeconds };
  } catch (error) {
    // A machine that has just started may have a clock of years ago: no answer for good, and it is tried again.
    if (error instanceof ReleaseError && error.code === 'time-untrusted') throw error;
    const { message } = error as Error;
    const detail = message.length > 300 ? `${message.slice(0, 299)}…` : message;
    return { id, outcome: 'refused', code: codeOf(error), detail };
  }
}

function codeOf(error: unknown): RefusalCode {
  if (error instanceof ReleaseError || error instanceof Refusal) return error.code;
  return (error as NodeJS.ErrnoException).code === 'ENOSPC' ? 'no-room' : 'storage-failed';
}

async function readRequest(layout: Layout, log: Log): Promise<InstallRequest | undefined> {
  try {
    const file = await openBelow(layout.staging.folder, ['request.json']);
    try {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(requestBytes), 0, requestBytes, 0);
      return installRequest.parse(JSON.parse(buffer.subarray(0, bytesRead).toString('utf8')));
    } finally {
      await file.close();
    }
  } catch (error) {
    // Whoever asks so is not answered: there is nothing to answer to.
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT') log.warn('install-request-unusable', { file: layout.staging.request });
    return undefined;
  }
}

async function putIntoSlot(
  { release, target }: InstallRequest,
  { layout, target: own, built, log }: InstallOptions,
): Promise<{ slot: WrittenSlot; manifest: ReleaseManifest }> {
  if (target !== own) throw new Refusal('release-unknown', `this machine is ${own}, and no ${target}`);
  const free = await freeSlots(layout);
  const trusted = await believe(layout, release, target, { built, log });
  const { manifest } = trusted;
  mustBeStartable(manifest);
  const { slot, has } = await pick(layout, free, trusted);
  const { place, fresh, old } = placesOf(layout, slot);
  // What a cut left of an installation before this one.
  for (const left of [fresh, old]) await rm(left, { recursive: true, force: true });
  if (has === 'this') log.info('install-there-already', { slot });
  else {
    // What was said of a slot must not outlive what is in it: whoever is offered that release again would try another one.
    await removeWhole(layout.installed);
    await makeRoom(layout, slot, manifest, log);
    const sources = { claims: await claimsOf(await sourcesOf(layout)), staging: layout.staging.folder };
    try {
      await makeTree(fresh, trusted, sources, (progress) => log.info('install-file', { ...progress }));
    } catch (error) {
      await rm(fresh, { recursive: true, force: true });
      throw error;
    }
    await rename(place, old).catch(ignoreMissing);
    await rename(fresh, place);
    await syncFolder(layout.slots);
    await rm(old, { recursive: true, force: true });
  }
  await bringLauncher(layout, place, manifest, log);
  return { slot, manifest };
}

/** A slot, and the names beside it: of a tree that is being made, and of one that is being removed. */
function placesOf(layout: Layout, slot: WrittenSlot): Record<'place' | 'fresh' | 'old', string> {
  return {
    place: slotFolder(layout, slot),
    fresh: join(layout.slots, `.new-${slot}`),
    old: join(layout.slots, `.old-${slot}`),
  };
}

/** The slots that neither run nor are on trial. */
async function freeSlots(layout: Layout): Promise<readonly WrittenSlot[]> {
  const { current, trial } = await readBootState(layout);
  const free = (['a', 'b'] as const).filter((slot) => slot !== current && slot !== trial?.slot);
  if (free.length > 0) return free;
  throw new Refusal('slot-busy', `slot ${current} runs, and slot ${trial?.slot} is on trial`);
}

type Content = 'this' | 'nothing' | 'another';

/** Of the slots that are free the one that has the release already, else one that stands empty, else any. */
async function pick(
  layout: Layout,
  free: readonly WrittenSlot[],
  trusted: TrustedManifest,
): Promise<{ slot: WrittenSlot; has: Content }> {
  const found: { slot: WrittenSlot; has: Content }[] = [];
  for (const slot of free) found.push({ slot, has: await contentOf(slotFolder(layout, slot), trusted) });
  const order: Content[] = ['this', 'nothing', 'another'];
  found.sort((one, other) => order.indexOf(one.has) - order.indexOf(other.has));
  return found[0] as { slot: WrittenSlot; has: Content };
}

async function contentOf(place: string, { bytes, manifest }: TrustedManifest): Promise<Content> {
  if ((await stat(place).catch(() => undefined)) === undefined) return 'nothing';
  const there = await readRegular(join(place, 'manifest.json'), bytes.length).catch(() => undefined);
  // What the disk has spoiled is made anew.
  return there?.equals(bytes) && (await isTreeWhole(place, manifest)) ? 'this' : 'another';
}

/**
 * What is staged is judged again from the beginning, by what root believed before. Nobody can be asked for the time here:
 * the gateway has looked whether the system's clock agrees with what is vouched for, and here it must not be before what
 * was past already.
 */
async function believe(
  layout: Layout,
  release: string,
  target: ReleaseTarget,
  { built, log }: Pick<InstallOptions, 'built' | 'log'>,
): Promise<TrustedManifest> {
  const root = await readFile(layout.trustedRoot, 'utf8').catch((error: Error) => {
    throw new Refusal('metadata-refused', `nothing says whose releases to trust: ${error.message}`);
  });
  const releases = await TrustedReleases.open({
    folder: layout.trust,
    root,
    source: stagedFolder(layout.staging.folder),
    time: { kind: 'known', by: 'system', wall: Date.now(), uncertainty: 0 },
    built,
    log,
  });
  return await releases.manifest(release, target);
}

function mustBeStartable({ files }: ReleaseManifest): void {
  const has = (path: string, isGood: (file: (typeof files)[number]) => boolean) =>
    files.some((file) => file.path === path && isGood(file));
  if (!has('bin/node', ({ executable }) => executable) || !has('gateway.mjs', ({ length }) => length > 0)) {
    throw new ReleaseError(
      'manifest-malformed',
      'the release has no bin/node that can be run, or no gateway.mjs',
    );
  }
  if (has('manifest.json', () => true)) {
    throw new ReleaseError('manifest-malformed', 'the manifest is named as a file of its release');
  }
}

/** Where there is no room for both, what is in the slot goes first, if that is enough. */
async function makeRoom(
  layout: Layout,
  slot: WrittenSlot,
  manifest: ReleaseManifest,
  log: Log,
): Promise<void> {
  const needed = roomFor(manifest) + reserve;
  const { bavail, bsize } = await statfs(layout.slots);
  const free = bavail * bsize;
  if (free >= needed) return;
  const { place, old } = placesOf(layout, slot);
  const there = await manifestIn(place);
  if (free + (there === undefined ? 0 : roomFor(there)) < needed) {
    throw new Refusal('no-room', `the release needs ${needed} bytes of the disk, and ${free} are free`);
  }
  log.info('install-makes-room', { slot });
  await rename(place, old);
  await syncFolder(layout.slots);
  await rm(old, { recursive: true, force: true });
}

const launcherPath = 'launcher/loadline-launch';
const launcherBytes = 1 << 20;

/**
 * Puts the launcher of the release into root's store, where it is newer than the one there. The launcher that image or package
 * brought hands over to it, if its digest is that of the line beside it: so that is written last.
 */
async function bringLauncher(
  layout: Layout,
  place: string,
  { launcher: version, files }: ReleaseManifest,
  log: Log,
): Promise<void> {
  const { folder, program, digest, first } = layout.launcher;
  const file = files.find(({ path }) => path === launcherPath);
  const own = /^version=([1-9]\d*)$/m.exec((await textOf(first)) ?? '')?.[1];
  if (file === undefined || (own !== undefined && Number(own) >= version)) return;
  const [, sha256, there] = /^([0-9a-f]{64}) ([1-9]\d*)\n$/.exec((await textOf(digest)) ?? '') ?? [];
  const present = await textOf(program);
  const isWhole = present !== undefined && createHash('sha256').update(present).digest('hex') === sha256;
  if (isWhole && (Number(there) > version || sha256 === file.sha256)) return;
  const content = await textOf(join(place, launcherPath));
  if (content === undefined) return;
  await makeFolder(folder);
  await writeWhole(program, content, 0o755);
  await writeWhole(digest, `${file.sha256} ${version}\n`, 0o644);
  log.info('install-launcher', { version });
}

/** The text of a script, or of a line about it; undefined where there is none that can be read. */
async function textOf(path: string): Promise<string | undefined> {
  return (await readRegular(path, launcherBytes).catch(() => undefined))?.toString('utf8');
}

/** A folder that everybody may read, and that lasts. */
async function makeFolder(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true, mode: 0o755 });
  if (first === undefined) return;
  for (let made = folder; made !== dirname(first); made = dirname(made)) {
    await chmod(made, 0o755);
    await syncFolder(dirname(made));
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}
