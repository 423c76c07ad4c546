import { randomBytes } from 'node:crypto';
import type { LineReading } from '../../telemetry/index.ts';
import { writeReadingsLine } from '../../telemetry/index.ts';
import type { Dropped } from './events.ts';
import { readTexts } from './reading-text.ts';
import { type DeliveryName, keyOf, type Shelf } from './shelf.ts';
import type { Delivery } from './transport.ts';

/** What a queue may hold. */
export interface QueueBounds {
  /** Bytes of its readings, as text: about 30 each. */
  readonly bytes: number;
  readonly readings: number;
}

/** What one delivery may hold: its SenML is at most three times as long as the text, and must be let in by the cloud. */
const deliveryBytes = 64 * 1024;
const deliveryReadings = 2000;
/** A delivery is dropped as a whole: this is what part of the queue it may be. */
const parts = 8;

interface Entry {
  readonly name: DeliveryName;
  readings: number;
  bytes: number;
  from: number;
  to: number;
}

/**
 * Readings that wait for their delivery, in order, bounded. What is sent comes to the newest delivery, until that is taken to be
 * sent or is full: so what gathers while one is under way goes as the next, and a delivery never changes once it was taken.
 */
export class Queue {
  readonly #shelf: Shelf;
  readonly #bounds: QueueBounds;
  readonly #now: () => number;
  readonly #onDropped: (dropped: Dropped) => void;
  readonly #client = randomBytes(6).toString('hex');
  readonly #entries: Entry[] = [];
  #last = 0;
  /** Whether the newest may be added to. */
  #isOpen = false;
  #taken: Entry | undefined;
  #readings = 0;
  #bytes = 0;

  constructor({
    shelf,
    bounds,
    now,
    onDropped,
  }: { shelf: Shelf; bounds: QueueBounds; now: () => number; onDropped: (dropped: Dropped) => void }) {
    this.#shelf = shelf;
    this.#bounds = bounds;
    this.#now = now;
    this.#onDropped = onDropped;
    for (const { name, readings: texts } of shelf.found) {
      this.#last = Math.max(this.#last, name.number);
      if (texts.length === 0) continue;
      const readings = readTexts(texts);
      const entry = { name, readings: 0, bytes: 0, from: Number.POSITIVE_INFINITY, to: 0 };
      this.#entries.push(entry);
      this.#count(entry, readings, texts);
    }
    if (shelf.damaged > 0) {
      onDropped({
        kind: 'dropped',
        readings: shelf.damaged,
        reason: 'damaged',
        from: undefined,
        to: undefined,
      });
    }
    this.#keepWithin();
  }

  /** Readings that are not delivered. */
  get readings(): number {
    return this.#readings;
  }

  /** Bytes of them, as text. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Number of the newest delivery: what comes later may join it, or be in one of a higher number. */
  get newest(): number {
    return this.#entries.at(-1)?.name.number ?? 0;
  }

  /** Whether a delivery of this number or of a lower one is still here. */
  holds(number: number): boolean {
    const oldest = this.#entries[0];
    return oldest !== undefined && oldest.name.number <= number;
  }

  /** Adds readings, each with its time. @throws TelemetryError for what cannot be said; QueueError where they cannot be kept */
  append(readings: readonly LineReading[]): void {
    const texts = readings.map((reading) => writeReadingsLine([reading]));
    for (let from = 0; from < texts.length; ) {
      const { entry, room, isNew } = this.#open();
      const some = texts.slice(from, from + room);
      this.#shelf.append(entry.name, some);
      if (isNew) this.#entries.push(entry);
      this.#isOpen = true;
      this.#count(entry, readings.slice(from, from + room), some);
      from += some.length;
    }
    this.#keepWithin();
  }

  /** The oldest delivery, which does not change from now on; undefined where there is none. @throws QueueError */
  async take(): Promise<Delivery | undefined> {
    for (let entry = this.#entries[0]; entry !== undefined; entry = this.#entries[0]) {
      this.#taken = entry;
      if (this.#entries.length === 1) this.#isOpen = false;
      const readings = readTexts(await this.#shelf.seal(entry.name));
      const { number } = entry.name;
      if (readings.length > 0) return { number, key: keyOf(entry.name), readings };
      this.retire();
      const { from, to } = entry;
      this.#onDropped({ kind: 'dropped', readings: entry.readings, reason: 'damaged', from, to });
    }
    return undefined;
  }

  /** Forgets the delivery that was taken: it is settled. @throws QueueError */
  retire(): void {
    const entry = this.#taken;
    if (entry === undefined) return;
    this.#taken = undefined;
    this.#remove(entry);
  }

  async close(): Promise<void> {
    await this.#shelf.close();
  }

  /** The delivery to add to, and for how many readings it has room. */
  #open(): { readonly entry: Entry; readonly room: number; readonly isNew: boolean } {
    const mostReadings = Math.min(deliveryReadings, Math.floor(this.#bounds.readings / parts));
    const mostBytes = Math.min(deliveryBytes, Math.floor(this.#bounds.bytes / parts));
    const newest = this.#isOpen ? this.#entries.at(-1) : undefined;
    // By bytes it may be passed by what is added at once: a reading has 2 KiB at most, and most have 30 bytes.
    if (newest !== undefined && newest.readings < mostReadings && newest.bytes < mostBytes) {
      return { entry: newest, room: this.#room(newest, mostReadings, mostBytes), isNew: false };
    }
    // No clock is asked for more than it is good for: numbers only have to grow, also over a restart.
    this.#last = Math.max(this.#last + 1, Math.floor(this.#now()));
    const name = { number: this.#last, client: this.#client };
    const entry = { name, readings: 0, bytes: 0, from: Number.POSITIVE_INFINITY, to: 0 };
    return { entry, room: this.#room(entry, mostReadings, mostBytes), isNew: true };
  }

  #room(entry: Entry, mostReadings: number, mostBytes: number): number {
    const readingBytes = 2048;
    const byBytes = Math.max(1, Math.floor((mostBytes - entry.bytes) / readingBytes));
    return Math.min(mostReadings - entry.readings, byBytes);
  }

  #count(entry: Entry, readings: readonly LineReading[], texts: readonly string[]): void {
    const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
    entry.readings += readings.length;
    entry.bytes += bytes;
    this.#readings += readings.length;
    this.#bytes += bytes;
    for (const { time = 0 } of readings) {
      entry.from = Math.min(entry.from, time);
      entry.to = Math.max(entry.to, time);
    }
  }

  /** Drops the oldest until the rest is within bounds; not the one that is taken, of which nobody knows whether it arrived. */
  #keepWithin(): void {
    while (this.#readings > this.#bounds.readings || this.#bytes > this.#bounds.bytes) {
      const oldest = this.#entries.find((entry) => entry !== this.#taken);
      if (oldest === undefined) return;
      if (oldest === this.#entries.at(-1)) this.#isOpen = false;
      this.#remove(oldest);
      const { readings, from, to } = oldest;
      this.#onDropped({ kind: 'dropped', readings, reason: 'queue-full', from, to });
    }
  }

  #remove(entry: Entry): void {
    this.#entries.splice(this.#entries.indexOf(entry), 1);
    this.#readings -= entry.readings;
    this.#bytes -= entry.bytes;
    this.#shelf.remove(entry.name);
  }
}
