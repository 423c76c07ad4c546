import { type Compilable, type Generated, type Kysely, sql } from 'kysely';
import type { Schema } from './schema.ts';

/** What a device proves itself by, beside a certificate. */
export type CredentialKind = 'token' | 'key' | 'socket-token' | 'socket-key';

/** Tables of devices: their credentials, the names of their series, and what keeps a delivery from counting twice. */
export interface DeviceTables {
  /** Of what is shown only once, neither it nor anything that opens: a hash, or what its secret is derived with. */
  device_credential: {
    id: string;
    device: number;
    kind: CredentialKind;
    name: string;
    /** SHA-256 of a random token; null for keys. */
    hash: Uint8Array | null;
    /** Of keys: version of the `derive` ring their secret is derived with. */
    version: string | null;
    status: 'active' | 'inactive' | 'revoked';
    /** Of a token made to replace another: that one's id. It ends when this one is first used. */
    replaces: string | null;
    created: number;
    expires: number | null;
    /** When it was last noted as used. */
    used: number | null;
    /** Of socket keys: the highest counter that was taken. */
    counter: Generated<number>;
  };
  /** Series of devices that call them by name; the number stands where a radio sensor has its tag. */
  channel: { device: number; number: number; name: string; unit: string | null };
  /** Deliveries that carry no numbers of their own, by what they are known again by, for as long as that is kept. */
  once: {
    device: number;
    /** SHA-256 of the key, counter or body it is known by. */
    mark: Uint8Array;
    /** SHA-256 of the body. */
    digest: Uint8Array;
    /** Forgotten after, ms since 1970. */
    until: number;
  };
}

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
export function deviceTables(db: Kysely<Schema>): Compilable[] {
  const { schema } = db;
  return [
    schema.alterTable('gateway').renameTo('device'),
    ...ofDevices.map((table) => schema.alterTable(table).renameColumn('gateway', 'device')),
    schema.alterTable('device').addColumn('kind', 'text', (c) => c.notNull().defaultTo('gateway')),
    schema.alterTable('device').addColumn('enabled', 'integer', (c) => c.notNull().defaultTo(1)),
    schema.alterTable('device').addColumn('readings_expired', 'integer', (c) => c.notNull().defaultTo(0)),
    schema.alterTable('device').addColumn('readings_deleted', 'integer', (c) => c.notNull().defaultTo(0)),
    schema
      .createTable('device_credential')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('device', 'integer', (c) => c.notNull().references('device.number'))
      .addColumn('kind', 'text', (c) => c.notNull())
      .addColumn('name', 'text', (c) => c.notNull())
      .addColumn('hash', 'blob', (c) => c.unique())
      .addColumn('version', 'text')
      .addColumn('status', 'text', (c) => c.notNull())
      .addColumn('replaces', 'text')
      .addColumn('created', 'integer', (c) => c.notNull())
      .addColumn('expires', 'integer')
      .addColumn('used', 'integer')
      .addColumn('counter', 'integer', (c) => c.notNull().defaultTo(sql.lit(-1))),
    schema.createIndex('credential_of_device').on('device_credential').columns(['device', 'created']),
    schema
      .createTable('channel')
      .addColumn('device', 'integer', (c) => c.notNull().references('device.number'))
      .addColumn('number', 'integer', (c) => c.notNull())
      .addColumn('name', 'text', (c) => c.notNull())
      .addColumn('unit', 'text')
      .addPrimaryKeyConstraint('channel_of_device', ['device', 'number'])
      .addUniqueConstraint('channel_named', ['device', 'name']),
    schema
      .createTable('once')
      .addColumn('device', 'integer', (c) => c.notNull().references('device.number'))
      .addColumn('mark', 'blob', (c) => c.notNull())
      .addColumn('digest', 'blob', (c) => c.notNull())
      .addColumn('until', 'integer', (c) => c.notNull())
      .addPrimaryKeyConstraint('once_of_device', ['device', 'mark']),
    schema.createIndex('once_until').on('once').column('until'),
  ];
}
