import { createHash, randomBytes } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { tryCapacity } from './capacity.ts';
import type { Report, Step } from './events.ts';
import { type Image, openImage } from './image.ts';
import { FlashFailure } from './outcome.ts';
import { alignedBuffer, headBytes, type Piece, pieceBytes, piecesOf } from './pieces.ts';
import { bytesText, Pace } from './progress.ts';
import type { Target } from './target.ts';

/** What belongs on the card besides the image. Both are given the first MiB, as it is going to be. */
export interface Place {
  /** Sees that there is a place for it, before anything is written. @throws FlashFailure where there is none */
  check(head: Buffer): void;
  /** Puts it there, while the partition table is not on the card yet; what it did, in words. */
  put(head: Buffer): Promise<string>;
}

export interface WriteOptions {
  readonly image: Image;
  readonly target: Target;
  readonly report: Report;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  /** Milliseconds that never step. */
  readonly monotonic: () => number;
  readonly place?: Place;
}

/** What was written, to be found again. */
interface Written {
  readonly offset: number;
  readonly length: number;
  readonly sha256: string;
}

/** A disk's partition table begins with 446 bytes of a boot loader, and ends with these two, for GPT too. */
const signature = { offset: 510, bytes: Buffer.from([0x55, 0xaa]) };

/**
 * Writes an image, and reads all of it back. The first MiB, with the partition table, is emptied first and written last: until
 * all else was read back as it was written nothing starts from this disk.
 *
 * @returns bytes that were written
 * @throws FlashFailure; the reason of `signal`
 */
export async function writeImage(options: WriteOptions): Promise<number> {
  const { image, target, signal } = options;
  const stream = openImage(image);
  const pieces = piecesOf(stream.bytes, image.map, alignedBuffer(pieceBytes));
  try {
    // Before anything is touched: what does not even begin as an image has not cost a card.
    const { head, rest } = await takeHead(pieces);
    options.place?.check(joined(head));
    await empty(target);
    if (target.bytes !== undefined) await checkCapacity({ ...target, bytes: target.bytes }, options);
    const written = await writeRest(rest, head, stream.read, options);
    const bytes = [...head, ...written].reduce((sum, one) => sum + lengthOf(one), 0);
    await verify(written, 'verify', options);
    if (options.place !== undefined) {
      begin(options, 'place', 'the site into the boot partition');
      const says = await options.place.put(joined(head));
      end(options, 'place', says);
    }
    await finish(head, options);
    return bytes;
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw error;
  } finally {
    await pieces.return(undefined);
  }
}

const lengthOf = (one: Piece | Written) => ('bytes' in one ? one.bytes.length : one.length);

/** The pieces of the first MiB, and all that come behind them. */
async function takeHead(
  pieces: AsyncGenerator<Piece>,
): Promise<{ readonly head: readonly Piece[]; readonly rest: AsyncIterable<Piece> }> {
  const head: Piece[] = [];
  let next = await pieces.next();
  if (next.done) throw noImage('has nothing in it');
  const { offset: at, bytes: wanted } = signature;
  if (!next.value.bytes.subarray(at, at + wanted.length).equals(wanted))
    throw noImage('does not begin with a partition table');
  while (!next.done && next.value.offset < headBytes) {
    head.push({ offset: next.value.offset, bytes: Buffer.from(next.value.bytes) });
    next = await pieces.next();
  }
  const behind = next;
  const rest = async function* () {
    if (behind.done) return;
    yield behind.value;
    yield* pieces;
  };
  return { head, rest: rest() };
}

function noImage(what: string): FlashFailure {
  return new FlashFailure(
    'image-refused',
    `the image ${what}: it is no image of a disk`,
    'name the image of a card',
  );
}

/** Empties where partition tables are: the first MiB, and the last, where GPT has its second one. */
async function empty(target: Target): Promise<void> {
  if (target.bytes === undefined) return;
  // A disk may have some sectors more than whole 4096 bytes, and that second table ends with the last of them.
  const zeros = alignedBuffer(headBytes + 4096);
  await target.write(0, zeros.subarray(0, Math.min(headBytes, target.bytes)));
  const last = Math.floor((target.bytes - headBytes) / 4096) * 4096;
  if (last >= headBytes) await target.write(last, zeros.subarray(0, target.bytes - last));
  await target.sync();
}

async function checkCapacity(
  target: Target & { readonly bytes: number },
  options: WriteOptions,
): Promise<void> {
  const { report, signal, monotonic } = options;
  begin(options, 'capacity', `whether ${target.name} holds the ${bytesText(target.bytes)} that it says`);
  const told = everySecond(monotonic);
  const found = await tryCapacity(target, randomBytes(32), {
    signal,
    onMark: (done, all) => {
      if (told())
        report({ event: 'progress', step: 'capacity', done, all, bytesPerSecond: null, secondsLeft: null });
    },
  });
  const act = 'give it back to whoever sold it, and take another: it loses what is written to it';
  switch (found.kind) {
    case 'as-it-says':
      end(options, 'capacity', `it keeps what it is given, in ${found.marks} places up to its end`);
      return;
    case 'wraps':
      throw new FlashFailure(
        'fake-capacity',
        `${target.name} says ${bytesText(target.bytes)}, and what is written ${bytesText(found.trueBytes)} further on goes to the same place: it has that, or less`,
        act,
      );
    case 'drops':
      throw new FlashFailure(
        'fake-capacity',
        `${target.name} says ${bytesText(target.bytes)}, and keeps nothing from ${bytesText(found.trueBytes)} on`,
        act,
      );
  }
}

/** Writes what is behind the head. */
async function writeRest(
  pieces: AsyncIterable<Piece>,
  head: readonly Piece[],
  readOfFile: () => number,
  options: WriteOptions,
): Promise<Written[]> {
  const { image, target, report, signal, monotonic } = options;
  const all = image.map?.mappedBytes ?? image.imageBytes ?? image.fileBytes;
  begin(
    options,
    'write',
    `${image.map === undefined ? 'all of the image' : `${bytesText(all)} of its blocks, as its block map says,`} to ${target.name}`,
  );
  const pace = new Pace(all);
  const told = everySecond(monotonic);
  const written: Written[] = [];
  let done = head.reduce((sum, one) => sum + lengthOf(one), 0);
  for await (const { offset, bytes } of pieces) {
    signal.throwIfAborted();
    if (target.bytes !== undefined && offset + bytes.length > target.bytes) {
      throw new FlashFailure(
        'disk-refused',
        `${target.name} has ${target.bytes} bytes, and the image has more`,
        'take a larger card: this one was written in part, and does not start',
      );
    }
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    await target.write(offset, bytes);
    written.push({ offset, length: bytes.length, sha256 });
    done += bytes.length;
    const progress = pace.note(image.imageBytes === undefined ? readOfFile() : done, monotonic());
    if (told()) report({ event: 'progress', step: 'write', ...progress });
    // Signals are heard between pieces, also where all of them are in memory already.
    await turn();
  }
  if (image.imageBytes !== undefined) await target.lengthen(image.imageBytes);
  await target.sync();
  end(options, 'write', `${bytesText(done)} written and flushed`);
  return written;
}

async function verify(written: readonly Written[], step: Step, options: WriteOptions): Promise<void> {
  const { target, report, signal, monotonic } = options;
  const all = written.reduce((sum, { length }) => sum + length, 0);
  const how =
    target.readBack === 'from-the-disk'
      ? 'past the page cache'
      : 'through the page cache: no direct reads here';
  begin(options, step, `reading it back, ${how}`);
  const pace = new Pace(all);
  const told = everySecond(monotonic);
  const buffer = alignedBuffer(pieceBytes);
  let done = 0;
  for (const one of written) {
    signal.throwIfAborted();
    await check(one, buffer, target);
    done += one.length;
    const progress = pace.note(done, monotonic());
    if (told()) report({ event: 'progress', step, ...progress });
  }
  end(options, step, `${bytesText(all)} read back as written`);
}

async function check({ offset, length, sha256 }: Written, buffer: Buffer, target: Target): Promise<void> {
  const room = buffer.subarray(0, Math.ceil(length / 4096) * 4096);
  room.fill(0);
  const got = await target.read(offset, room);
  const digest = createHash('sha256').update(room.subarray(0, length)).digest('hex');
  if (got >= length && digest === sha256) return;
  throw new FlashFailure(
    'not-verified',
    `what ${target.name} has at byte ${offset} is not what was written there`,
    'take another card or reader; this one does not start',
  );
}

/** The partition table, last of all. */
async function finish(head: readonly Piece[], options: WriteOptions): Promise<void> {
  const { target, signal } = options;
  begin(options, 'finish', 'the partition table');
  signal.throwIfAborted();
  const written: Written[] = [];
  const aligned = alignedBuffer(pieceBytes);
  // From behind: the very first sector is the last that is written.
  for (const { offset, bytes } of head.toReversed()) {
    bytes.copy(aligned);
    await target.write(offset, aligned.subarray(0, bytes.length));
    written.push({ offset, length: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') });
  }
  await target.sync();
  for (const one of written) await check(one, aligned, target);
  end(options, 'finish', 'it starts from here on');
}

/** The first MiB as it is going to be. */
function joined(head: readonly Piece[]): Buffer {
  const whole = Buffer.alloc(headBytes);
  for (const { offset, bytes } of head) bytes.copy(whole, offset);
  return whole;
}

function begin({ report }: WriteOptions, step: Step, says: string): void {
  report({ event: 'step', step, state: 'begun', says });
}

function end({ report }: WriteOptions, step: Step, says: string): void {
  report({ event: 'step', step, state: 'done', says });
}

/** True once a second, the first time after one. */
function everySecond(monotonic: () => number): () => boolean {
  let last = monotonic();
  return () => {
    const now = monotonic();
    if (now - last < 1000) return false;
    last = now;
    return true;
  };
}
