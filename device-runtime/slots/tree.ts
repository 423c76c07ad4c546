import { createHash } from 'node:crypto';
import { chmod, mkdir, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
// By its names an older Node would not load it, and could not say that it is too old.
import zlib from 'node:zlib';
import { openRegular, syncFolder } from '@loadline/sdk/platform';
import { ReleaseError, type ReleaseFile, type ReleaseManifest } from '@loadline/sdk/release';
import { openBelow } from '../update/release-source.ts';

/** Where the files of a new tree come from. */
export interface TreeSources {
  /** Paths at which files of that content lie in slots, by digest. */
  readonly claims: ReadonlyMap<string, string>;
  /** The staging folder, whose `blobs/` somebody with fewer rights has filled, and goes on to fill. */
  readonly staging: string;
}

/** What was written of a tree, file by file. */
export interface TreeProgress {
  readonly path: string;
  /** Out of a slot, or unpacked. */
  readonly from: 'slot' | 'blob';
  /** Bytes, of all. */
  readonly done: number;
  readonly total: number;
}

/** What a release's packing needs to be unpacked: 2^23 bytes of memory, which is level 19. A frame that wants more gets none. */
const windowLog = 23;

/**
 * Makes the tree of a release in a folder that is not there yet, and makes it last, all but the folder's own name. Not a
 * byte is believed because of where it lies: each file has the length and the digest that the manifest says, or there is
 * an error. A few MiB of memory are used, whatever the files are.
 *
 * @throws ReleaseError `file-refused`
 */
export async function makeTree(
  folder: string,
  { manifest, bytes }: { readonly manifest: ReleaseManifest; readonly bytes: Uint8Array },
  sources: TreeSources,
  onProgress: (progress: TreeProgress) => void,
): Promise<void> {
  const total = manifest.files.reduce((sum, { length }) => sum + length, 0);
  let done = 0;
  const folders = foldersOf(folder, manifest);
  for (const each of folders) {
    await mkdir(each);
    // Whatever the umask is: helpers of other users run what is in there.
    await chmod(each, 0o755);
  }
  for (const file of manifest.files) {
    const from = await makeFile(join(folder, file.path), file, sources);
    done += file.length;
    onProgress({ path: file.path, from, done, total });
  }
  const own = await open(join(folder, 'manifest.json'), 'wx', 0o644);
  try {
    await own.chmod(0o644);
    await own.writeFile(bytes);
    await own.sync();
  } finally {
    await own.close();
  }
  for (const each of folders.reverse()) await syncFolder(each);
}

/** Bytes that a tree needs on a disk: its files in whole blocks, and what the disk has to say about each. */
export function roomFor(manifest: ReleaseManifest): number {
  const block = 4096;
  return manifest.files.reduce((sum, { length }) => sum + Math.ceil(length / block + 1) * block, 1 << 20);
}

/** Every folder of the tree, those above first. */
function foldersOf(folder: string, { files }: ReleaseManifest): string[] {
  const folders = new Set([folder]);
  const add = (each: string): void => {
    if (folders.has(each)) return;
    add(dirname(each));
    folders.add(each);
  };
  for (const { path } of files) add(dirname(join(folder, path)));
  return [...folders];
}

async function makeFile(to: string, file: ReleaseFile, sources: TreeSources): Promise<'slot' | 'blob'> {
  const { length, sha256, executable, packed } = file;
  const mode = executable ? 0o755 : 0o644;
  const output = await open(to, 'wx', mode);
  try {
    // Whatever the umask was.
    await output.chmod(mode);
    let from: 'slot' | 'blob' = 'slot';
    if (!(await isCopied(sources.claims.get(sha256), output, length, sha256))) {
      from = 'blob';
      // What a copy that did not hold has left is no longer than this, and written over.
      const where = `${file.path}: blob ${packed.sha256}`;
      const blob = await openBelow(sources.staging, ['blobs', packed.sha256]).catch((error: Error) => {
        throw new ReleaseError('file-refused', `${where}: ${error.message}`);
      });
      const input = blob.createReadStream({ end: packed.length });
      const whole = new Measured(packed.length, packed.sha256);
      const unpacked = new Measured(length, sha256);
      const unpack = zlib.createZstdDecompress({
        params: { [zlib.constants.ZSTD_d_windowLogMax]: windowLog },
      });
      await pipeline(input, whole, unpack, unpacked, writing(output)).catch((error: Error) => {
        const { code } = error as NodeJS.ErrnoException;
        // What the disk has to say is not the blob's fault.
        if (code !== undefined && /^E[A-Z]+$/.test(code)) throw error;
        throw new ReleaseError('file-refused', `${where}: ${error.message}`);
      });
    }
    await output.sync();
    return from;
  } finally {
    await output.close();
  }
}

/** Copies a file of a slot, if it still is what it was. */
async function isCopied(
  from: string | undefined,
  output: Output,
  length: number,
  sha256: string,
): Promise<boolean> {
  const input = from === undefined ? undefined : await openRegular(from, length).catch(() => undefined);
  if (input === undefined) return false;
  try {
    await pipeline(input.createReadStream({ end: length }), new Measured(length, sha256), writing(output));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC') throw error;
    return false;
  }
}

type Output = Awaited<ReturnType<typeof open>>;

/** Writes to a file that somebody else opened, and will close, from its beginning. */
function writing(output: Output): (chunks: AsyncIterable<Buffer>) => Promise<void> {
  return async (chunks) => {
    let position = 0;
    for await (const chunk of chunks) {
      for (let written = 0; written < chunk.length; ) {
        const { bytesWritten } = await output.write(chunk, written, chunk.length - written, position);
        written += bytesWritten;
        position += bytesWritten;
      }
    }
  };
}

/** Lets through what has this length and this digest, and fails at the first byte too many, or at the end. */
class Measured extends Transform {
  readonly #length: number;
  readonly #sha256: string;
  readonly #hash = createHash('sha256');
  #seen = 0;

  constructor(length: number, sha256: string) {
    super();
    this.#length = length;
    this.#sha256 = sha256;
  }

  override _transform(chunk: Buffer, _: BufferEncoding, done: (error: Error | null, data?: Buffer) => void) {
    this.#seen += chunk.length;
    if (this.#seen > this.#length) return done(new Error(`there are more than ${this.#length} bytes`));
    this.#hash.update(chunk);
    done(null, chunk);
  }

  override _flush(done: (error?: Error | null) => void) {
    if (this.#seen !== this.#length) done(new Error(`${this.#seen} bytes of ${this.#length}`));
    else if (this.#hash.digest('hex') !== this.#sha256)
      done(new Error('the content is another than its digest'));
    else done();
  }
}
