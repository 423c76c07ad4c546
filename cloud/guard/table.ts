import { randomInt } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { type Entry, emptyEntry, forgetRow, isEmpty, isHeld, levelOf } from './entry.ts';
import { capacity, type Limits } from './limits.ts';

/** How many of each a table holds. */
export interface TableSize {
  readonly quiet: number;
  readonly kept: number;
  readonly shared: number;
}

export interface TableOptions {
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
  readonly #limits: Limits;
  /** Nobody can choose with whom he shares an entry. */
  readonly #salt = randomInt(2 ** 32);
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

  /** The entry of a key; for a new key one that is kept only when it is stored. */
  take(key: string, limits: Limits, now: number): Entry {
    const entry = this.#kept.get(key) ?? this.#quiet.get(key) ?? this.#newcomer(key, now);
    forgetRow(limits, entry, now);
    return entry;
  }

  /** Whether the entry of a key, where there is one, is blocked. */
  isHeld(key: string, now: number): boolean {
    const entry = this.#kept.get(key);
    return entry !== undefined && isHeld(entry, now);
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
    const slot = this.#slotOf(key);
    const shared = this.#shared.get(slot) ?? emptyEntry(this.#now);
    const emptyAt = Math.max(entry.emptyAt, this.#now) + entry.pending * this.#limits.fadeMs;
    shared.emptyAt = Math.max(shared.emptyAt, entry.emptyAt, entry.pending > 0 ? emptyAt : 0);
    shared.last = Math.max(shared.last, entry.last);
    shared.repeats = Math.max(shared.repeats, entry.repeats);
    // One that only an act ends is not shared, as no act would reach it there. What has not faded is.
    if (held?.until && held.until > (shared.held?.until ?? 0)) shared.held = held;
    if (!isEmpty(this.#limits, shared, this.#now)) this.#shared.set(slot, shared);
  }

  #newcomer(key: string, now: number): Entry {
    const entry = emptyEntry(now);
    if (this.#shared.size === 0) return entry;
    const slot = this.#slotOf(key);
    const shared = this.#shared.get(slot);
    if (shared === undefined) return entry;
    if (isEmpty(this.#limits, shared, now)) {
      this.#shared.delete(slot);
      return entry;
    }
    return { ...shared, untold: entry.untold };
  }

  #slotOf(key: string): number {
    // FNV-1a from a random start: it only has to spread, and is asked several times for each attempt.
    let hash = this.#salt;
    for (let index = 0; index < key.length; index++)
      hash = Math.imul(hash ^ key.charCodeAt(index), 0x01000193);
    return Math.floor(((hash >>> 0) / 2 ** 32) * this.#sharedMost);
  }
}

function isWorthKeeping(limits: Limits, entry: Entry, now: number): boolean {
  if (isHeld(entry, now) || entry.repeats > 0) return true;
  switch (limits.rule) {
    case 'ladder':
      return levelOf(limits, entry, now) > limits.free;
    case 'ceiling':
      return (
        levelOf(limits, entry, now) > limits.burst / 2 ||
        (limits.row !== undefined && entry.row > limits.row.limit / 5)
      );
    case 'hold':
      return levelOf(limits, entry, now) > limits.burst / 2;
  }
}
