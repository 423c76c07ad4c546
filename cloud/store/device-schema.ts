import type { Compilable, Kysely } from 'kysely';
import type { Schema } from './schema.ts';

/** Tables that hold something of a device, each in a column that was named for gateways, the only devices there were. */
const ofDevices = [
  'enrolment',
  'epoch',
  'health',
  'anchor',
  'delivery',
  'rejection',
  'series',
  'desired',
  'command',
  'event',
] as const;

/** The step by which gateways become one kind of device. */
export function deviceTables({ schema }: Kysely<Schema>): Compilable[] {
  return [
    schema.alterTable('gateway').renameTo('device'),
    ...ofDevices.map((table) => schema.alterTable(table).renameColumn('gateway', 'device')),
  ];
}
