import { createHash } from 'node:crypto';
import { alignedBuffer } from './pieces.ts';
import type { Target } from './target.ts';

/** A mark is a block; what is written at once on any disk. */
const markBytes = 4096;
/** Marks that are written at most: each is a write of its own. */
const mostMarks = 600;
const smallestUnit = 1024 * 1024;

/**
 * Where marks go on a disk, in bytes. Disks that lie have less memory than they say, and either wrap (what is written to
 * `a` goes to `a` modulo the true size) or drop what is past it. For a wrap to be seen two marks must fall on one place:
 * their distance is a multiple of the true size. Near marks one unit apart, and far ones as many units apart as there are
 * near ones, have every multiple of the unit below the disk's size among their distances (as in Shanks's baby steps and giant
 * steps), with a number of marks that grows with the root of the size only: 512 on 64 GB.
 */
export function marksOn(diskBytes: number): { readonly offsets: readonly number[]; readonly unit: number } {
  let unit = smallestUnit;
  while (2 * Math.sqrt(diskBytes / unit) > mostMarks) unit *= 2;
  const units = Math.floor(diskBytes / unit);
  const near = Math.max(1, Math.ceil(Math.sqrt(units)));
  const offsets = new Set<number>();
  for (let at = 1; at <= near; at++) offsets.add(at * unit);
  for (let at = near; at < units; at += near) offsets.add(at * unit);
  offsets.add((units - 1) * unit);
  // What is past a size that is no multiple of the unit, and the last block of all.
  offsets.add((Math.floor(diskBytes / markBytes) - 1) * markBytes);
  return {
    offsets: [...offsets].filter((at) => at > 0 && at + markBytes <= diskBytes).sort((a, b) => a - b),
    unit,
  };
}

export type Capacity =
  | { readonly kind: 'as-it-says'; readonly marks: number }
  /** What is written that far on goes to the same place. */
  | { readonly kind: 'wraps'; readonly trueBytes: number }
  /** From here on nothing is kept. */
  | { readonly kind: 'drops'; readonly trueBytes: number };

/**
 * Finds out whether a disk keeps what it is given, over all of its size: marks it in many places, has that flushed, and reads
 * it past the cache. What stood there is not restored, since the disk is to be overwritten anyway; the marks are wiped with zeros.
 *
 * @param secret random, of this run: what an earlier run left must not be taken for this one's
 */
export async function tryCapacity(
  target: Target & { readonly bytes: number },
  secret: Buffer,
  { signal, onMark }: { readonly signal: AbortSignal; readonly onMark: (done: number, all: number) => void },
): Promise<Capacity> {
  const { offsets } = marksOn(target.bytes);
  const buffer = alignedBuffer(markBytes);
  const all = offsets.length * 3;
  let done = 0;
  for (const offset of offsets) {
    signal.throwIfAborted();
    fillMark(buffer, secret, offset);
    await target.write(offset, buffer);
    onMark(++done, all);
  }
  await target.sync();
  const byMark = new Map(offsets.map((offset) => [markOf(secret, offset).toString('hex'), offset]));
  const expected = Buffer.alloc(markBytes);
  let lost: number | undefined;
  let apart = 0;
  for (const offset of offsets) {
    signal.throwIfAborted();
    buffer.fill(0);
    await target.read(offset, buffer);
    onMark(++done, all);
    fillMark(expected, secret, offset);
    if (buffer.equals(expected)) continue;
    const other = byMark.get(buffer.toString('hex', 0, 32));
    // Of marks that went to one place the last is left, so they are a multiple of the true size apart.
    if (other !== undefined) apart = divisor(apart, Math.abs(other - offset));
    else lost ??= offset;
  }
  // Blocks that the image leaves out are empty then, and not what chance has put there.
  buffer.fill(0);
  for (const offset of offsets) {
    signal.throwIfAborted();
    await target.write(offset, buffer);
    onMark(++done, all);
  }
  if (apart > 0) return { kind: 'wraps', trueBytes: apart };
  if (lost !== undefined) return { kind: 'drops', trueBytes: lost };
  return { kind: 'as-it-says', marks: offsets.length };
}

/** The greatest common one. */
function divisor(a: number, b: number): number {
  return a === 0 ? b : divisor(b % a, a);
}

function markOf(secret: Buffer, offset: number): Buffer {
  return createHash('sha256').update(secret).update(String(offset)).digest();
}

function fillMark(buffer: Buffer, secret: Buffer, offset: number): void {
  buffer.fill(markOf(secret, offset));
}
