import { limits } from '@loadline/sdk/contract';
import { Accounts } from './accounting-commit.ts';
import { Changer } from './change.ts';
import { ChunkWriter } from './chunks/apply.ts';
import { type Counted, Counters } from './counter-commit.ts';
import { type Connection, inTransaction } from './database.ts';
import type { LedgerEntry } from './delivery-statements.ts';
import { CommandResults } from './downlink-commit.ts';
import type { ResultWrite } from './downlink-writes.ts';
import { type EpochState, EpochTable } from './epoch-table.ts';
import { addRange, countNumbers, hasNumber, rangesAsJson } from './number-set.ts';
import { type Statements, writeStatements } from './statements.ts';
import { type Timeline, wallSpan, wallTime } from './timeline.ts';
import { UpdateReports } from './update-commit.ts';
import type { DeliveryWrite, Outcome, RejectionWrite, Unnumbered, Write } from './writes.ts';

/** Why a delivery without numbers is rejected for what it is known again by. */
const repeated = {
  'delivery-differs': 'another delivery came under the same key',
  'counter-old': `more than ${limits.socketCounterWindow} behind the highest counter of its key`,
} as const;

/** Points of a delivery's timeline at most: those of its own anchors, and as many again. */
const mostPoints = 2 * limits.batchAnchors;

/**
 * Owns every write to the database. A group is one transaction: when `commit` returns, what it says is stored
 * is on disk, synced; where a group fails, each of its writes is tried alone, so that one that cannot be
 * written takes no other with it.
 */
export class Committer {
  readonly #connection: Connection;
  readonly #statements: Statements;
  readonly #results: CommandResults;
  readonly #updates: UpdateReports;
  readonly #changer: Changer;
  readonly #counters: Counters;
  readonly #chunks: ChunkWriter;
  readonly #accounts: Accounts;
  readonly #now: () => number;
  #epochs: EpochTable;
  /** The last delivery that gave earlier ones their times. */
  #resolvedAt = 0;
  #nextDelivery: number;

  /** `now`: ms since 1970. */
  constructor(connection: Connection, now: () => number) {
    this.#connection = connection;
    this.#statements = writeStatements(connection);
    this.#results = new CommandResults(connection);
    this.#updates = new UpdateReports(connection);
    this.#changer = new Changer(connection);
    this.#counters = new Counters(connection);
    this.#chunks = new ChunkWriter(connection);
    this.#accounts = new Accounts(connection);
    this.#epochs = new EpochTable(this.#statements);
    this.#now = now;
    // Deliveries go once they are merged: the highest id there is may be one that was given out before.
    const { newestDelivery, checkpoint } = this.#statements;
    this.#nextDelivery = Math.max(newestDelivery.first({})?.id ?? 0, checkpoint.first({})?.through ?? 0) + 1;
  }

  /** Commits a group; the outcomes stand in the order of the writes. */
  commit(group: readonly Write[]): Outcome[] {
    try {
      return this.#transaction(group);
    } catch (error) {
      if (group.length === 1) return [{ kind: 'failed', message: (error as Error).message }];
      return group.flatMap((write) => this.commit([write]));
    }
  }

  #transaction(group: readonly Write[]): Outcome[] {
    const ledger = new Map<number, LedgerEntry>();
    try {
      return inTransaction(this.#connection, () => {
        const outcomes = group.map((write) => this.#write(write, ledger));
        this.#epochs.flush();
        for (const [device, entry] of ledger) this.#statements.addToLedger.run({ device, ...entry });
        return outcomes;
      });
    } catch (error) {
      // What was rolled back must not live on in memory.
      this.#epochs = new EpochTable(this.#statements);
      throw error;
    }
  }

  #write(write: Write, ledger: Map<number, LedgerEntry>): Outcome {
    const s = this.#statements;
    const done = (changed: number): Outcome => ({ kind: 'done', changed });
    switch (write.kind) {
      case 'delivery':
        return this.#deliver(write, ledgerOf(ledger, write.device));
      case 'rejection':
        return done(this.#reject(write, ledgerOf(ledger, write.device)));
      case 'health':
        return done(s.setHealth.run(write));
      case 'reported':
        return done(s.setReported.run(write));
      case 'result':
        return done(this.#result(write, ledger));
      case 'updating':
        return done(this.#updates.take(write));
      case 'checkpoint':
        // Taken before times were resolved that it does not know: the one after it will.
        if (write.through < this.#resolvedAt) return done(0);
        for (const series of write.series) s.setSeries.run(series);
        s.forgetResolvedBoots.run({});
        return done(s.setCheckpoint.run(write));
      case 'accounting':
        return done(this.#accounts.write(write));
      case 'forget-accounting':
        return done(this.#accounts.forget(write));
      case 'merge':
        return done(this.#chunks.merge(write));
      case 'expire':
        return done(this.#chunks.expire(write));
      case 'change':
        return this.#changer.take(write);
    }
  }

  #deliver(write: DeliveryWrite, ledger: LedgerEntry): Outcome {
    const at = this.#now();
    const again = write.unnumbered && this.#again(write, write.unnumbered, at, ledger);
    if (again !== undefined) return again;
    const epoch = this.#epochs.open(write, at);
    const first = write.unnumbered === undefined ? write.first : this.#epochs.next(epoch);
    return this.#store(
      { ...write, first, oldest: write.unnumbered ? first : write.oldest },
      epoch,
      at,
      ledger,
    );
  }

  /** What is to be said of a delivery without numbers that has come before; undefined where it is a new one. */
  #again(
    write: DeliveryWrite,
    { channels, once }: Unnumbered,
    at: number,
    ledger: LedgerEntry,
  ): Outcome | undefined {
    const { device, readings } = write;
    const s = this.#statements;
    for (const channel of channels) s.setChannel.run({ device, ...channel });
    const counted = this.#counted(device, once);
    if (counted === 'new') return undefined;
    if (counted !== 'again') {
      const why = { code: counted, detail: repeated[counted] } as const;
      this.#reject(
        { kind: 'rejection', device, at, channel: 'readings', ...why, payload: write.body, readings },
        ledger,
      );
      return { kind: 'rejected', ...why };
    }
    ledger.deliveriesReceived += 1;
    ledger.deliveriesDuplicate += 1;
    ledger.readingsReceived += readings;
    ledger.readingsDuplicate += readings;
    const nothing = { id: undefined, first: 0, fresh: [], stored: 0, timeline: undefined, resolved: false };
    return { kind: 'delivery', ...nothing, duplicate: readings };
  }

  #counted(device: number, once: Unnumbered['once']): Counted {
    if (once === undefined) return 'new';
    if ('counter' in once) return this.#counters.take(once);
    const { mark, digest, came, until, reused } = once;
    const s = this.#statements;
    const known = reused === 'first' ? undefined : s.once.first({ device, mark, now: came });
    if (known !== undefined && Buffer.compare(known.digest, digest) === 0) return 'again';
    if (known !== undefined && reused === undefined) return 'delivery-differs';
    s.forgetOnce.run({ now: came });
    s.addOnce.run({ device, mark, digest, until });
    return 'new';
  }

  #store(write: DeliveryWrite, epoch: EpochState, at: number, ledger: LedgerEntry): Outcome {
    const added = addRange(epoch.received, write.first, write.first + write.count - 1);
    const { fromMonotonic, toMonotonic } = write;
    const known = this.#epochs.timeline(epoch, fromMonotonic, toMonotonic, mostPoints);
    const refusal = this.#refusal(write, epoch, { ranges: added.set.length, points: known?.length ?? 0 });
    if (refusal !== undefined) {
      const { device, body: payload, readings } = write;
      this.#reject(
        { kind: 'rejection', device, at, channel: 'telemetry', ...refusal, payload, readings },
        ledger,
      );
      return { kind: 'rejected', ...refusal };
    }
    const { fresh } = this.#epochs.receive(epoch, added);
    const isFresh = ({ position }: { readonly position: number }) => hasNumber(fresh, write.first + position);
    const anchors = write.anchors.filter(isFresh);
    const events = write.events.filter(isFresh);
    // From the numbers alone: the door counted the readings themselves, and the ledger shows where they differ.
    const stored = countNumbers(fresh) - anchors.length - events.length;
    const duplicate = write.count - write.anchors.length - write.events.length - stored;
    ledger.deliveriesReceived += 1;
    ledger.readingsReceived += write.readings;
    ledger.readingsStored += stored;
    ledger.readingsDuplicate += duplicate;
    epoch.readingsStored += stored;
    epoch.readingsDuplicate += duplicate;
    this.#epochs.declare(epoch, write.oldest, write.dropped);
    const resolved = this.#epochs.anchor(epoch, anchors);
    const timeline =
      anchors.length === 0 ? known : this.#epochs.timeline(epoch, fromMonotonic, toMonotonic, mostPoints);
    this.#addEvents(write, epoch, { events, timeline, at });
    if (fresh.length === 0 && write.count > 0) ledger.deliveriesDuplicate += 1;
    else ledger.deliveriesStored += 1;
    const { sibling } = epoch;
    epoch.sibling = undefined;
    const outcome = {
      kind: 'delivery',
      ...(sibling !== undefined && { sibling }),
      first: write.first,
      fresh,
      stored,
      duplicate,
      timeline,
      resolved,
    } as const;
    if (fresh.length === 0) return { ...outcome, id: undefined };
    const span = timeline && wallSpan(timeline, fromMonotonic, toMonotonic);
    const id = this.#nextDelivery++;
    this.#statements.addDelivery.run({
      id,
      device: write.device,
      epoch: epoch.number,
      first: write.first,
      count: write.count,
      fresh: countNumbers(fresh) === write.count ? null : rangesAsJson(fresh),
      timeline: timeline ? JSON.stringify(timeline.map(({ monotonic, wall }) => [monotonic, wall])) : null,
      fromMs: span?.first ?? null,
      toMs: span?.last ?? null,
      fromMonotonic,
      toMonotonic,
      writtenMs: at,
      body: write.body,
    });
    if (resolved) this.#resolvedAt = id;
    return { ...outcome, id };
  }

  /** Writes the events of a delivery that are new; `at` ms since 1970. */
  #addEvents(
    { device, first }: DeliveryWrite,
    epoch: EpochState,
    { events, timeline, at }: { events: DeliveryWrite['events']; timeline: Timeline | undefined; at: number },
  ): void {
    for (const { position, monotonic, code, subject, detail } of events) {
      const wall = timeline === undefined ? null : wallTime(timeline, monotonic);
      this.#statements.addEvent.run({
        device,
        epoch: epoch.number,
        number: first + position,
        monotonic,
        at: wall,
        placed: Math.min(wall ?? at, at),
        code,
        subject,
        detail,
      });
    }
  }

  /** Why a delivery can never be stored. `would`: ranges of its epoch with it, and points of its timeline without. */
  #refusal(
    write: DeliveryWrite,
    epoch: EpochState,
    would: { ranges: number; points: number },
  ): { code: RejectionWrite['code']; detail: string } | undefined {
    if (epoch.boot !== write.boot) {
      const detail = `epoch ${write.epoch} began in boot ${epoch.boot}, and this batch is of boot ${write.boot}`;
      return { code: 'batch-inconsistent', detail };
    }
    if (Math.max(would.ranges, epoch.dropped.length + write.dropped.length) > limits.epochRanges) {
      return {
        code: 'batch-limit',
        detail: `the epoch would fall into more than ${limits.epochRanges} ranges`,
      };
    }
    if (would.points + write.anchors.length > mostPoints) {
      const detail = `the batch spans more than ${mostPoints} anchors: send its readings in the order of their numbers`;
      return { code: 'batch-limit', detail };
    }
    return undefined;
  }

  #result(write: ResultWrite, ledger: Map<number, LedgerEntry>): number {
    const { device, at, payload } = write;
    const changed = this.#results.take(write);
    if (changed !== undefined) return changed;
    const why = { code: 'command-unknown', detail: 'this device was given no command of that id' } as const;
    const rejection = {
      kind: 'rejection',
      device,
      at,
      channel: 'result',
      ...why,
      payload,
      readings: 0,
    } as const;
    return this.#reject(rejection, ledgerOf(ledger, device));
  }

  #reject(write: RejectionWrite, ledger: LedgerEntry): number {
    ledger.deliveriesReceived += 1;
    ledger.deliveriesRejected += 1;
    ledger.readingsReceived += write.readings;
    ledger.readingsRejected += write.readings;
    const changed = this.#statements.addRejection.run(write);
    const since = write.at - limits.rejectionMilliseconds;
    this.#statements.trimRejections.run({ device: write.device, since, kept: limits.rejectionsKept });
    return changed;
  }
}

function ledgerOf(ledger: Map<number, LedgerEntry>, device: number): LedgerEntry {
  let entry = ledger.get(device);
  if (entry === undefined) {
    entry = {
      deliveriesReceived: 0,
      deliveriesStored: 0,
      deliveriesDuplicate: 0,
      deliveriesRejected: 0,
      readingsReceived: 0,
      readingsStored: 0,
      readingsDuplicate: 0,
      readingsRejected: 0,
    };
    ledger.set(device, entry);
  }
  return entry;
}
