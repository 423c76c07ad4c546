import type { Compilable, Kysely } from 'kysely';
import type { Schema } from './schema.ts';

/** By what somebody was given a certificate. */
export type IssuedFor = 'secret' | 'certificate' | 'technician' | 'cloud';

/**
 * Why a certificate opens nothing any more, though its time is not over. `restored`: it was good in a backup that was
 * restored, and nobody has said yet that it was not revoked since. That one alone is no end for good.
 */
export type EndOfCertificate = 'revoked' | 'superseded' | 'retired' | 'moved' | 'restored';

/** Tables of how gateways become trusted and stop being trusted. Times are whole milliseconds since 1970. */
export interface IdentityTables {
  /** Boards that gateways run on, by the serial number they were built with. */
  unit: {
    serial: string;
    /** Whose it is; null where it is nobody's, and the next who asks for a voucher has it. */
    organisation: string | null;
    /** The ownership counter of the last voucher that named it. */
    counter: number;
    /** Row number of the gateway that it is; null before it was provisioned. */
    device: number | null;
    claimed: number | null;
  };
  /** What technicians signed for, with the gateway's signature over it. */
  provisioning: {
    id: string;
    device: number;
    organisation: string;
    at: number;
    serial: string;
    /** Who it was, as the cloud knows it: kind and id of a principal, JSON. */
    actor: string;
    /** The record, byte for byte as it was signed. */
    record: string;
    signature: Uint8Array;
    /** SHA-256 fingerprint of the certificate that the signature was checked with. */
    fingerprint: string;
  };
  /** What an organisation is to look at: one row for as long as it goes on. */
  alarm: {
    id: string;
    organisation: string;
    device: number;
    kind: string;
    first: number;
    last: number;
    times: number;
    /** JSON: what was seen, from where. */
    detail: string;
    /** When, and by whom, it was said to be seen to; null before. */
    seen: number | null;
    seen_by: string | null;
    /** When administrators were told last, and for how long they are left in peace since; null before the first. */
    told: number | null;
    pause: number | null;
  };
}

/** The step by which the key of a certificate is known, and what it has signed can be verified. */
export function certificateKeys({ schema }: Kysely<Schema>): Compilable[] {
  return [schema.alterTable('certificate').addColumn('public_key', 'blob')];
}

/** The step that makes them, and what certificates, devices and organisations have besides. */
export function identityTables({ schema }: Kysely<Schema>): Compilable[] {
  return [
    schema.alterTable('certificate').addColumn('profile', 'text'),
    schema.alterTable('certificate').addColumn('issued', 'integer'),
    schema.alterTable('certificate').addColumn('issuer', 'text'),
    schema.alterTable('certificate').addColumn('issued_for', 'text'),
    schema.alterTable('certificate').addColumn('used', 'integer'),
    schema.alterTable('certificate').addColumn('reason', 'text'),
    schema.createIndex('certificate_of_subject').on('certificate').columns(['subject', 'issued']),
    schema.alterTable('device').addColumn('retired', 'integer'),
    schema.alterTable('organisation').addColumn('grace_days', 'integer', (c) => c.notNull().defaultTo(0)),
    schema
      .createTable('unit')
      .addColumn('serial', 'text', (c) => c.primaryKey())
      .addColumn('organisation', 'text')
      .addColumn('counter', 'integer', (c) => c.notNull())
      .addColumn('device', 'integer')
      .addColumn('claimed', 'integer'),
    schema.createIndex('unit_of_organisation').on('unit').columns(['organisation', 'serial']),
    schema
      .createTable('provisioning')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('device', 'integer', (c) => c.notNull().references('device.number'))
      .addColumn('organisation', 'text', (c) => c.notNull())
      .addColumn('at', 'integer', (c) => c.notNull())
      .addColumn('serial', 'text', (c) => c.notNull())
      .addColumn('actor', 'text', (c) => c.notNull())
      .addColumn('record', 'text', (c) => c.notNull())
      .addColumn('signature', 'blob', (c) => c.notNull())
      .addColumn('fingerprint', 'text', (c) => c.notNull()),
    schema.createIndex('provisioning_of_device').on('provisioning').columns(['device', 'at']),
    schema
      .createTable('alarm')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('organisation', 'text', (c) => c.notNull())
      .addColumn('device', 'integer', (c) => c.notNull().references('device.number'))
      .addColumn('kind', 'text', (c) => c.notNull())
      .addColumn('first', 'integer', (c) => c.notNull())
      .addColumn('last', 'integer', (c) => c.notNull())
      .addColumn('times', 'integer', (c) => c.notNull())
      .addColumn('detail', 'text', (c) => c.notNull())
      .addColumn('seen', 'integer')
      .addColumn('seen_by', 'text'),
    schema.createIndex('alarm_of_organisation').on('alarm').columns(['organisation', 'last']),
  ];
}
