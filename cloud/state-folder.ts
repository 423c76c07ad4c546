import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ChainSpan, Witness } from '@loadline/sdk/audit';
import { type ArchivedDelivery, archivedDeliveries, type ChainVerdict, verifyAudit } from './store/index.ts';

/** Where a cloud's state folder keeps its database, and the key of it. */
export function databaseFiles(folder: string): { readonly database: string; readonly key: string } {
  return { database: join(folder, 'loadline.db'), key: join(folder, 'database.key') };
}

/**
 * Reads what a cloud has committed straight out of its state folder, in the order of the commits. Nothing is
 * written, and the cloud may be running or not, however it ended: what is yielded is what a restart would find.
 *
 * @throws Error where there is no state, or its key does not open it
 */
export function* readDeliveries(folder: string): Generator<ArchivedDelivery> {
  const { database, key } = databaseFiles(folder);
  yield* archivedDeliveries({ file: database, key: readFileSync(key, 'utf8').trim() });
}

/**
 * Verifies the audit log straight out of a cloud's state folder; nothing is written, and the cloud may be running or
 * not. See `verifyAudit`.
 *
 * @throws Error where there is no state, or its key does not open it
 */
export function verifyChains(
  folder: string,
  wanted: Pick<ChainSpan, 'organisation'> | undefined,
  witnesses: readonly Witness[],
): ChainVerdict[] {
  const { database, key } = databaseFiles(folder);
  return verifyAudit({ file: database, key: readFileSync(key, 'utf8').trim() }, wanted, witnesses);
}
