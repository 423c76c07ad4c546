import type { NumberRange } from '@loadline/sdk/telemetry';
import { type Addition, addRange, type NumberSet, rangesAsJson, rangesFromJson } from './number-set.ts';
import type { Statements } from './statements.ts';
import { type Timeline, type TimelinePoint, timelineFor } from './timeline.ts';
import type { DeliveryWrite } from './writes.ts';

/** What the writer knows of one epoch of one gateway. */
export interface EpochState {
  readonly number: number;
  readonly gateway: number;
  readonly boot: string;
  received: NumberSet;
  oldest: number;
  dropped: NumberSet;
  readingsStored: number;
  readingsDuplicate: number;
}

/** Epochs kept in memory at most; the longest unused are read again from the database when they are needed. */
const epochsInMemory = 20_000;

/**
 * The epochs the writer is at work on: read once, changed in memory, and written once a group. A table is
 * thrown away when a group is rolled back.
 */
export class EpochTable {
  readonly #statements: Statements;
  readonly #epochs = new Map<string, EpochState>();
  readonly #boots = new Map<string, TimelinePoint[]>();
  /** Changed in the group at hand: the ranges the database still has, and those it must have instead. */
  readonly #changed = new Map<
    EpochState,
    { removed: Map<number, NumberRange>; added: Map<number, NumberRange> }
  >();

  constructor(statements: Statements) {
    this.#statements = statements;
  }

  /** The epoch a delivery belongs to, made where it is the first. `now` in ms since 1970. */
  open(write: DeliveryWrite, now: number): EpochState {
    const key = `${write.gateway}/${write.epoch}`;
    let epoch = this.#epochs.get(key);
    if (epoch === undefined) {
      this.#statements.addEpoch.run({
        gateway: write.gateway,
        epoch: write.epoch,
        parent: write.parent?.epoch ?? null,
        parentLast: write.parent?.last ?? null,
        boot: write.boot,
        oldest: write.oldest,
        opened: now,
      });
      epoch = this.#load(write.gateway, write.epoch);
      this.#trim();
    }
    // Re-inserted at the end, so that the map's order is that of last use.
    this.#epochs.delete(key);
    this.#epochs.set(key, epoch);
    if (!this.#changed.has(epoch)) this.#changed.set(epoch, { removed: new Map(), added: new Map() });
    return epoch;
  }

  /** Takes the numbers of a delivery into its epoch; hands the addition on. */
  receive(epoch: EpochState, addition: Addition): Addition {
    const changes = this.#changed.get(epoch);
    for (const range of addition.removed) {
      if (!changes?.added.delete(range.first)) changes?.removed.set(range.first, range);
    }
    for (const range of addition.added) changes?.added.set(range.first, range);
    epoch.received = addition.set;
    return addition;
  }

  /** Takes over what the gateway says it still holds and had to drop. */
  declare(epoch: EpochState, oldest: number, dropped: readonly NumberRange[]): void {
    epoch.oldest = Math.max(epoch.oldest, oldest);
    for (const { first, last } of dropped) epoch.dropped = addRange(epoch.dropped, first, last).set;
  }

  /**
   * Takes anchors into their boot. Where they are its first, the deliveries that waited for one are resolved in the
   * same transaction. @returns whether there were such deliveries.
   */
  anchor(epoch: EpochState, anchors: readonly (TimelinePoint & { uncertainty: number })[]): boolean {
    const { gateway, boot } = epoch;
    // Before the new ones are written: read after it, they would pass for old.
    const known = this.#anchors(gateway, boot);
    const first = known.length === 0;
    for (const { monotonic, wall, uncertainty } of anchors) {
      const added = this.#statements.addAnchor.run({ gateway, boot, monotonic, wall, uncertainty });
      if (added > 0) known.push({ monotonic, wall });
    }
    known.sort((a, b) => a.monotonic - b.monotonic);
    const [anchor] = known;
    if (!first || anchor === undefined) return false;
    const { monotonic, wall } = anchor;
    const timeline = JSON.stringify([[monotonic, wall]]);
    const resolved = this.#statements.resolve.run({ gateway, boot, timeline, offset: wall - monotonic }) > 0;
    // The live index did not know when these were: a start must not take it up from before.
    if (resolved) this.#statements.forgetCheckpoint.run({});
    return resolved;
  }

  /** How many anchors the epoch's boot has. */
  anchorsOf(epoch: EpochState): number {
    return this.#anchors(epoch.gateway, epoch.boot).length;
  }

  /** What a span of monotonic time means in this epoch's boot; undefined without an anchor. */
  timeline(epoch: EpochState, from: number, to: number): Timeline | undefined {
    return timelineFor(this.#anchors(epoch.gateway, epoch.boot), from, to);
  }

  /** Writes what the group changed. */
  flush(): void {
    for (const [epoch, { removed, added }] of this.#changed) {
      for (const { first } of removed.values()) {
        if (!added.has(first)) this.#statements.removeRange.run({ epoch: epoch.number, first });
      }
      for (const { first, last } of added.values()) {
        this.#statements.setRange.run({ epoch: epoch.number, first, last });
      }
      this.#statements.setEpoch.run({
        number: epoch.number,
        oldest: epoch.oldest,
        dropped: rangesAsJson(epoch.dropped),
        readingsStored: epoch.readingsStored,
        readingsDuplicate: epoch.readingsDuplicate,
      });
    }
    this.#changed.clear();
  }

  #load(gateway: number, name: string): EpochState {
    const row = this.#statements.epoch.first({ gateway, epoch: name });
    if (row === undefined) throw new Error(`epoch ${name} of gateway ${gateway} was not written`);
    const received = this.#statements.ranges.all({ epoch: row.number });
    const { readings_stored: readingsStored, readings_duplicate: readingsDuplicate } = row;
    const dropped = rangesFromJson(row.dropped);
    return { ...row, gateway, received, dropped, readingsStored, readingsDuplicate };
  }

  #anchors(gateway: number, boot: string): TimelinePoint[] {
    const key = `${gateway}/${boot}`;
    let anchors = this.#boots.get(key);
    if (anchors === undefined) {
      anchors = this.#statements.anchors.all({ gateway, boot });
      this.#boots.set(key, anchors);
    }
    return anchors;
  }

  #trim(): void {
    for (const [key, epoch] of this.#epochs) {
      if (this.#epochs.size < epochsInMemory || this.#changed.has(epoch)) break;
      this.#epochs.delete(key);
      this.#boots.delete(`${epoch.gateway}/${epoch.boot}`);
    }
  }
}
