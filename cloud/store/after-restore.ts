import { healthMessage } from '@loadline/sdk/contract';
import type { EpochLedger, EpochRow } from './ledger-reads.ts';
import { parseStored } from './stored-message.ts';

/** What epochs that began after a restore tell of those before them, which the cloud may have lost parts of, or all. */
export interface AfterRestore {
  /** The last number of epochs, by what the one after them says. */
  readonly ends: ReadonlyMap<string, number>;
  /** Whole epochs that began and ended between the backup and the loss, by the one after each. */
  readonly unknown: ReadonlyMap<string, EpochLedger>;
  /**
   * The newest epoch of before the restore, where nothing here says its last number: an epoch that came after it was lost
   * whole, and with it what that one said of it.
   */
  readonly severed: string | undefined;
  /** The epoch at work, where the device says that its journal is empty: nothing of another one can come any more. */
  readonly onlyFrom: string | undefined;
}

/**
 * Looks at the chain of epochs: each names its parent, and the last number of that. `rows` are those of one device, the
 * newest first, none where the cloud was never restored; `since`: when it took over, ms since 1970. A device that was taken
 * in from another cloud has a parent that is not known here either, but not from after that moment.
 */
export function afterRestore(
  rows: readonly EpochRow[],
  since: number,
  isKnown: (epoch: string) => boolean,
): AfterRestore {
  const parents = new Set(rows.map(({ parent }) => parent));
  // What is left of an earlier epoch may come after what is new: the order of the rows is that of the first deliveries.
  const atWork = rows.find(({ epoch }) => !parents.has(epoch));
  const holdsNothing = parseStored(atWork?.health ?? null, healthMessage)?.journal.held === 0;
  const ends = new Map<string, number>();
  const unknown = new Map<string, EpochLedger>();
  for (const { epoch, parent, parent_last: last, opened } of rows) {
    if (parent === null || last === null || opened < since) continue;
    if (isKnown(parent)) ends.set(parent, last);
    else {
      unknown.set(epoch, {
        epoch: parent,
        boot: null,
        received: [],
        endUnknown: false,
        gaps: last < 0 ? [] : [{ first: 0, last, state: holdsNothing ? 'lost' : 'coming' }],
        health: undefined,
      });
    }
  }
  const newest = rows.find(({ opened }) => opened < since)?.epoch;
  const severed = unknown.size > 0 && newest !== undefined && !parents.has(newest) ? newest : undefined;
  return { ends, unknown, severed, onlyFrom: holdsNothing ? atWork?.epoch : undefined };
}
