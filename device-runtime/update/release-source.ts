import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { repository } from '@loadline/sdk/release';

/** Bytes on their way: read until there are enough, or too many, and then no further. */
export type ByteStream = AsyncIterable<Uint8Array>;

/**
 * Where a repository's files come from: a cloud, a folder. It vouches for nothing, and keeps no limits: whoever reads
 * from it does. It gives up when the signal says so; what it throws means that the way there failed.
 */
export interface ReleaseSource {
  /** A file of the metadata, such as `timestamp.json` or `3.root.json`; undefined where there is none of that name. */
  metadata(name: string, signal: AbortSignal): Promise<ByteStream | undefined>;
  /** A target by its path with its digest in it: `releases/1.4.0/linux-arm64/<sha256>.manifest.json`. */
  target(path: string, signal: AbortSignal): Promise<ByteStream | undefined>;
}

/** A repository as it lies in a folder of one's own (see `repository` of `@loadline/sdk/release`). */
export function repositoryFolder(folder: string): ReleaseSource {
  const stream = (...names: string[]) => ifThere(open(join(folder, ...names), 'r'));
  return {
    metadata: async (name) => await stream(repository.metadata, name),
    target: async (path) => await stream(repository.targets, path),
  };
}

/** What somebody else staged for an update: metadata as in a repository, and the one manifest it is about. */
export function stagedFolder(folder: string): ReleaseSource {
  return {
    metadata: async (name) => await ifThere(openBelow(folder, [repository.metadata, name])),
    target: async () => await ifThere(openBelow(folder, ['manifest.json'])),
  };
}

async function ifThere(opened: Promise<FileHandle>): Promise<ByteStream | undefined> {
  try {
    return (await opened).createReadStream();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * Opens a file for reading below a folder that somebody else fills: no name on the way to it may be a link, and it must
 * be a file, not something on which reading waits for ever. The folder itself may be reached by links.
 */
export async function openBelow(folder: string, names: readonly string[]): Promise<FileHandle> {
  const [first, ...rest] = names;
  if (first === undefined || names.some((name) => !/^[A-Za-z0-9_.-]+$/.test(name) || /^\.\.?$/.test(name))) {
    throw new Error(`${names.join('/')} is not the path of a file below ${folder}`);
  }
  // Without O_NONBLOCK the opening of a fifo waits for somebody to write into it.
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  if (rest.length === 0) {
    const file = await open(join(folder, first), flags);
    if ((await file.stat()).isFile()) return file;
    await file.close();
    throw new Error(`${join(folder, first)} is not a file`);
  }
  // What was opened stays what it is, whatever is put into its place by now: openat(2), as far as Node has it.
  const between = await open(join(folder, first), flags | constants.O_DIRECTORY);
  try {
    return await openBelow(`/proc/self/fd/${between.fd}`, rest);
  } finally {
    await between.close();
  }
}
