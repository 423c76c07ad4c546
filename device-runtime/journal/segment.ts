import { crc32 } from 'node:zlib';
import type { Entry } from '@loadline/sdk/telemetry';
import { ByteReader, JournalDamage } from './bytes.ts';
import type { EntryDecoder } from './decoder.ts';

/**
 * A segment file: a header, and records one after another. A file of merged segments: several such, whole, one behind
 * the other. The README draws both.
 */

/** What a segment says of itself. */
export interface SegmentHeader {
  /** 32 hex digits each. */
  readonly epoch: string;
  readonly boot: string;
  readonly parent: { readonly epoch: string; readonly last: number } | undefined;
  /** No number below this is in this segment or in a later one of its epoch. */
  readonly first: number;
}

/** Where a record stands in its file, and which numbers it holds. */
export interface RecordPlace {
  readonly offset: number;
  /** Bytes of it with its frame. */
  readonly length: number;
  readonly first: number;
  readonly count: number;
}

export interface Scan {
  /** Where its header begins in the file; offsets of records, and `end`, count from there. */
  readonly at: number;
  readonly header: SegmentHeader;
  /** What every record's checksum starts from. */
  readonly seed: number;
  readonly records: readonly RecordPlace[];
  /** Bytes up to which all is whole. */
  readonly end: number;
}

const magic = Buffer.from('LLJS');
const version = 1;
export const headerBytes = 76;
/** Length and checksum before each record's payload. */
const frameBytes = 8;
/** Bytes no file of a journal comes near: what is larger is none. */
export const segmentBytesLimit = 64 * 1024 * 1024;

/** Names sort as the segments were made, and tell the epoch even where the header is gone. */
export function segmentName(sequence: number, epoch: string): string {
  return `${String(sequence).padStart(10, '0')}-${epoch}.segment`;
}

/** The name of a file of merged segments, of which the first was of this sequence and epoch. */
export function mergedName(sequence: number, epoch: string): string {
  return `${segmentName(sequence, epoch)}s`;
}

/** What a file name tells of a segment, or of the first of merged ones. */
export interface SegmentFile {
  readonly sequence: number;
  readonly epoch: string;
  readonly merged: boolean;
  readonly damaged: boolean;
}

/** Undefined where it names no segment. Takes `.damaged` ones too. */
export function parseSegmentName(name: string): SegmentFile | undefined {
  const parts = /^(\d{10})-([0-9a-f]{32})\.segment(s?)(\.damaged)?$/.exec(name);
  if (parts === null) return undefined;
  const [, sequence, epoch = '', plural, damaged] = parts;
  return { sequence: Number(sequence), epoch, merged: plural === 's', damaged: damaged !== undefined };
}

/** The bytes of a header, and what the checksums of the records under it start from. */
export function encodeHeader(header: SegmentHeader): { bytes: Buffer; seed: number } {
  const bytes = Buffer.alloc(headerBytes);
  magic.copy(bytes);
  bytes[4] = version;
  bytes[5] = header.parent === undefined ? 0 : 1;
  bytes.write(header.epoch, 8, 'hex');
  bytes.write(header.boot, 24, 'hex');
  if (header.parent !== undefined) {
    bytes.write(header.parent.epoch, 40, 'hex');
    bytes.writeBigUInt64LE(BigInt(header.parent.last), 56);
  }
  bytes.writeBigUInt64LE(BigInt(header.first), 64);
  const seed = crc32(bytes.subarray(0, 72));
  bytes.writeUInt32LE(seed, 72);
  return { bytes, seed };
}

function decodeHeader(bytes: Buffer): { header: SegmentHeader; seed: number } {
  if (bytes.length < headerBytes) throw new JournalDamage('the header is cut off');
  const seed = crc32(bytes.subarray(0, 72));
  if (!bytes.subarray(0, 4).equals(magic)) throw new JournalDamage('it does not begin like a segment');
  if (bytes.readUInt32LE(72) !== seed) throw new JournalDamage('the header fails its checksum');
  if (bytes[4] !== version) throw new JournalDamage(`it is of version ${bytes[4]}, and not ${version}`);
  const hex = (from: number) => bytes.toString('hex', from, from + 16);
  const parent = bytes[5] === 1 ? { epoch: hex(40), last: Number(bytes.readBigUInt64LE(56)) } : undefined;
  const first = Number(bytes.readBigUInt64LE(64));
  return { header: { epoch: hex(8), boot: hex(24), parent, first }, seed };
}

/**
 * A record around a payload. The checksum starts from the header's, so that a block of a file that was here before
 * never passes for one of this segment.
 */
export function frame(payload: Uint8Array, seed: number): Buffer {
  const bytes = Buffer.allocUnsafe(frameBytes + payload.length);
  bytes.writeUInt32LE(payload.length, 0);
  bytes.writeUInt32LE(crc32(payload, seed), 4);
  bytes.set(payload, frameBytes);
  return bytes;
}

/** Bytes of the record at `offset` with its frame; undefined where `bytes` ends within it. */
export function recordLength(bytes: Buffer, offset: number): number | undefined {
  if (offset + frameBytes > bytes.length) return undefined;
  const length = frameBytes + bytes.readUInt32LE(offset);
  return offset + length > bytes.length ? undefined : length;
}

/** The payload of the record at `offset`. @throws {JournalDamage} where it fails its checksum */
export function payloadAt(bytes: Buffer, offset: number, length: number, seed: number): Buffer {
  const payload = bytes.subarray(offset + frameBytes, offset + length);
  if (payload.length === 0 || crc32(payload, seed) !== bytes.readUInt32LE(offset + 4)) {
    throw new JournalDamage('a record fails its checksum');
  }
  return payload;
}

/** The entries of a payload, and the number of the first. Payloads of a segment are to be decoded in order. */
export function decodePayload(payload: Buffer, decoder: EntryDecoder): { first: number; entries: Entry[] } {
  const reader = new ByteReader(payload);
  const first = reader.varint();
  const count = reader.varint();
  if (count > payload.length) throw new JournalDamage('a record counts more entries than it has bytes');
  const entries = new Array<Entry>(count);
  for (let index = 0; index < count; index++) entries[index] = decoder.decode(reader);
  if (!reader.atEnd) throw new JournalDamage('a record goes on past its entries');
  return { first, entries };
}

/**
 * Looks through the bytes of a file from `at` up to the first record that is not whole.
 *
 * @throws {JournalDamage} where not even the header is
 */
export function scanSegment(bytes: Buffer, at = 0): Scan {
  const segment = bytes.subarray(at);
  const { header, seed } = decodeHeader(segment);
  const records: RecordPlace[] = [];
  let offset = headerBytes;
  try {
    for (;;) {
      const length = recordLength(segment, offset);
      if (length === undefined) break;
      const reader = new ByteReader(payloadAt(segment, offset, length, seed));
      records.push({ offset, length, first: reader.varint(), count: reader.varint() });
      offset += length;
    }
  } catch (error) {
    if (!(error instanceof JournalDamage)) throw error;
  }
  return { at, header, seed, records, end: offset };
}

/**
 * All segments of a file of merged ones. Behind damage it goes on with the next header: its checksum says that it is
 * one.
 *
 * @throws {JournalDamage} where there is no header at its beginning
 */
export function scanMerged(bytes: Buffer): Scan[] {
  const scans = [scanSegment(bytes)];
  for (;;) {
    const { at, end } = scans.at(-1) as Scan;
    const next = nextSegment(bytes, at + end);
    if (next === undefined) return scans;
    scans.push(next);
  }
}

function nextSegment(bytes: Buffer, from: number): Scan | undefined {
  for (let at = bytes.indexOf(magic, from); at >= 0; at = bytes.indexOf(magic, at + 1)) {
    try {
      return scanSegment(bytes, at);
    } catch (error) {
      if (!(error instanceof JournalDamage)) throw error;
    }
  }
  return undefined;
}
