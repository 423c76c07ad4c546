import { createHmac, type KeyObject } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { type Entry, emptyEntry, fade, isEmpty, isHeld } from './entry.ts';
import { capacity, type Limits } from './limits.ts';

/** How many of each a table holds. */
export interface TableSize {
  readonly quiet: number;
  readonly kept: number;
  readonly shared: number;
}

export interface TableOptions {
  /** Chooses the shared entry of a key, so that nobody can choose whom he shares one with. */
  readonly key: KeyObject;
  /** Makes room by adding what it drops to shared entries, or by forgetting it. */
  readonly overflow: 'share' | 'forget';
  /** Asked before a block is dropped for want of room. */
  readonly onDropped: (key: string) => void;
  readonly size?: TableSize;
}

/**
 * Entries by key, never more than a fixed number.
 *
 * What is blocked, or half way to it, is in a part of its own (`kept`): a flood of names and addresses that fail once
 * each cannot push it out. What is pushed out is added to one of a fixed number of shared entries, and a key that is
 * new begins with what its shared entry says: with too much, when it is another's, and never with less.
 */
export class Table {
  readonly #quiet: LRUCache<string, Entry>;
  readonly #kept: LRUCache<string, Entry>;
  readonly #shared = new Map<number, Entry>();
  readonly #options: TableOptions;
  readonly #sharedMost: number;
  #limits: Limits;
  #now = 0;

  /** `limits`: how entries fade, the same for all of a table. */
  constructor(limits: Limits, options: TableOptions) {
    const size = options.size ?? capacity;
    this.#limits = limits;
    this.#options = options;
    this.#sharedMost = size.shared;
    this.#quiet = new LRUCache({
      max: size.quiet,
      dispose: (entry, key, reason) => reason === 'evict' && this.#drop(key, entry),
    });
    this.#kept = new LRUCache({
      max: size.kept,
      dispose: (entry, key, reason) => reason === 'evict' && this.#drop(key, entry),
    });
  }

  /** The entry of a key, brought to now; for a new key one that is kept only when it is stored. */
  take(key: string, limits: Limits, now: number): Entry {
    const entry = this.#kept.get(key) ?? this.#quiet.get(key) ?? this.#newcomer(key, now);
    fade(limits, entry, now);
    return entry;
  }

  /** The entry of a key that is there, brought to now. */
  find(key: string, limits: Limits, now: number): Entry | undefined {
    const entry = this.#kept.get(key) ?? this.#quiet.get(key);
    if (entry) fade(limits, entry, now);
    return entry;
  }

  /** Stores an entry where it belongs; one that says nothing takes no room. */
  store(key: string, limits: Limits, entry: Entry, now: number): void {
    this.#now = now;
    const part = isEmpty(limits, entry, now)
      ? undefined
      : isWorthKeeping(limits, entry, now)
        ? 'kept'
        : 'quiet';
    if (part !== 'kept') this.#kept.delete(key);
    if (part !== 'quiet') this.#quiet.delete(key);
    if (part === 'kept') this.#kept.set(key, entry);
    if (part === 'quiet') this.#quiet.set(key, entry);
  }

  delete(key: string): void {
    this.#kept.delete(key);
    this.#quiet.delete(key);
  }

  /** Entries, shared ones among them. */
  get size(): number {
    return this.#quiet.size + this.#kept.size + this.#shared.size;
  }

  #drop(key: string, entry: Entry): void {
    const held = entry.held && isHeld(entry, this.#now) ? entry.held : undefined;
    if (held) this.#options.onDropped(key);
    if (this.#options.overflow === 'forget') return;
    fade(this.#limits, entry, this.#now);
    const slot = this.#slotOf(key);
    const shared = this.#shared.get(slot) ?? emptyEntry(this.#now);
    fade(this.#limits, shared, this.#now);
    shared.level = Math.max(shared.level, entry.level + entry.pending);
    shared.last = Math.max(shared.last, entry.last);
    shared.repeats = Math.max(shared.repeats, entry.repeats);
    // One that only an act ends is not shared: no act would reach it there. Its level is, and keeps to the ceiling.
    if (held?.until && held.until > (shared.held?.until ?? 0)) shared.held = held;
    if (!isEmpty(this.#limits, shared, this.#now)) this.#shared.set(slot, shared);
  }

  #newcomer(key: string, now: number): Entry {
    const entry = emptyEntry(now);
    if (this.#shared.size === 0) return entry;
    const slot = this.#slotOf(key);
    const shared = this.#shared.get(slot);
    if (shared === undefined) return entry;
    fade(this.#limits, shared, now);
    if (isEmpty(this.#limits, shared, now)) {
      this.#shared.delete(slot);
      return entry;
    }
    return { ...shared, untold: entry.untold };
  }

  #slotOf(key: string): number {
    return createHmac('sha256', this.#options.key).update(key).digest().readUInt32BE() % this.#sharedMost;
  }
}

function isWorthKeeping(limits: Limits, entry: Entry, now: number): boolean {
  if (isHeld(entry, now) || entry.repeats > 0) return true;
  switch (limits.rule) {
    case 'ladder':
      return entry.level > limits.free;
    case 'ceiling':
      return entry.level > limits.burst / 2 || (limits.row !== undefined && entry.row > limits.row.limit / 5);
    case 'hold':
      return entry.level > limits.burst / 2;
  }
}
