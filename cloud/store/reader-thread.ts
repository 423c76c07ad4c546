import { parentPort, workerData } from 'node:worker_threads';
import { type DatabaseOptions, inTransaction, openConnection } from './database.ts';
import { type Reads, storeReads } from './reads.ts';

/** The thread that reads: a query of a long range must not keep the doors waiting. */

const connection = openConnection(workerData as DatabaseOptions, 'read');
const reads = storeReads(connection);
const port = parentPort as NonNullable<typeof parentPort>;

/** One question to the store, and its answer. */
export interface ReadRequest {
  readonly id: number;
  readonly name: keyof Reads;
  readonly query: unknown;
}
export type ReadAnswer =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: string };

port.on('message', (message: ReadRequest | 'close') => {
  if (message === 'close') {
    connection.close();
    port.close();
    return;
  }
  const { id, name, query } = message;
  try {
    const read = reads[name] as (query: unknown) => unknown;
    const result = inTransaction(connection, () => read(query));
    port.postMessage({ id, result } satisfies ReadAnswer);
  } catch (error) {
    port.postMessage({ id, error: (error as Error).message } satisfies ReadAnswer);
  }
});

port.postMessage('ready');
