import { createHash } from 'node:crypto';
import type { Board } from './boards.ts';

const sectorBytes = 512;
export const mebibyte = 1024 * 1024;

/** A partition of an image. All begin and end on whole mebibytes. */
export interface Partition {
  readonly number: 1 | 2 | 3;
  readonly what: 'boot' | 'root' | 'data';
  /** As the table in the first sector says it, hex. */
  readonly type: 'ef' | 'c' | '83';
  readonly from: number;
  readonly bytes: number;
}

export interface Layout {
  /** Eight digits, hex. */
  readonly signature: string;
  readonly partitions: readonly [Partition, Partition, Partition];
  readonly bytes: number;
}

/** Kernel, initramfs and what boots them need half of it; the rest is for the next kernel. */
const bootMebibytes = 128;
/** What a card gets at its first boot is what is left of it; until then nothing has to go in. */
const dataMebibytes = 256;

/**
 * Where what is. A partition table of 1983: the boot loader of a Pi 3 knows no other, and UEFI knows this one too.
 *
 * @param rootBytes size of the root file system, whole mebibytes
 */
export function layoutOf(board: Board, rootBytes: number, signature: string): Layout {
  if (rootBytes % mebibyte !== 0) throw new RangeError(`${rootBytes} bytes are not whole mebibytes`);
  const boot = {
    number: 1,
    what: 'boot',
    type: board.boot.by === 'uefi' ? 'ef' : 'c',
    from: mebibyte,
    bytes: bootMebibytes * mebibyte,
  } as const;
  const root = {
    number: 2,
    what: 'root',
    type: '83',
    from: boot.from + boot.bytes,
    bytes: rootBytes,
  } as const;
  const data = {
    number: 3,
    what: 'data',
    type: '83',
    from: root.from + root.bytes,
    bytes: dataMebibytes * mebibyte,
  } as const;
  return { signature, partitions: [boot, root, data], bytes: data.from + data.bytes };
}

/** The table as sfdisk reads it. */
export function sfdiskScript({ signature, partitions }: Layout): string {
  const lines = partitions.map(
    ({ from, bytes, type }) => `start=${from / sectorBytes}, size=${bytes / sectorBytes}, type=${type}`,
  );
  return `${['label: dos', `label-id: 0x${signature}`, 'unit: sectors', '', ...lines].join('\n')}\n`;
}

/** A file system of `bytes` content in files and folders: with room for its own tables, whole mebibytes. */
export function rootBytesFor(content: number): number {
  return Math.ceil((content * 1.04 + 24 * mebibyte) / (16 * mebibyte)) * 16 * mebibyte;
}

/** Identifiers that an image has: other inputs, other identifiers; the same inputs, the same. */
export interface Identifiers {
  /** Of the partition table and of the FAT: eight digits, hex. */
  readonly signature: string;
  readonly root: string;
  readonly data: string;
}

export function identifiersOf(inputs: unknown): Identifiers {
  const digest = (what: string) =>
    createHash('sha256').update(what).update('\0').update(JSON.stringify(inputs)).digest('hex');
  return {
    signature: digest('disk').slice(0, 8),
    root: uuidOf(digest('root')),
    data: uuidOf(digest('data')),
  };
}

/** RFC 9562, version 8: what is in it is the maker's own. */
function uuidOf(hex: string): string {
  const variant = ((Number.parseInt(hex.slice(16, 17), 16) & 3) | 8).toString(16);
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-');
}
