import type { Connection } from './database.ts';
import { deliveryStatements } from './delivery-statements.ts';
import { epochStatements } from './epoch-statements.ts';
import { eventStatements } from './event-statements.ts';
import { onceStatements } from './once-statements.ts';

/** Every statement of the writer, prepared once. */
export type Statements = ReturnType<typeof writeStatements>;

export function writeStatements(connection: Connection) {
  return {
    ...epochStatements(connection),
    ...deliveryStatements(connection),
    ...eventStatements(connection),
    ...onceStatements(connection),
  };
}
