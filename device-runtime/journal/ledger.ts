import { crc32 } from 'node:zlib';
import type { NumberRange } from '@loadline/sdk/telemetry';
import type { JournalFolder } from './folder.ts';

/** What must outlive the segments it is about. Ranges are of numbers, `[first, last]`. */
export interface LedgerEpoch {
  readonly epoch: string;
  readonly boot: string;
  readonly parent: { readonly epoch: string; readonly last: number } | undefined;
  /** No number from here on was in a segment when this was written. */
  readonly next: number;
  /** Dropped, and the cloud does not know yet. */
  readonly undeclared: readonly (readonly [number, number])[];
  /** Acknowledged, though segments still have them. */
  readonly acknowledged: readonly (readonly [number, number])[];
}

export interface LedgerState {
  /** Ascending with every writing. */
  readonly serial: number;
  /** Number of the next segment file. */
  readonly sequence: number;
  /** Oldest first; the last is the one that wrote this. */
  readonly epochs: readonly LedgerEpoch[];
}

const names = ['ledger.0', 'ledger.1'] as const;
/** Bytes a slot is made with: an ordinary ledger never grows past it, and so never needs room on a full disk. */
const slotBytes = 4096;
const frameBytes = 8;

export function isLedgerName(name: string): boolean {
  return names.some((each) => each === name || `${each}.damaged` === name);
}

export function pairs(ranges: readonly NumberRange[]): (readonly [number, number])[] {
  return ranges.map(({ first, last }) => [first, last] as const);
}

/**
 * A small record beside the segments, in two files that are overwritten in turn: a power cut spoils at most the one
 * being written, and neither a full disk nor a rename that did not last stands in the way.
 */
export class Ledger {
  readonly #folder: JournalFolder;
  #serial = 0;
  /** The slot that is written next: the other one has the newest. */
  #slot: 0 | 1 = 0;
  /** Slots of which the file is known to last. */
  readonly #made = new Set<string>();

  constructor(folder: JournalFolder) {
    this.#folder = folder;
  }

  /** The newest that is whole; undefined where there is none. Never throws. */
  async read(): Promise<LedgerState | undefined> {
    const states = await Promise.all(names.map((name) => readSlot(this.#folder, name)));
    names.forEach((name, index) => {
      if (states[index] !== undefined) this.#made.add(name);
    });
    const newest = states
      .filter((state) => state !== undefined)
      .sort((one, other) => other.serial - one.serial)[0];
    if (newest !== undefined) {
      this.#serial = newest.serial;
      this.#slot = states[0] === newest ? 1 : 0;
    }
    return newest;
  }

  /** Writes and syncs. Returns the bytes written. What was written before stays until it is done. */
  async write(state: Omit<LedgerState, 'serial'>): Promise<number> {
    const serial = this.#serial + 1;
    const text = Buffer.from(JSON.stringify({ serial, ...state }));
    const bytes = Buffer.alloc(Math.max(frameBytes + text.length, slotBytes));
    bytes.writeUInt32LE(text.length, 0);
    bytes.writeUInt32LE(crc32(text), 4);
    text.copy(bytes, frameBytes);
    const name = names[this.#slot];
    const file = await this.#folder.open(name);
    try {
      await file.write(bytes, 0);
      await file.sync();
    } finally {
      await file.close();
    }
    if (!this.#made.has(name)) await this.#folder.sync();
    this.#made.add(name);
    this.#serial = serial;
    this.#slot = this.#slot === 0 ? 1 : 0;
    return bytes.length;
  }

  /** Whether both slots have been made: what is written next overwrites, and takes no room. */
  get isReserved(): boolean {
    return this.#made.size === names.length;
  }
}

async function readSlot(folder: JournalFolder, name: string): Promise<LedgerState | undefined> {
  let bytes: Buffer;
  try {
    bytes = await folder.read(name);
  } catch (error) {
    // What is there and is no file would be in the way for ever.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
      await folder.rename(name, `${name}.damaged`).catch(() => {});
    }
    return undefined;
  }
  try {
    const text = bytes.subarray(frameBytes, frameBytes + bytes.readUInt32LE(0));
    if (crc32(text) !== bytes.readUInt32LE(4)) return undefined;
    return JSON.parse(text.toString()) as LedgerState;
  } catch {
    return undefined;
  }
}
