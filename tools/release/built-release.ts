import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { copyFile, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createZstdDecompress } from 'node:zlib';
import { syncFolder, writeWhole } from '@loadline/sdk/platform';
import {
  blobPath,
  manifestTarget,
  ReleaseError,
  type ReleaseFile,
  type ReleaseManifest,
  readManifest,
  repository,
} from '@loadline/sdk/release';
import { readSignedManifest, type SignedRelease } from '@loadline/sdk/release/repository';
import { CalledWrongly } from '../cloud/outcome.ts';

/** A release as 'loadline release build' made it. */
export interface BuiltRelease {
  readonly folder: string;
  readonly bytes: Buffer;
  readonly manifest: ReleaseManifest;
}

/** Reads a built release, and checks each packed file, and what is in it: what is signed must be what gateways will have. */
export async function readBuiltRelease(folder: string): Promise<BuiltRelease> {
  const path = join(folder, 'manifest.json');
  const bytes = await readFile(path).catch(() => {
    throw new CalledWrongly(
      `${folder} holds no manifest.json: name a folder that 'loadline release build' made`,
    );
  });
  const manifest = readManifest(bytes);
  for (const file of manifest.files) await checkPacked(folder, file);
  return { folder, bytes, manifest };
}

/**
 * Checks a packed file below a folder (of a release, or of a repository), and what is in it.
 *
 * @throws ReleaseError `file-refused`
 */
export async function checkPacked(
  folder: string,
  { path, length, sha256, packed }: ReleaseFile,
): Promise<void> {
  const place = join(folder, blobPath(packed.sha256));
  const refused = (why: string) => new ReleaseError('file-refused', `${place} (${path}) ${why}`);
  const outer = { length: 0, hash: createHash('sha256') };
  const inner = { length: 0, hash: createHash('sha256') };
  try {
    await pipeline(
      createReadStream(place),
      async function* (chunks: AsyncIterable<Buffer>) {
        for await (const chunk of chunks) {
          count(outer, chunk);
          yield chunk;
        }
      },
      createZstdDecompress(),
      async (chunks: AsyncIterable<Buffer>) => {
        for await (const chunk of chunks) {
          count(inner, chunk);
          if (inner.length > length) throw new Error('is longer than it says');
        }
      },
    );
  } catch (error) {
    throw refused(
      (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'is missing' : (error as Error).message,
    );
  }
  if (outer.length !== packed.length || outer.hash.digest('hex') !== packed.sha256)
    throw refused('is not what its name says');
  if (inner.length !== length || inner.hash.digest('hex') !== sha256)
    throw refused('does not hold what the manifest says');
}

function count(of: { length: number; readonly hash: ReturnType<typeof createHash> }, chunk: Buffer): void {
  of.length += chunk.length;
  of.hash.update(chunk);
}

/** Puts a release's files and its manifest into a repository, each whole; those that are there as they should be stay. */
export async function putRelease({ folder, bytes, manifest }: BuiltRelease, into: string): Promise<void> {
  const blobs = join(into, repository.blobs);
  await mkdir(blobs, { recursive: true });
  for (const { packed } of manifest.files) {
    const place = join(into, blobPath(packed.sha256));
    if ((await digestIn(place)) === packed.sha256) continue;
    const beside = `${place}.new`;
    await copyFile(join(folder, blobPath(packed.sha256)), beside);
    const file = await open(beside, 'r+');
    await file.sync().finally(() => file.close());
    await rename(beside, place);
  }
  await syncFolder(blobs);
  const digest = createHash('sha256').update(bytes).digest('hex');
  const place = join(into, repository.targets, 'releases', manifest.version, manifest.target);
  await mkdir(place, { recursive: true });
  const name = manifestTarget(manifest.version, manifest.target).replace(/^.*\//, `${digest}.`);
  await writeWhole(join(place, name), bytes.toString('utf8'), 0o644);
}

/** SHA-256 of a file, in hex; undefined where there is none. */
async function digestIn(path: string): Promise<string | undefined> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(path)) hash.update(chunk);
    return hash.digest('hex');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Removes packed files that belong to no release of these, and says how many bytes that were. */
export async function sweep(into: string, kept: readonly SignedRelease[]): Promise<number> {
  const wanted = new Set<string>();
  for (const signed of kept) {
    const { files } = readSignedManifest(signed, await signedManifestBytes(into, signed));
    for (const { packed } of files) wanted.add(packed.sha256);
  }
  let bytes = 0;
  for (const name of await readdir(join(into, repository.blobs)).catch(() => [])) {
    if (wanted.has(name)) continue;
    const place = join(into, repository.blobs, name);
    bytes += (await stat(place)).size;
    await rm(place);
  }
  return bytes;
}

/**
 * The manifest of a release that is signed, as it lies in a repository.
 *
 * @throws ReleaseError `file-refused` where it is missing
 */
export async function signedManifestBytes(into: string, { path }: SignedRelease): Promise<Buffer> {
  const place = join(into, repository.targets, path);
  return await readFile(place).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'ENOENT' ? missingOf(place) : error;
  });
}

/** What a file is missing of that is signed, and how it comes back. */
export function missingOf(place: string): ReleaseError {
  return new ReleaseError(
    'file-refused',
    `${place} is missing: take the repository from its copy, or sign the built release once more, which brings its files`,
  );
}
