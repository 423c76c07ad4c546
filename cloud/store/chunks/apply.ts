import type { Connection } from '../database.ts';
import { chunkStatements } from './statements.ts';
import type { ExpireWrite, MergeWrite, NewChunk } from './writes.ts';

/** The writer's hand in merging: rows only, what is dear was done before. Runs within the group's transaction. */
export class ChunkWriter {
  readonly #statements: ReturnType<typeof chunkStatements>;

  constructor(connection: Connection) {
    this.#statements = chunkStatements(connection);
  }

  /**
   * Takes a slice. @returns deliveries that are wholly in chunks now
   *
   * @throws Error where a delivery or chunk is not what it was when the slice was prepared: nothing is to be kept then
   */
  merge({ device, deliveries, replaced, added }: MergeWrite): number {
    const s = this.#statements;
    let merged = 0;
    for (const { id, mergedBelow, next } of deliveries) {
      const changed =
        next === null
          ? s.removeDelivery.run({ id, mergedBelow })
          : s.setMergedBelow.run({ id, mergedBelow, next });
      if (changed !== 1) throw new Error(`delivery ${id} was merged meanwhile`);
      if (next === null) merged++;
    }
    for (const chunk of replaced) {
      if (this.#remove(chunk) !== 1) throw new Error(`chunk ${chunk} was replaced meanwhile`);
    }
    for (const chunk of added) this.#add(device, chunk);
    return merged;
  }

  /** Removes what has expired, and counts it in the device's ledger. @returns the readings that went */
  expire({ device, tag, aspect, before, most, cuts }: ExpireWrite): number {
    let readings = 0;
    for (const { id, count } of this.#statements.expired.all({ device, tag, aspect, before, most })) {
      this.#remove(id);
      readings += count;
    }
    for (const { chunk, expired, left } of cuts) {
      // One that was merged with others meanwhile is cut the next time.
      if (this.#remove(chunk) !== 1) continue;
      this.#add(device, left);
      readings += expired;
    }
    if (readings > 0) {
      this.#statements.countExpired.run({ device, tag, aspect, readings });
      this.#statements.addExpired.run({ device, readings });
    }
    return readings;
  }

  #add(device: number, { tag, aspect, summary, open, epochs, plot, rest }: NewChunk): void {
    const s = this.#statements;
    const row = s.addChunk.first({ device, tag, aspect, ...summary, open: open ? 1 : 0 });
    const chunk = (row as { id: number }).id;
    s.addBody.run({ chunk, plot, rest });
    for (const one of epochs) s.addEpochOfChunk.run({ chunk, ...one });
  }

  #remove(chunk: number): number {
    this.#statements.removeBody.run({ chunk });
    this.#statements.removeEpochs.run({ chunk });
    return this.#statements.removeChunk.run({ chunk });
  }
}
