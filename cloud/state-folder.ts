import type { ChainSpan, Witness } from '@loadline/sdk/audit';
import { databaseFiles, fileOnly, heldKey, type KeySources } from './at-rest/index.ts';
import {
  type ArchivedDelivery,
  type ArchivedReading,
  archivedDeliveries,
  archivedReadings,
  type ChainVerdict,
  verifyAudit,
} from './store/index.ts';

/**
 * Reads every reading that a cloud has committed straight out of its state folder, each once. Nothing is written, and
 * the cloud may be running or not, however it ended: what is yielded is what a restart would find.
 *
 * @throws Error where there is no state, or its key does not open it
 */
export function* readReadings(folder: string): Generator<ArchivedReading> {
  yield* archivedReadings({ file: databaseFiles(folder).database, key: heldKey(folder, fileOnly) });
}

/**
 * Reads in the same way the deliveries as they came, in the order of the commits, as long as they have not been merged:
 * for who looks at what came in within the last minutes.
 *
 * @throws Error where there is no state, or its key does not open it
 */
export function* readDeliveries(folder: string): Generator<ArchivedDelivery> {
  yield* archivedDeliveries({ file: databaseFiles(folder).database, key: heldKey(folder, fileOnly) });
}

/**
 * Verifies the audit log straight out of a cloud's state folder; nothing is written, and the cloud may be running or
 * not. See `verifyAudit`.
 *
 * @throws Error where there is no state, or its key does not open it
 */
export function verifyChains(
  { folder, sources }: { readonly folder: string; readonly sources: KeySources },
  wanted: Pick<ChainSpan, 'organisation'> | undefined,
  witnesses: readonly Witness[],
): ChainVerdict[] {
  const options = { file: databaseFiles(folder).database, key: heldKey(folder, sources) };
  return verifyAudit(options, wanted, witnesses);
}
