import { isLockName } from '@loadline/sdk/platform';
import { Book, type Epoch, type Segment } from './book.ts';
import { JournalDamage } from './bytes.ts';
import type { JournalFolder } from './folder.ts';
import { isLedgerName, type Ledger, type LedgerEpoch, type LedgerState } from './ledger.ts';
import { mergeSmall, mergingName } from './merge.ts';
import { Ranges } from './ranges.ts';
import {
  parseSegmentName,
  type Scan,
  type SegmentFile,
  type SegmentHeader,
  scanMerged,
  scanSegment,
  segmentBytesLimit,
} from './segment.ts';

/** Damaged segments kept for whoever wants to look at them, the newest. */
const damagedKept = 8;
/** Bytes that a segment hardly ever goes beyond. */
const scratchBytes = 512 * 1024;
/** Foreign files named one by one in an event. */
const foreignNamed = 5;

type Tell = (code: 'journal-cut' | 'journal-foreign', detail: string) => void;

export interface Opened {
  readonly book: Book;
  /** Number of the next segment file. */
  readonly sequence: number;
}

/** A segment that was found in a file, alone or among merged ones. */
export interface Found {
  readonly name: string;
  readonly sequence: number;
  /** Where it begins in its file. */
  readonly at: number;
  readonly header: SegmentHeader;
  readonly seed: number;
  /** Numbers it stores, and the one after the last, or after all that its header passes over. */
  readonly numbers: Ranges;
  readonly next: number;
  /** Bytes that are whole. */
  readonly end: number;
  /** Whether something of its end is gone. */
  readonly cut: boolean;
}

/** What was a segment and cannot be read at all; its name still tells its epoch. */
interface Broken {
  readonly sequence: number;
  readonly epoch: string;
}

/**
 * Reads what is in the folder, puts aside what is damaged, and makes the book of it with a new epoch at its end.
 * Nothing that is in the folder makes it throw.
 */
export async function readFolder(
  folder: JournalFolder,
  ledger: Ledger,
  own: { readonly epoch: string; readonly boot: string; readonly segmentBytes: number },
  tell: Tell,
): Promise<Opened> {
  const names = [...(await folder.list().catch(() => []))].sort();
  const state = await ledger.read();
  let found: Found[] = [];
  const broken: Broken[] = [];
  const scratch = Buffer.allocUnsafeSlow(scratchBytes);
  let sequence = state?.sequence ?? 0;
  for (const name of names) {
    const parsed = parseSegmentName(name);
    if (parsed === undefined) continue;
    sequence = Math.max(sequence, parsed.sequence + 1);
    if (parsed.damaged) continue;
    const segments = await readFile(folder, name, { ...parsed, scratch }, tell);
    if (segments[0]?.header.epoch !== parsed.epoch) broken.push(parsed);
    found.push(...segments);
  }
  await syncNewest(folder, found);
  const lost = lostNumbers(found, broken);
  found = await mergeSmall(folder, found, own.segmentBytes);
  tellForeign(names, tell);
  await removeOldest(folder, names);
  const epochs = placeEpochs(found, broken, state);
  const parent = epochs.at(-1);
  const base = parent?.end ?? 0;
  const { epoch, boot } = own;
  epochs.push({
    ...{ epoch, boot },
    parent: parent && { epoch: parent.epoch, last: Math.max(parent.end - parent.base - 1, 0) },
    base,
    end: base,
  });
  const book = new Book(epochs, placeSegments(found, epochs));
  const placed = new Map(epochs.map((each) => [each.epoch, each]));
  for (const noted of state?.epochs ?? []) restore(book, noted, placed.get(noted.epoch)?.base);
  for (const { epoch, first, last } of lost) {
    const place = epochs.find((each) => each.epoch === epoch);
    if (place === undefined) continue;
    book.lost(place.base + first, place.base + last);
    tell('journal-cut', `numbers ${first} to ${last} of epoch ${epoch} are lost, and declared`);
  }
  return { book, sequence };
}

async function readFile(
  folder: JournalFolder,
  name: string,
  { sequence, merged, scratch }: SegmentFile & { readonly scratch: Buffer },
  tell: Tell,
): Promise<Found[]> {
  let bytes: Buffer;
  try {
    const size = await folder.size(name);
    if (size > segmentBytesLimit) throw new JournalDamage(`it has ${size} bytes`);
    bytes = await folder.read(name, scratch);
    const scans = merged ? scanMerged(bytes) : [scanSegment(bytes)];
    const found = scans.map((scan, index): Found => {
      const { at, header, seed, end, records } = scan;
      const numbers = new Ranges();
      for (const { first, count } of records) numbers.add(first, first + count - 1);
      const next = Math.max(header.first, (numbers.last ?? -1) + 1);
      const cut = at + end < (scans[index + 1]?.at ?? bytes.length);
      return { name, sequence, at, header, seed, numbers, next, end, cut };
    });
    const last = scans.at(-1) as Scan;
    if (found.at(-1)?.cut === true) await cutOff(folder, name, last, bytes.length, tell);
    for (const { cut, at, end, header } of found.slice(0, -1)) {
      if (cut)
        tell('journal-cut', `${name} is damaged at byte ${at + end}, in what it has of ${header.epoch}`);
    }
    return found;
  } catch (error) {
    const aside = `${name}.damaged`;
    const done = await folder.rename(name, aside).then(
      () => `it is kept as ${aside}`,
      (problem: Error) => `it stays: ${problem.message}`,
    );
    tell('journal-cut', `${name} cannot be read: ${(error as Error).message}; ${done}`);
    return [];
  }
}

async function cutOff(
  folder: JournalFolder,
  name: string,
  scan: Scan,
  size: number,
  tell: Tell,
): Promise<void> {
  const record = scan.records.at(-1);
  const last = record === undefined ? scan.header.first - 1 : record.first + record.count - 1;
  const from = last < 0 ? 'from its first number' : `after number ${last}`;
  const whole = scan.at + scan.end;
  tell('journal-cut', `${name} is damaged at byte ${whole}: ${size - whole} bytes ${from} are cut off`);
  try {
    const file = await folder.open(name);
    try {
      await file.truncate(whole);
      await file.sync();
    } finally {
      await file.close();
    }
  } catch {
    // Nothing is ever written behind it, and it is found again at the next opening.
  }
}

/** What a process wrote before it was killed may be read, and still be in no more than memory. */
async function syncNewest(folder: JournalFolder, found: readonly Found[]): Promise<void> {
  const epoch = found.at(-1)?.header.epoch;
  for (const { name, header } of found) {
    if (header.epoch !== epoch) continue;
    try {
      const file = await folder.open(name);
      await file.sync().finally(() => file.close());
    } catch {
      // The disk is failing, as the first write of this opening will say.
    }
  }
}

function tellForeign(names: readonly string[], tell: Tell): void {
  const foreign = names.filter(
    (name) =>
      parseSegmentName(name) === undefined &&
      !isLedgerName(name) &&
      !isLockName(name) &&
      name !== mergingName,
  );
  if (foreign.length === 0) return;
  const more = foreign.length > foreignNamed ? ` and ${foreign.length - foreignNamed} more` : '';
  const shown = foreign.slice(0, foreignNamed).map((name) => JSON.stringify(name.slice(0, 40)));
  tell('journal-foreign', `left alone: ${shown.join(', ')}${more}`);
}

async function removeOldest(folder: JournalFolder, names: readonly string[]): Promise<void> {
  const damaged = names.filter((name) => parseSegmentName(name)?.damaged === true);
  for (const name of damaged.slice(0, -damagedKept)) await folder.remove(name).catch(() => {});
}

/** Every epoch there is a trace of, in the order of their making, each on positions of its own. */
function placeEpochs(
  found: readonly Found[],
  broken: readonly Broken[],
  state: LedgerState | undefined,
): Epoch[] {
  const traces = [...found.map(({ sequence, header }) => ({ sequence, ...header })), ...broken].sort(
    (one, other) => one.sequence - other.sequence,
  );
  const inFiles = new Set(traces.map(({ epoch }) => epoch));
  const ledgerEpochs = state?.epochs ?? [];
  const onlyInLedger = ledgerEpochs.map(({ epoch }) => epoch).filter((epoch) => !inFiles.has(epoch));
  const writer = ledgerEpochs.at(-1)?.epoch;
  // The ledger's own epoch is the newest, if all files are older than the ledger and none is of that epoch.
  const isNewest = (epoch: string) =>
    epoch === writer && traces.every(({ sequence }) => sequence < (state?.sequence ?? 0));
  const names = [
    ...onlyInLedger.filter((epoch) => !isNewest(epoch)),
    ...inFiles,
    ...onlyInLedger.filter(isNewest),
  ];
  const epochs: Epoch[] = [];
  const filesOf = Map.groupBy(found, ({ header }) => header.epoch);
  const notedOf = new Map(ledgerEpochs.map((each) => [each.epoch, each]));
  let base = 0;
  for (const epoch of names) {
    const files = filesOf.get(epoch) ?? [];
    const noted = notedOf.get(epoch);
    const head = files[0]?.header ?? noted;
    const end = maximum([noted?.next ?? 0, ...files.map(({ next }) => next)]);
    // Of an epoch of which nothing but a broken file's name is left, only the name matters.
    const { boot, parent } = head ?? { boot: epoch, parent: undefined };
    epochs.push({ epoch, boot, parent, base, end: base + end });
    base += end;
  }
  return epochs;
}

function maximum(values: readonly number[]): number {
  return values.reduce((most, value) => Math.max(most, value), 0);
}

/**
 * What each file stores. A failed write or sync is made again in a new file, so what an earlier one has from there on
 * was never known to have arrived, and is not trusted.
 */
function placeSegments(found: readonly Found[], epochs: readonly Epoch[]): Segment[] {
  const segments: Segment[] = [];
  const epochOf = new Map(epochs.map((each) => [each.epoch, each]));
  const segmentsOf = new Map<Epoch, Segment[]>();
  for (const { name, at, header, seed, numbers, end } of found) {
    const epoch = epochOf.get(header.epoch) as Epoch;
    const before = segmentsOf.get(epoch) ?? [];
    segmentsOf.set(epoch, before);
    const stored = new Ranges();
    for (const { first, last } of numbers.list()) stored.add(epoch.base + first, epoch.base + last);
    for (const earlier of before) {
      if (stored.first === undefined) continue;
      const last = earlier.stored.last ?? -1;
      if (last >= stored.first) earlier.stored.remove(stored.first, last);
    }
    const segment = { name, at, epoch, seed, stored, held: 0, bytes: end };
    segments.push(segment);
    before.push(segment);
  }
  return segments.sort((one, other) => one.epoch.base - other.epoch.base);
}

function restore(book: Book, { undeclared, acknowledged }: LedgerEpoch, base: number | undefined): void {
  if (base === undefined) return;
  for (const [first, last] of acknowledged) book.acknowledge(base + first, base + last);
  // What was to be deleted and came back is held again, and better than declared.
  for (const [first, last] of undeclared) book.lost(base + first, base + last);
}

/** Numbers between what is left of a damaged segment and the next one of its epoch. */
function lostNumbers(found: readonly Found[], broken: readonly Broken[]) {
  const lost: { epoch: string; first: number; last: number }[] = [];
  const damaged = [
    ...found
      .filter(({ cut }) => cut)
      .map((one) => ({
        epoch: one.header.epoch,
        isBehind: (other: Found) => found.indexOf(other) > found.indexOf(one),
      })),
    ...broken.map(({ epoch, sequence }) => ({
      epoch,
      isBehind: (other: Found) => other.sequence > sequence,
    })),
  ];
  for (const { epoch, isBehind } of damaged) {
    const files = found.filter(({ header }) => header.epoch === epoch);
    const next = files.find(isBehind);
    if (next === undefined) continue;
    const first = maximum(files.filter((each) => !isBehind(each)).map((each) => each.next));
    if (first < next.header.first) lost.push({ epoch, first, last: next.header.first - 1 });
  }
  return lost;
}
