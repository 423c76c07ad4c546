import type { Entry } from '@loadline/sdk/telemetry';

/** Bytes of heap an entry takes beside its text or bytes: its objects and its slot, as measured on Node 24. */
const entryHeapBytes = 240;
/** Bytes an entry is reckoned to take on disk beside its text or bytes. */
const entryDiskBytes = 12;
/** Empty slots at the front before it is worth moving the rest down. */
const compactFrom = 4096;

function textBytes(entry: Entry): number {
  if (entry.kind === 'event') return entry.subject.length + entry.detail.length;
  if (entry.kind === 'anchor') return 0;
  const { value } = entry;
  return value.type === 'string' || value.type === 'binary' ? value.value.length : 0;
}

/** Entries in memory, by position: those not written yet. */
export class Pending {
  /** `#slots[0]` is position `#base`; what has left is undefined. */
  #slots: (Entry | undefined)[] = [];
  #base: number;
  /** Slots at the front known to be empty. */
  #free = 0;
  #count = 0;
  #textBytes = 0;

  constructor(base: number) {
    this.#base = base;
  }

  get next(): number {
    return this.#base + this.#slots.length;
  }

  get count(): number {
    return this.#count;
  }

  /** About the bytes of heap they take. */
  get heapBytes(): number {
    return this.#count * entryHeapBytes + this.#textBytes;
  }

  /** About the bytes they will take on disk. */
  get diskBytes(): number {
    return this.#count * entryDiskBytes + this.#textBytes;
  }

  push(entry: Entry): void {
    this.#slots.push(entry);
    this.#count++;
    this.#textBytes += textBytes(entry);
  }

  at(position: number): Entry | undefined {
    return this.#slots[position - this.#base];
  }

  /** Lets go of what is there of `first..last`. */
  release(first: number, last: number): void {
    const from = Math.max(first - this.#base, 0);
    const to = Math.min(last - this.#base, this.#slots.length - 1);
    for (let index = from; index <= to; index++) {
      const entry = this.#slots[index];
      if (entry === undefined) continue;
      this.#slots[index] = undefined;
      this.#count--;
      this.#textBytes -= textBytes(entry);
    }
    if (this.#count === 0) {
      this.#base = this.next;
      this.#slots = [];
      this.#free = 0;
      return;
    }
    while (this.#slots[this.#free] === undefined) this.#free++;
    if (this.#free < compactFrom || this.#free * 2 < this.#slots.length) return;
    this.#slots = this.#slots.slice(this.#free);
    this.#base += this.#free;
    this.#free = 0;
  }
}
