import { type Connection, inTransaction } from './database.ts';
import { EpochTable } from './epoch-table.ts';
import { addRange, countNumbers, hasNumber, rangesAsJson } from './number-set.ts';
import { type Statements, writeStatements } from './statements.ts';
import { wallTime } from './timeline.ts';
import type { DeliveryWrite, Outcome, RejectionWrite, Write } from './writes.ts';

/** What a group of writes adds to one gateway's ledger. */
interface LedgerEntry {
  deliveriesReceived: number;
  deliveriesStored: number;
  deliveriesDuplicate: number;
  deliveriesRejected: number;
  readingsReceived: number;
  readingsStored: number;
  readingsDuplicate: number;
  readingsRejected: number;
}

/**
 * Owns every write to the database. A group is one transaction: when `commit` returns, what it says is stored
 * is on disk, synced; where a group fails, each of its writes is tried alone, so that one that cannot be
 * written takes no other with it.
 */
export class Committer {
  readonly #connection: Connection;
  readonly #statements: Statements;
  readonly #now: () => number;
  #epochs: EpochTable;

  /** `now`: ms since 1970. */
  constructor(connection: Connection, now: () => number) {
    this.#connection = connection;
    this.#statements = writeStatements(connection);
    this.#epochs = new EpochTable(this.#statements);
    this.#now = now;
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
        for (const [gateway, entry] of ledger) this.#statements.addToLedger.run({ gateway, ...entry });
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
        return this.#deliver(write, ledgerOf(ledger, write.gateway));
      case 'rejection':
        return done(this.#reject(write, ledgerOf(ledger, write.gateway)));
      case 'health':
        return done(s.setHealth.run(write));
      case 'reported':
        return done(s.setReported.run(write));
      case 'checkpoint':
        for (const series of write.series) s.setSeries.run(series);
        return done(s.setCheckpoint.run(write));
      case 'organisation':
        return done(s.addOrganisation.run(write));
      case 'user':
        return done(s.addUser.run(write));
      case 'session':
        s.clearSessions.run(write);
        return done(s.addSession.run(write));
      case 'session-end':
        return done(s.endSession.run(write));
      case 'gateway':
        return done(s.addGateway.run(write));
      case 'enrolment':
        return done(s.setEnrolment.run(write));
      case 'enrolled':
        return done(s.spendEnrolment.run(write));
      case 'certificate':
        return done(s.addCertificate.run(write));
    }
  }

  #deliver(write: DeliveryWrite, ledger: LedgerEntry): Outcome {
    const at = this.#now();
    const epoch = this.#epochs.open(write, at);
    if (epoch.boot !== write.boot) {
      const detail = `epoch ${write.epoch} began in boot ${epoch.boot}, and this batch is of boot ${write.boot}`;
      const code = 'batch-inconsistent';
      const { gateway, body: payload, readings } = write;
      this.#reject(
        { kind: 'rejection', gateway, at, channel: 'telemetry', code, detail, payload, readings },
        ledger,
      );
      return { kind: 'rejected', code, detail };
    }
    const { fresh } =
      write.count === 0
        ? { fresh: [] }
        : this.#epochs.receive(epoch, addRange(epoch.received, write.first, write.first + write.count - 1));
    const anchors = write.anchors.filter(({ position }) => hasNumber(fresh, write.first + position));
    const stored = countNumbers(fresh) - anchors.length;
    const duplicate = write.readings - stored;
    ledger.deliveriesReceived += 1;
    ledger.readingsReceived += write.readings;
    ledger.readingsStored += stored;
    ledger.readingsDuplicate += duplicate;
    epoch.readingsStored += stored;
    epoch.readingsDuplicate += duplicate;
    this.#epochs.declare(epoch, write.oldest, write.dropped);
    for (const anchor of anchors) this.#epochs.anchor(epoch, anchor);
    const timeline = this.#epochs.timeline(epoch, write.fromMonotonic, write.toMonotonic);
    if (fresh.length === 0 && write.count > 0) ledger.deliveriesDuplicate += 1;
    else ledger.deliveriesStored += 1;
    if (fresh.length === 0) return { kind: 'delivery', id: undefined, fresh, stored, duplicate, timeline };
    const id = this.#statements.addDelivery.first({
      gateway: write.gateway,
      epoch: epoch.number,
      first: write.first,
      count: write.count,
      fresh: countNumbers(fresh) === write.count ? null : rangesAsJson(fresh),
      timeline: timeline ? JSON.stringify(timeline.map(({ monotonic, wall }) => [monotonic, wall])) : null,
      fromMs: timeline ? Math.round(wallTime(timeline, write.fromMonotonic)) : null,
      toMs: timeline ? Math.round(wallTime(timeline, write.toMonotonic)) : null,
      fromMonotonic: write.fromMonotonic,
      toMonotonic: write.toMonotonic,
      writtenMs: at,
      body: write.body,
    })?.id;
    return { kind: 'delivery', id, fresh, stored, duplicate, timeline };
  }

  #reject(write: RejectionWrite, ledger: LedgerEntry): number {
    ledger.deliveriesReceived += 1;
    ledger.deliveriesRejected += 1;
    ledger.readingsReceived += write.readings;
    ledger.readingsRejected += write.readings;
    return this.#statements.addRejection.run(write);
  }
}

function ledgerOf(ledger: Map<number, LedgerEntry>, gateway: number): LedgerEntry {
  let entry = ledger.get(gateway);
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
    ledger.set(gateway, entry);
  }
  return entry;
}
