import { readFileSync } from 'node:fs';
import { constants, type FileHandle, open, rm, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { FlashFailure } from './outcome.ts';
import { alignedBuffer, pieceBytes } from './pieces.ts';

/** How what was written is read back. */
export type ReadBack =
  /** Past the page cache (O_DIRECT): what answers is the disk. */
  | 'from-the-disk'
  /** The file system here does no direct reads. */
  | 'through-the-cache';

/** What is written to: a whole disk, or a file that stands for one. */
export interface Target {
  readonly name: string;
  /** Of the disk; undefined for a file, which is as long as what is written. */
  readonly bytes: number | undefined;
  readonly readBack: ReadBack;
  write(offset: number, bytes: Buffer): Promise<void>;
  /** What was written is on the disk, as far as the disk says. */
  sync(): Promise<void>;
  /** Fills a buffer made by `alignedBuffer` with what stands there; returns what there is of it, which is less at the end. */
  read(offset: number, buffer: Buffer): Promise<number>;
  close(): Promise<void>;
  /** A file is as long as its image, also where the last blocks hold nothing. A disk is as long as it is. */
  lengthen(bytes: number): Promise<void>;
  /** It was not written to the end: a file is removed. A disk is left as it is. */
  abandon(): Promise<void>;
}

const { O_RDWR, O_RDONLY, O_EXCL, O_CREAT, O_TRUNC, O_DIRECT } = constants;
/** Reads and writes past the cache have whole multiples of it, whatever the disk's sectors. */
const unit = 4096;

/**
 * Opens a disk for nobody else: the kernel refuses a disk of which anything is mounted or in use, and nothing of it can be
 * mounted until it is closed.
 *
 * @throws FlashFailure `disk-refused`
 */
export async function openDisk(path: string, bytes: number): Promise<Target> {
  let file: FileHandle;
  try {
    file = await open(path, O_RDWR | O_EXCL | O_DIRECT);
  } catch (cause) {
    throw notOpened(path, cause as NodeJS.ErrnoException);
  }
  const identity = await identityOf(file, path);
  const name = basename(path);
  const guarded = async <Result>(doing: string, work: () => Promise<Result>): Promise<Result> => {
    try {
      return await work();
    } catch (cause) {
      throw await lost(doing, path, identity, cause as NodeJS.ErrnoException);
    }
  };
  const staging = alignedBuffer(pieceBytes);
  return {
    name,
    bytes,
    readBack: 'from-the-disk',
    write: (offset, piece) =>
      guarded(`writing at byte ${offset}`, async () => {
        // The last sector of an image that ends within one is filled up with zeros. A disk may end within a
        // unit, but never within a sector: up to there, then.
        const room = Math.max(piece.length, bytes - offset);
        const length = Math.min(Math.ceil(piece.length / unit) * unit, room);
        const whole = length === piece.length && isAligned(piece) ? piece : staged(staging, piece, length);
        await writeAll(file, whole, offset);
      }),
    sync: () => guarded('syncing', () => file.sync()),
    read: (offset, buffer) =>
      guarded(`reading at byte ${offset}`, async () => (await readAll(file, buffer, offset)).bytes),
    close: () => file.close().catch(() => {}),
    lengthen: async () => {},
    abandon: async () => {},
  };
}

/** Opens a file anew. @throws FlashFailure `failed` */
export async function openFile(path: string): Promise<Target> {
  const failed = (cause: unknown) =>
    new FlashFailure('failed', `${path}: ${(cause as Error).message}`, 'look at the disk that it is on', {
      cause,
    });
  const guarded = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    try {
      return await work();
    } catch (cause) {
      throw failed(cause);
    }
  };
  const file = await guarded(() => open(path, O_RDWR | O_CREAT | O_TRUNC, 0o600));
  const direct = await readerPastTheCache(path);
  return {
    name: basename(path),
    bytes: undefined,
    readBack: direct === undefined ? 'through-the-cache' : 'from-the-disk',
    write: (offset, bytes) => guarded(() => writeAll(file, bytes, offset)),
    sync: () => guarded(() => file.sync()),
    read: (offset, buffer) => guarded(async () => (await readAll(direct ?? file, buffer, offset)).bytes),
    close: async () => {
      await direct?.close().catch(() => {});
      await file.close().catch(() => {});
    },
    lengthen: (bytes) => guarded(() => file.truncate(bytes)),
    abandon: () => rm(path, { force: true }),
  };
}

/** A second descriptor that reads past the cache; undefined where the system or its file system has none. */
async function readerPastTheCache(path: string): Promise<FileHandle | undefined> {
  if (O_DIRECT === undefined) return undefined;
  const file = await open(path, O_RDONLY | O_DIRECT).catch(() => undefined);
  if (file === undefined) return undefined;
  const probe = alignedBuffer(unit);
  const answers = await file.read(probe, 0, unit, 0).then(
    () => true,
    () => false,
  );
  if (answers) return file;
  await file.close();
  return undefined;
}

async function writeAll(file: FileHandle, bytes: Buffer, offset: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, offset + done);
    done += bytesWritten;
  }
}

async function readAll(file: FileHandle, buffer: Buffer, offset: number): Promise<{ bytes: number }> {
  let done = 0;
  while (done < buffer.length) {
    const { bytesRead } = await file.read(buffer, done, buffer.length - done, offset + done);
    done += bytesRead;
    // A read that ends within a unit has come to the end; another one from there would not be aligned.
    if (bytesRead === 0 || bytesRead % unit !== 0) break;
  }
  return { bytes: done };
}

/** Pages of WebAssembly memory begin at pages of the machine. */
const isAligned = ({ byteOffset }: Buffer) => byteOffset % unit === 0;

function staged(staging: Buffer, bytes: Buffer, length: number): Buffer {
  bytes.copy(staging);
  return staging.fill(0, bytes.length, length).subarray(0, length);
}

/** Which device it is: numbers are given again to what is plugged in next, the sequence number never is (Linux 5.15). */
interface DeviceIdentity {
  readonly device: number;
  readonly sequence: string | undefined;
}

async function identityOf(file: FileHandle, path: string): Promise<DeviceIdentity> {
  const stats = await file.stat();
  if (!stats.isBlockDevice()) {
    await file.close();
    throw new FlashFailure(
      'disk-refused',
      `${path} is no disk any more`,
      'list the disks again: loadline flash',
    );
  }
  return { device: stats.rdev, sequence: sequenceOf(stats.rdev) };
}

function sequenceOf(device: number): string | undefined {
  // As glibc puts them together (makedev(3)); minors above 255 are in the upper bits.
  const major = (device >>> 8) & 0xfff;
  const minor = (device & 0xff) | ((device >>> 12) & 0xfff00);
  try {
    return readFileSync(`/sys/dev/block/${major}:${minor}/diskseq`, 'utf8').trim();
  } catch {
    return undefined;
  }
}

/** What an error on an open disk means: looks whether the disk is still there, and still the same one. */
async function lost(
  doing: string,
  path: string,
  identity: DeviceIdentity,
  cause: NodeJS.ErrnoException,
): Promise<FlashFailure> {
  const { code = cause.message } = cause;
  const now = await stat(path).catch(() => undefined);
  const act = 'put the card in again, and write it anew: it does not start as it is';
  if (now === undefined) return unplugged(`${path} was unplugged, while ${doing} (${code})`, act, cause);
  if (now.rdev !== identity.device || sequenceOf(now.rdev) !== identity.sequence) {
    return unplugged(
      `${path} was unplugged, and another disk has its name now, while ${doing} (${code})`,
      act,
      cause,
    );
  }
  if (code === 'ENOSPC') {
    return new FlashFailure('fake-capacity', `${path} takes no more, while ${doing}`, 'take another card', {
      cause,
    });
  }
  return unplugged(
    `${path} does not answer any more, while ${doing} (${code}): it was unplugged, or card or reader are broken`,
    act,
    cause,
  );
}

function unplugged(says: string, act: string, cause: unknown): FlashFailure {
  return new FlashFailure('unplugged', says, act, { cause });
}

function notOpened(path: string, cause: NodeJS.ErrnoException): FlashFailure {
  const refuse = (says: string, act: string) => new FlashFailure('disk-refused', says, act, { cause });
  switch (cause.code) {
    case 'EBUSY':
      return refuse(
        `${path} is in use: the kernel gives it to nobody else`,
        'umount what is on it, and call again',
      );
    case 'EACCES':
    case 'EPERM':
      return refuse(`${path} may be written by root only`, 'call it with sudo');
    case 'EROFS':
      return refuse(`${path} is read-only`, 'look at the lock on the side of the card');
    default:
      return refuse(`${path} cannot be opened: ${cause.message}`, 'put the card in again');
  }
}
