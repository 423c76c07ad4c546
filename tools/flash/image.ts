import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, type ReadStream } from 'node:fs';
import { open, readFile, stat } from 'node:fs/promises';
import { Readable, type Transform } from 'node:stream';
import { constants, createGunzip, createZstdDecompress } from 'node:zlib';
import { type BlockMap, parseBlockMap } from './block-map.ts';
import { FlashFailure } from './outcome.ts';

type Packing = 'none' | 'zstd' | 'gzip' | 'xz';

/** An image as it lies on this machine. */
export interface Image {
  readonly path: string;
  readonly packing: Packing;
  /** Bytes of the file. */
  readonly fileBytes: number;
  /** Bytes that it has unpacked; undefined where only its end tells. */
  readonly imageBytes: number | undefined;
  readonly map: BlockMap | undefined;
  /** The file that the block map is in. */
  readonly mapPath: string | undefined;
}

/** By which bytes a packed file begins: its name may say something else. */
const magics: readonly { readonly packing: Packing; readonly bytes: string }[] = [
  { packing: 'zstd', bytes: '28b52ffd' },
  { packing: 'gzip', bytes: '1f8b' },
  { packing: 'xz', bytes: 'fd377a585a00' },
];

/** Bytes that unpacking may hold: what is packed with more is refused, not unpacked. */
const windowLog = 27;
const xzMemory = '256MiB';

/**
 * Looks at an image and at the block map beside it.
 *
 * @throws FlashFailure `image-refused`
 */
export async function findImage(path: string): Promise<Image> {
  const { size, head } = await lookAt(path);
  if (size === 0) throw refused(`${path} is empty`);
  if (head.startsWith('504b0304')) throw refused(`${path} is a zip archive: unpack it first`);
  const packing = magics.find(({ bytes }) => head.startsWith(bytes))?.packing ?? 'none';
  const { map, mapPath } = await mapBeside(path);
  if (packing === 'none' && map !== undefined && map.imageBytes !== size) {
    throw refused(`${path} has ${size} bytes, and ${mapPath} is of an image of ${map.imageBytes}`);
  }
  const imageBytes = map?.imageBytes ?? (packing === 'none' ? size : undefined);
  return { path, packing, fileBytes: size, imageBytes, map, mapPath };
}

async function lookAt(path: string): Promise<{ size: number; head: string }> {
  try {
    const file = await open(path, 'r');
    try {
      const stats = await file.stat();
      if (!stats.isFile()) throw new Error('it is no file');
      const { buffer, bytesRead } = await file.read(Buffer.alloc(8), 0, 8, 0);
      return { size: stats.size, head: buffer.toString('hex', 0, bytesRead) };
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw new FlashFailure(
      'called-wrongly',
      `${path} cannot be read: ${(cause as Error).message}`,
      'name the file of an image',
      { cause },
    );
  }
}

/** As bmaptool looks for it: the image's name with `.bmap`, with one ending less each time. */
async function mapBeside(path: string): Promise<{ map?: BlockMap; mapPath?: string }> {
  const slash = path.lastIndexOf('/') + 1;
  for (let stem = path; stem.length > slash; stem = stem.slice(0, stem.lastIndexOf('.'))) {
    const mapPath = `${stem}.bmap`;
    const isThere = await stat(mapPath).then(
      (stats) => stats.isFile(),
      () => false,
    );
    if (isThere) return { map: parseBlockMap(await readFile(mapPath, 'utf8')), mapPath };
    if (stem.lastIndexOf('.') <= slash) break;
  }
  return {};
}

/** The unpacked bytes of an image, as they come. */
export interface ImageStream {
  readonly bytes: AsyncIterable<Buffer>;
  /** Bytes of the file that were read so far. */
  read(): number;
}

/** Opens an image. What is wrong with the packing is thrown by `bytes` as FlashFailure `image-refused`. */
export function openImage(image: Image): ImageStream {
  let read = 0;
  const counted = async function* (file: ReadStream): AsyncGenerator<Buffer> {
    for await (const bytes of file) {
      read += (bytes as Buffer).length;
      yield bytes;
    }
  };
  return { bytes: unpacked(image, counted), read: () => Math.min(read, image.fileBytes) };
}

type Counted = (file: ReadStream) => AsyncGenerator<Buffer>;

const chunkSize = 1024 * 1024;
const fileFrom = (path: string, start = 0) => createReadStream(path, { start, highWaterMark: chunkSize });

async function* unpacked(image: Image, counted: Counted): AsyncGenerator<Buffer> {
  const { path, packing } = image;
  try {
    switch (packing) {
      case 'none':
        yield* counted(fileFrom(path));
        return;
      case 'gzip':
        yield* through(counted(fileFrom(path)), createGunzip({ chunkSize }));
        return;
      case 'zstd':
        yield* throughZstd(image, counted);
        return;
      case 'xz':
        yield* throughXz(counted(fileFrom(path)));
        return;
    }
  } catch (cause) {
    if (cause instanceof FlashFailure) throw cause;
    throw refused(
      `${path} cannot be unpacked (${(cause as Error).message}): it is damaged, or cut off`,
      cause,
    );
  }
}

/** A file may have several frames (RFC 8878, section 3), and Node's decoder ends behind the first without a word. */
async function* throughZstd({ path, fileBytes }: Image, counted: Counted): AsyncGenerator<Buffer> {
  for (let at = 0; at < fileBytes; ) {
    const params = { [constants.ZSTD_d_windowLogMax]: windowLog };
    const frame = createZstdDecompress({ chunkSize, params });
    yield* through(counted(fileFrom(path, at)), frame);
    if (frame.bytesWritten === 0) throw new Error(`nothing of it is read from byte ${at} on`);
    at += frame.bytesWritten;
  }
}

async function* through(file: AsyncIterable<Buffer>, transform: Transform): AsyncGenerator<Buffer> {
  const source = Readable.from(file);
  source.once('error', (error) => transform.destroy(error));
  source.pipe(transform);
  try {
    yield* transform;
  } finally {
    source.destroy();
    transform.destroy();
  }
}

async function* throughXz(bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const child = spawn('xz', ['-dc', `--memlimit-decompress=${xzMemory}`], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let says = '';
  const ended = once(child, 'close') as Promise<[code: number | null, signal: string | null]>;
  // Told by the await below; an error of spawning comes in its place.
  ended.catch(() => {});
  child.stderr.on('data', (bytes: Buffer) => {
    says = `${says}${bytes}`.slice(-500);
  });
  // It ends early where the data is damaged: its own words say more than the broken pipe.
  child.stdin.on('error', () => {});
  const file = Readable.from(bytes);
  file.once('error', () => child.kill());
  file.pipe(child.stdin);
  try {
    yield* child.stdout;
    const [code] = await ended.catch((cause: NodeJS.ErrnoException) => {
      if (cause.code !== 'ENOENT') throw cause;
      throw new FlashFailure(
        'image-refused',
        'the program xz, which unpacks this image, is not installed',
        'install it (Debian: apt-get install xz-utils), or unpack the image elsewhere',
        { cause },
      );
    });
    if (file.errored) throw file.errored;
    if (code !== 0) throw new Error(says.trim() || `xz ended with ${code}`);
  } finally {
    file.destroy();
    child.kill();
  }
}

function refused(what: string, cause?: unknown): FlashFailure {
  return new FlashFailure('image-refused', what, 'get the image again', { cause });
}
