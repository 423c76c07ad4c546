import { limits } from '@loadline/sdk/contract';
import { type NumberRange, wallBoot } from '@loadline/sdk/telemetry';
import { type Addition, addRange, type NumberSet, rangesAsJson, rangesFromJson } from './number-set.ts';
import type { Statements } from './statements.ts';
import { type Timeline, type TimelinePoint, wallTimeline } from './timeline.ts';
import type { DeliveryWrite } from './writes.ts';

/** A part of a boot in which one anchor is in force: from its own time until before the next. Monotonic ms. */
interface Reign {
  readonly from: number;
  readonly before: number;
  readonly timeline: Timeline;
}

/** What the writer knows of one epoch of one device. */
export interface EpochState {
  readonly number: number;
  readonly device: number;
  readonly boot: string;
  received: NumberSet;
  oldest: number;
  dropped: NumberSet;
  readingsStored: number;
  readingsDuplicate: number;
  /**
   * Another epoch of the device with the same parent: two processes began from one state of its journal. Said once, when
   * this one is looked up soon after its first delivery.
   */
  sibling: string | undefined;
  /** Where its times were looked up last: most deliveries lie there too, and need not be looked up. */
  reign: Reign | undefined;
}

/** Milliseconds after the first delivery of an epoch in which it is still said that it has a sibling. */
const siblingMilliseconds = 24 * 3_600_000;

/** Epochs kept in memory at most; the longest unused are read again from the database when they are needed. */
const epochsInMemory = 1000;

/**
 * The epochs the writer is at work on: read once, changed in memory, and written once a group. A table is
 * thrown away when a group is rolled back.
 */
export class EpochTable {
  readonly #statements: Statements;
  readonly #epochs = new Map<string, EpochState>();
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
    const key = `${write.device}/${write.epoch}`;
    let epoch = this.#epochs.get(key);
    if (epoch === undefined) {
      this.#statements.addEpoch.run({
        device: write.device,
        epoch: write.epoch,
        parent: write.parent?.epoch ?? null,
        parentLast: write.parent?.last ?? null,
        boot: write.boot,
        oldest: write.oldest,
        opened: now,
        source: write.source ?? null,
      });
      epoch = this.#load(write, now);
      this.#trim();
    }
    // Re-inserted at the end, so that the map's order is that of last use.
    this.#epochs.delete(key);
    this.#epochs.set(key, epoch);
    if (!this.#changed.has(epoch)) this.#changed.set(epoch, { removed: new Map(), added: new Map() });
    return epoch;
  }

  /** The number after the last that was taken in. */
  next({ received }: EpochState): number {
    return (received.at(-1)?.last ?? -1) + 1;
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

  /** Takes over what the device says it still holds and had to drop. */
  declare(epoch: EpochState, oldest: number, dropped: readonly NumberRange[]): void {
    epoch.oldest = Math.max(epoch.oldest, oldest);
    for (const { first, last } of dropped) epoch.dropped = addRange(epoch.dropped, first, last).set;
  }

  /**
   * Takes anchors into their boot. Where they are its first, the deliveries and events that waited for one are resolved
   * in the same transaction. @returns whether there were such deliveries.
   */
  anchor(epoch: EpochState, anchors: readonly (TimelinePoint & { uncertainty: number })[]): boolean {
    if (anchors.length === 0) return false;
    const { device, boot } = epoch;
    const known = this.#statements.firstAnchor.first({ device, boot }) !== undefined;
    for (const { monotonic, wall, uncertainty } of anchors) {
      this.#statements.addAnchor.run({ device, boot, monotonic, wall, uncertainty });
    }
    for (const other of this.#epochs.values()) {
      if (other.device === device && other.boot === boot) other.reign = undefined;
    }
    const first = known ? undefined : this.#statements.firstAnchor.first({ device, boot });
    if (first === undefined) return false;
    const timeline = JSON.stringify([[first.monotonic, first.wall]]);
    const offset = first.wall - first.monotonic;
    const resolved = this.#statements.resolve.run({ device, boot, timeline, offset }) > 0;
    this.#statements.resolveEvents.run({ device, boot, offset });
    if (resolved) {
      // The live index did not know when these were: until its next checkpoint, a start must look for the newest of them.
      this.#statements.addResolvedBoot.run({ device, boot });
    }
    return resolved;
  }

  /**
   * What a span of monotonic time means in this epoch's boot: the anchor in force at its start, or else the first
   * there is, and those within; undefined without an anchor. Of more than `most` points, the first `most` + 1.
   */
  timeline(epoch: EpochState, from: number, to: number, most: number): Timeline | undefined {
    const { device, boot } = epoch;
    if (boot === wallBoot) return wallTimeline;
    const { reign } = epoch;
    if (reign !== undefined && reign.from <= from && to < reign.before) return reign.timeline;
    const s = this.#statements;
    const inForce = s.anchorUntil.first({ device, boot, until: from });
    const start = inForce ?? s.firstAnchor.first({ device, boot });
    if (start === undefined) return undefined;
    const after = start.monotonic;
    const timeline = [start, ...s.anchorsWithin.all({ device, boot, after, until: to, most })];
    if (inForce !== undefined && timeline.length === 1) {
      const next = s.anchorsWithin.first({
        device,
        boot,
        after,
        until: limits.monotonicMilliseconds,
        most: 1,
      });
      epoch.reign = { from: after, before: next?.monotonic ?? Number.POSITIVE_INFINITY, timeline };
    }
    return timeline;
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

  #load({ device, epoch: name, parent }: DeliveryWrite, now: number): EpochState {
    const row = this.#statements.epoch.first({ device, epoch: name });
    if (row === undefined) throw new Error(`epoch ${name} of device ${device} was not written`);
    const received = this.#statements.ranges.all({ epoch: row.number });
    const { readings_stored: readingsStored, readings_duplicate: readingsDuplicate } = row;
    const dropped = rangesFromJson(row.dropped);
    // A process that ends before it could tell of it is told again when its sender comes again.
    const isNew = now - row.opened < siblingMilliseconds;
    const sibling =
      isNew && parent
        ? this.#statements.siblingEpoch.first({ device, epoch: name, parent: parent.epoch })
        : undefined;
    return {
      ...{ ...row, device, received, dropped, readingsStored, readingsDuplicate },
      sibling: sibling?.epoch,
      reign: undefined,
    };
  }

  #trim(): void {
    for (const [key, epoch] of this.#epochs) {
      if (this.#epochs.size < epochsInMemory || this.#changed.has(epoch)) break;
      this.#epochs.delete(key);
    }
  }
}
