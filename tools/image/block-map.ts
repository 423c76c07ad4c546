import { createHash } from 'node:crypto';

/** bmaptool's block, and that of the file systems in an image. */
export const blockBytes = 4096;

/** Bytes from `from` up to, and without, `to`. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

/** Ranges as whole blocks, in order, those that touch as one. */
export function inBlocks(ranges: readonly Range[]): Range[] {
  const sorted = ranges
    .map(({ from, to }) => ({ from: Math.floor(from / blockBytes), to: Math.ceil(to / blockBytes) }))
    .sort((a, b) => a.from - b.from);
  const merged: Range[] = [];
  for (const range of sorted) {
    const last = merged.at(-1);
    if (last !== undefined && range.from <= last.to) {
      merged[merged.length - 1] = { from: last.from, to: Math.max(last.to, range.to) };
    } else merged.push(range);
  }
  return merged.map(({ from, to }) => ({ from: from * blockBytes, to: to * blockBytes }));
}

/**
 * Ranges of an ext file system that are in use, from what `dumpe2fs` says of those that are not. A block in use that
 * holds zeros counts: on a card that had something else there it has to be written.
 *
 * @param from where the file system begins in the image
 * @throws Error where it is no listing of a file system with blocks of 4096 bytes
 */
export function usedByExt(listing: string, from: number): Range[] {
  const number = (name: string) => Number(new RegExp(`^${name}: +(\\d+)$`, 'm').exec(listing)?.[1]);
  const blocks = number('Block count');
  if (!(blocks > 0) || number('Block size') !== blockBytes) {
    throw new Error(
      `dumpe2fs does not say how many blocks of ${blockBytes} bytes there are: ${listing.slice(0, 200)}`,
    );
  }
  const free = [...listing.matchAll(/^ {2}Free blocks: (.*)$/gm)]
    .flatMap(([, list = '']) => list.split(', ').filter((each) => each !== ''))
    .map((each) => {
      const [first, last = first] = each.split('-').map(Number);
      if (first === undefined || last === undefined || !(first <= last))
        throw new Error(`dumpe2fs says that ${each} is free`);
      return { from: first, to: last + 1 };
    })
    .sort((a, b) => a.from - b.from);
  const used: Range[] = [];
  let next = 0;
  for (const each of [...free, { from: blocks, to: blocks }]) {
    if (each.from > next) used.push({ from: from + next * blockBytes, to: from + each.from * blockBytes });
    next = Math.max(next, each.to);
  }
  return used;
}

/** Names of the parts of the boot sector of a FAT32 that are needed here (Microsoft FAT specification, 3.1 and 3.3). */
interface Fat {
  readonly clusterBytes: number;
  readonly tableFrom: number;
  readonly dataFrom: number;
  readonly clusters: number;
}

/**
 * The range of a FAT32 file system up to the end of its last cluster in use.
 *
 * @param read gives bytes of the file system
 * @throws Error where it is none
 */
export async function usedByFat(
  read: (from: number, bytes: number) => Promise<Buffer>,
  from: number,
): Promise<Range> {
  const { clusterBytes, tableFrom, dataFrom, clusters } = fatOf(await read(0, 512));
  const table = await read(tableFrom, (clusters + 2) * 4);
  let last = 1;
  for (let index = 2; index < clusters + 2; index += 1) {
    if ((table.readUInt32LE(index * 4) & 0x0fffffff) !== 0) last = index;
  }
  return { from, to: from + dataFrom + (last - 1) * clusterBytes };
}

function fatOf(sector: Buffer): Fat {
  const bytes = sector.readUInt16LE(11);
  const reserved = sector.readUInt16LE(14);
  const tables = sector.readUInt8(16);
  const tableSectors = sector.readUInt32LE(36);
  const clusterSectors = sector.readUInt8(13);
  if (sector.readUInt16LE(510) !== 0xaa55 || bytes !== 512 || sector.toString('latin1', 82, 87) !== 'FAT32') {
    throw new Error('the boot partition is no FAT32');
  }
  const dataSectors = sector.readUInt32LE(32) - reserved - tables * tableSectors;
  return {
    clusterBytes: clusterSectors * bytes,
    tableFrom: reserved * bytes,
    dataFrom: (reserved + tables * tableSectors) * bytes,
    clusters: Math.floor(dataSectors / clusterSectors),
  };
}

/** A range of blocks with the digest of what is in it. */
export interface Digested extends Range {
  readonly sha256: string;
}

/**
 * The block map in bmaptool's format 2.0: an XML file that has the digest of itself, made with zeros in its place.
 *
 * @param ranges of whole blocks, in order
 */
export function writeBlockMap(imageBytes: number, ranges: readonly Digested[]): string {
  const mapped = ranges.reduce((sum, { from, to }) => sum + (to - from) / blockBytes, 0);
  const lines = ranges.map(({ from, to, sha256 }) => {
    const [first, last] = [from / blockBytes, to / blockBytes - 1];
    return `    <Range chksum="${sha256}"> ${first === last ? first : `${first}-${last}`} </Range>`;
  });
  const own = '0'.repeat(64);
  const text = [
    '<?xml version="1.0" ?>',
    '<bmap version="2.0">',
    `  <ImageSize> ${imageBytes} </ImageSize>`,
    `  <BlockSize> ${blockBytes} </BlockSize>`,
    `  <BlocksCount> ${Math.ceil(imageBytes / blockBytes)} </BlocksCount>`,
    `  <MappedBlocksCount> ${mapped} </MappedBlocksCount>`,
    '  <ChecksumType> sha256 </ChecksumType>',
    `  <BmapFileChecksum> ${own} </BmapFileChecksum>`,
    '  <BlockMap>',
    ...lines,
    '  </BlockMap>',
    '</bmap>',
    '',
  ].join('\n');
  return text.replace(own, createHash('sha256').update(text).digest('hex'));
}
