import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { type FileHandle, open, rename, stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { constants, createZstdCompress } from 'node:zlib';
import type { Digested, Range } from './block-map.ts';

/** Ten times the time of level 10 for a tenth less is not worth it. */
const level = 12;

/** The ranges with the digests of what the image has there. */
export async function digest(image: string, ranges: readonly Range[]): Promise<Digested[]> {
  const file = await open(image, 'r');
  try {
    const digested: Digested[] = [];
    for (const range of ranges) digested.push({ ...range, sha256: await digestOfRange(file, range) });
    return digested;
  } finally {
    await file.close();
  }
}

async function digestOfRange(file: FileHandle, { from, to }: Range): Promise<string> {
  const hash = createHash('sha256');
  const buffer = Buffer.alloc(Math.min(4 * 1024 * 1024, to - from));
  for (let at = from; at < to; ) {
    const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, to - at), at);
    // The end of the last block may be past the end of the image.
    if (bytesRead === 0) break;
    hash.update(buffer.subarray(0, bytesRead));
    at += bytesRead;
  }
  return hash.digest('hex');
}

/** SHA-256 of a file. */
export async function digestOfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

/** Packs a file as one zstd frame, with its checksum. */
export async function pack(from: string, to: string): Promise<void> {
  const { size } = await stat(from);
  const params = {
    [constants.ZSTD_c_compressionLevel]: level,
    [constants.ZSTD_c_checksumFlag]: 1,
    // 8 MiB of window: what unpacks it needs no more memory.
    [constants.ZSTD_c_windowLog]: 23,
  };
  await pipeline(
    createReadStream(from, { highWaterMark: 1 << 20 }),
    createZstdCompress({ params, pledgedSrcSize: size }),
    createWriteStream(to),
  );
}

/** Puts a file in its place, whole and synced. */
export async function place(from: string, to: string): Promise<void> {
  const file = await open(from, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(from, to);
}
