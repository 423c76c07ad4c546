import { createHash } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { constants, zstdCompress, zstdDecompressSync } from 'node:zlib';
import { blobPath, type ReleaseFile, type ReleaseManifest, writeManifest } from '@loadline/sdk/release';
import { cached } from './cache.ts';

/** 19 is the best that is unpacked with 8 MiB of memory: a gateway has little. */
const level = 19;
/** Above this a file is packed once and kept: Node takes a minute. Bytes. */
const worthKeeping = 16 << 20;

/** What a slow machine packs at that level: for telling how long it takes. */
const bytesASecond = 2e6;

/** What a release is, all but its files. */
export type ReleaseFacts = Omit<ReleaseManifest, 'format' | 'product' | 'files'>;

/**
 * Makes a release in `folder` of the tree that is in `folder/tree`: packs each file there into `folder/blobs`, and writes
 * the manifest, beside the tree and into it.
 */
export async function packRelease(
  folder: string,
  facts: ReleaseFacts,
  tell: (line: string) => void,
): Promise<ReleaseManifest> {
  const tree = join(folder, 'tree');
  await mkdir(join(folder, 'blobs'));
  const files: ReleaseFile[] = [];
  for (const path of await filesIn(tree)) {
    const content = await readFile(join(tree, path));
    const packed = await pack(path, content, tell);
    const file = {
      path,
      executable: isExecutable(path, content),
      length: content.length,
      sha256: sha256(content),
      packed: { length: packed.length, sha256: sha256(packed) },
    };
    await writeFile(join(folder, blobPath(file.packed.sha256)), packed);
    files.push(file);
  }
  const manifest: ReleaseManifest = { format: 1, product: 'loadline-gateway', ...facts, files };
  const bytes = writeManifest(manifest);
  await writeFile(join(tree, 'manifest.json'), bytes);
  await writeFile(join(folder, 'manifest.json'), bytes);
  return manifest;
}

/** Paths of the files below `folder`, with slashes, in the order of their bytes. */
export async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return files.map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1)).sort();
}

/** By what the file is, and not by its mode, which a checkout may have lost. */
function isExecutable(path: string, content: Buffer): boolean {
  return path === 'bin/node' || content.subarray(0, 2).toString() === '#!';
}

/** The content as one zstd frame with its length and a checksum. */
async function pack(path: string, content: Buffer, tell: (line: string) => void): Promise<Buffer> {
  const compress = () =>
    promisify(zstdCompress)(content, {
      params: {
        [constants.ZSTD_c_compressionLevel]: level,
        [constants.ZSTD_c_checksumFlag]: 1,
        [constants.ZSTD_c_contentSizeFlag]: 1,
      },
      pledgedSrcSize: content.length,
    });
  if (content.length < worthKeeping) return await compress();
  // Another zstd packs the same file to other bytes.
  const name = `${sha256(content)}-${level}-${process.versions.zstd}.zst`;
  return await cached(
    name,
    (kept) => isPackedFrom(kept, content),
    async () => {
      const seconds = Math.ceil(content.length / bytesASecond);
      tell(`${path}: packing ${megabytes(content.length)}, which takes some ${seconds} s and is kept`);
      return await compress();
    },
  );
}

function isPackedFrom(packed: Buffer, content: Buffer): boolean {
  try {
    return zstdDecompressSync(packed, { maxOutputLength: content.length }).equals(content);
  } catch {
    return false;
  }
}

/**
 * Gives all in the folder of a release the modes and times that manifest and commit say: umask and clock of who builds are
 * in nothing.
 */
export async function settle(folder: string, { files, committed }: ReleaseManifest): Promise<void> {
  const executables = new Set(files.filter(({ executable }) => executable).map(({ path }) => `tree/${path}`));
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name);
    const isOpen = entry.isDirectory() || executables.has(path.slice(folder.length + 1));
    await chmod(path, isOpen ? 0o755 : 0o644);
    await utimes(path, committed, committed);
  }
  await chmod(folder, 0o755);
  await utimes(folder, committed, committed);
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
