import { randomBytes } from 'node:crypto';
import { type Entry, entryWeight, type NumberRange } from '@loadline/sdk/telemetry';
import type { Journal, Run } from './journal.ts';
import { Ranges } from './ranges.ts';

/** Bytes of heap an entry takes beside its text or bytes: its objects and its slot, as measured on Node 24. */
const entryBytes = 240;
/** Retired slots at the front of the list before it is worth moving the rest down. */
const compactFrom = 4096;

function memoryBytes(entry: Entry): number {
  if (entry.kind === 'anchor') return entryBytes;
  switch (entry.value.type) {
    case 'string':
      return entryBytes + entry.value.value.length;
    case 'binary':
      return entryBytes + entry.value.value.length;
    default:
      return entryBytes;
  }
}

/** A journal in memory: bounded, and gone with its process, so its epoch never has a parent. */
export class MemoryJournal implements Journal {
  readonly epoch = randomBytes(16).toString('hex');
  readonly parent = undefined;
  readonly #maxBytes: number;
  /** Entries by number, `#entries[0]` being number `#base`; retired ones are undefined. */
  #entries: (Entry | undefined)[] = [];
  #base = 0;
  #bytes = 0;
  readonly #held = new Ranges();
  readonly #dropped = new Ranges();
  readonly #undeclared = new Ranges();

  /** @param maxBytes about how much memory the entries may take; the newest entry always stays */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get next(): number {
    return this.#base + this.#entries.length;
  }

  get oldest(): number {
    return this.#held.first ?? this.next;
  }

  get held(): number {
    return this.#held.count;
  }

  get heldBytes(): number {
    return this.#bytes;
  }

  get dropped(): number {
    return this.#dropped.count;
  }

  append(entry: Entry): number {
    const number = this.next;
    this.#entries.push(entry);
    this.#held.add(number, number);
    this.#bytes += memoryBytes(entry);
    while (this.#bytes > this.#maxBytes && this.oldest < number) this.#drop(this.oldest);
    return number;
  }

  heldRanges(): readonly NumberRange[] {
    return this.#held.list();
  }

  heldIn(range: NumberRange): number | undefined {
    const found = this.#held.from(range.first);
    return found !== undefined && found.first <= range.last ? found.first : undefined;
  }

  cut(range: NumberRange, maxBytes: number, maxEntries: number): Run | undefined {
    const found = this.#held.from(range.first);
    if (found === undefined || found.first > range.last) return undefined;
    const last = Math.min(found.last, range.last, found.first + maxEntries - 1);
    const entries: Entry[] = [];
    let bytes = 0;
    for (let number = found.first; number <= last; number++) {
      const entry = this.#entries[number - this.#base] as Entry;
      const weight = entryWeight(entry);
      if (bytes + weight > maxBytes) break;
      entries.push(entry);
      bytes += weight;
    }
    return entries.length === 0 ? undefined : { first: found.first, entries, bytes };
  }

  retire(first: number, count: number): void {
    const last = first + count - 1;
    this.#release(this.#held.remove(first, last));
    // Dropped while it was on its way, and it arrived after all.
    this.#dropped.remove(first, last);
    this.#undeclared.remove(first, last);
  }

  undeclared(limit: number): readonly NumberRange[] {
    return this.#undeclared.list(limit);
  }

  declared(ranges: readonly NumberRange[]): void {
    for (const { first, last } of ranges) this.#undeclared.remove(first, last);
  }

  #drop(number: number): void {
    this.#release(this.#held.remove(number, number));
    this.#dropped.add(number, number);
    this.#undeclared.add(number, number);
  }

  #release(ranges: readonly NumberRange[]): void {
    for (const { first, last } of ranges) {
      for (let index = first - this.#base; index <= last - this.#base; index++) {
        this.#bytes -= memoryBytes(this.#entries[index] as Entry);
        this.#entries[index] = undefined;
      }
    }
    const free = this.oldest - this.#base;
    if (free >= compactFrom && free * 2 >= this.#entries.length) {
      this.#entries = this.#entries.slice(free);
      this.#base += free;
    }
  }
}
