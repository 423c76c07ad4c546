import { mkdir, readdir, rm, stat, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { readIfThere, removeWhole, writeWhole } from '@loadline/sdk/platform';
import {
  ReleaseError,
  type ReleaseFile,
  type ReleaseManifest,
  type ReleaseTarget,
} from '@loadline/sdk/release';
import {
  filesToFetch,
  installRequest,
  type Layout,
  manifestIn,
  readBootState,
  readInstallResult,
  requestInstall,
  slotFolder,
} from '../slots/index.ts';
import { type CloudSource, PartRefused } from './cloud-source.ts';
import type { Offer } from './offer.ts';
import type { ByteStream } from './release-source.ts';
import { isStaged, StagedFile } from './staged-file.ts';
import type { TrustedManifest, TrustedReleases } from './trusted.ts';

/** There is no room for the release: what is written to the disk first is readings. */
export class NoRoom extends Error {
  override readonly name = 'NoRoom';
}

export interface FetchOptions {
  readonly offer: Offer;
  readonly target: ReleaseTarget;
  readonly layout: Layout;
  /** Folder of the parts, on the same disk as the staging folder. */
  readonly parts: string;
  readonly source: Pick<CloudSource, 'blob'>;
  /** Takes the newest metadata, and believes it or not. */
  readonly trust: () => Promise<Pick<TrustedReleases, 'manifest' | 'evidence'>>;
  /** Bytes of the disk that are not for releases. */
  readonly reserve: () => number;
  /** Resolves once more bytes may come. */
  readonly pace: (bytes: number, signal: AbortSignal) => Promise<void>;
  readonly monotonic: () => number;
  readonly onProgress: (done: number, total: number) => void;
  /** Milliseconds without a byte after which a connection is given up. */
  readonly stallMilliseconds: number;
  readonly signal: AbortSignal;
}

/** Milliseconds after which metadata is taken anew before the installer judges it: a download may have taken days. */
const freshMilliseconds = 10 * 60_000;

/**
 * Fetches what a gateway lacks of a release into the staging folder, and asks the installer for it, unless it has answered. What
 * came before is gone on with, byte by byte.
 *
 * @throws ReleaseError; NoRoom; Error of the disk; the signal's reason
 */
export async function fetchRelease(options: FetchOptions): Promise<void> {
  const { offer, target, layout, trust, signal, monotonic } = options;
  if ((await readInstallResult(layout))?.id === offer.id) return;
  if (await isAskedFor(layout, offer.id)) {
    // The installer looks at changes of the request: before a restart it may not have got to it.
    await requestInstall(layout, { id: offer.id, release: offer.release, target });
    return;
  }
  const { staging } = layout;
  await removeWhole(staging.request).catch(ignoreAbsence);
  let at = monotonic();
  let trusted = await trust();
  let signed = await trusted.manifest(offer.release, target);
  const files = await filesToFetch(layout, signed.manifest);
  for (const folder of [staging.blobs, staging.metadata, options.parts]) {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  }
  await keepOnly(staging.blobs, files);
  await keepOnly(options.parts, files);
  signal.throwIfAborted();
  await fetchFiles(options, signed.manifest, files);
  if (monotonic() - at > freshMilliseconds) {
    at = monotonic();
    trusted = await trust();
    const again = await trusted.manifest(offer.release, target);
    if (!again.bytes.equals(signed.bytes)) {
      throw new ReleaseError('source-failed', 'the release was signed anew meanwhile');
    }
    signed = again;
  }
  const evidence = await trusted.evidence();
  signal.throwIfAborted();
  await stage(options, evidence, signed);
}

/** All of it is staged. */
async function isAskedFor(layout: Layout, id: string): Promise<boolean> {
  try {
    const content = await readIfThere(layout.staging.request);
    return content !== undefined && installRequest.parse(JSON.parse(content)).id === id;
  } catch {
    return false;
  }
}

async function stage(
  { layout, offer, target }: FetchOptions,
  evidence: Awaited<ReturnType<TrustedReleases['evidence']>>,
  signed: TrustedManifest,
): Promise<void> {
  const { staging } = layout;
  await rm(staging.metadata, { recursive: true });
  await mkdir(staging.metadata, { mode: 0o700 });
  for (const { name, content } of evidence) await writeWhole(join(staging.metadata, name), content, 0o600);
  await writeWhole(staging.manifest, signed.bytes.toString('utf8'), 0o600);
  await requestInstall(layout, { id: offer.id, release: offer.release, target });
}

async function fetchFiles(
  options: FetchOptions,
  manifest: ReleaseManifest,
  files: readonly ReleaseFile[],
): Promise<void> {
  const { layout, parts, onProgress } = options;
  const total = files.reduce((sum, { packed }) => sum + packed.length, 0);
  const missing: ReleaseFile[] = [];
  let done = 0;
  for (const file of files) {
    if (await isStaged(file.packed, join(layout.staging.blobs, file.packed.sha256)))
      done += file.packed.length;
    else missing.push(file);
  }
  const sizes = missing.map(({ packed }) => sizeOf(join(parts, packed.sha256)));
  const begun = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
  await mustHaveRoom(options, manifest, total - done - begun);
  onProgress(done + begun, total);
  // Of what is begun, the rest is told once it is gone on with: a part may turn out to be of no use.
  for (const { packed } of missing) {
    await fetchFile(options, packed, (length) => onProgress(done + length, total));
    done += packed.length;
  }
}

/** One file, from where its part ends. */
async function fetchFile(
  { layout, parts, source, pace, stallMilliseconds, signal }: FetchOptions,
  packed: ReleaseFile['packed'],
  onLength: (length: number) => void,
): Promise<void> {
  const place = join(layout.staging.blobs, packed.sha256);
  const file = await StagedFile.open(packed, join(parts, packed.sha256), place);
  try {
    if (file.length < packed.length) {
      const answer = await source.blob(packed.sha256, file.length, packed.length).catch(async (error) => {
        if (error instanceof PartRefused) await file.begin();
        throw error;
      });
      if (answer.from !== file.length) await file.begin();
      for await (const bytes of unstalled(answer.bytes, stallMilliseconds, signal)) {
        await file.append(bytes);
        onLength(file.length);
        await pace(bytes.length, signal);
      }
    }
    await file.finish();
  } finally {
    await file.close();
  }
}

/** Bytes as they come, where there are any within a time; and no further once it is to end. */
async function* unstalled(bytes: ByteStream, limit: number, signal: AbortSignal): ByteStream {
  const iterator = bytes[Symbol.asyncIterator]();
  try {
    for (;;) {
      const patience = new AbortController();
      const late = delay(limit, undefined, { signal: AbortSignal.any([signal, patience.signal]) }).then(
        () => {
          throw new ReleaseError('source-failed', `nothing came for ${limit / 1000} s`);
        },
      );
      late.catch(() => {});
      const next = iterator.next();
      next.catch(() => {});
      try {
        const { done, value } = await Promise.race([next, late]);
        if (done) return;
        yield value;
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof ReleaseError) throw error;
        throw new ReleaseError('source-failed', `the connection broke: ${(error as Error).message}`);
      } finally {
        patience.abort();
      }
    }
  } finally {
    // Not waited for: what hangs may hang in here, too.
    void iterator.return?.().catch(() => {});
  }
}

/** Checked before the first byte: an update must not take the room that readings need. */
async function mustHaveRoom(
  { layout, reserve }: FetchOptions,
  manifest: ReleaseManifest,
  toFetch: number,
): Promise<void> {
  const unpacked = manifest.files.reduce((sum, { length }) => sum + length, 0);
  const toUnpack = Math.max(0, unpacked - (await replaced(layout)));
  const kept = reserve();
  const store = await existing(dirname(layout.slots));
  const isOne = (await stat(layout.staging.folder)).dev === (await stat(store)).dev;
  await mustHave(layout.staging.folder, toFetch + kept + (isOne ? toUnpack : 0), kept);
  if (!isOne) await mustHave(store, toUnpack, 0);
}

async function mustHave(folder: string, needed: number, kept: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  if (free >= needed) return;
  const rest = kept > 0 ? `, ${megabytes(kept)} of which are kept for readings` : '';
  throw new NoRoom(`it takes ${megabytes(needed)}${rest}, and the disk has ${megabytes(free)} free`);
}

/** A folder, or what it will be made in. */
async function existing(folder: string): Promise<string> {
  return (await stat(folder).catch(ignoreAbsence)) === undefined ? await existing(dirname(folder)) : folder;
}

/** Bytes of the release whose place the new one takes. */
async function replaced(layout: Layout): Promise<number> {
  const { current } = await readBootState(layout);
  const old = await manifestIn(slotFolder(layout, current === 'a' ? 'b' : 'a'));
  return old?.files.reduce((sum, { length }) => sum + length, 0) ?? 0;
}

function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 1e6)} MB`;
}

/** What was begun of another release, and is of no use for this one, goes. */
async function keepOnly(folder: string, files: readonly ReleaseFile[]): Promise<void> {
  const wanted = new Set(files.map(({ packed }) => packed.sha256));
  for (const name of await readdir(folder)) {
    if (!wanted.has(name)) await rm(join(folder, name), { recursive: true, force: true });
  }
}

async function sizeOf(path: string): Promise<number> {
  const found = await stat(path).catch(ignoreAbsence);
  return found?.size ?? 0;
}

function ignoreAbsence(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}
