import type { Compilable, Generated, Kysely } from 'kysely';
import type { Schema } from './schema.ts';

/** Tables of the audit log. `organisation` is '' in the chain of the fleet; hashes are 32 bytes. */
export interface AuditTables {
  /** Where the chains begin and end. */
  audit_chain: {
    organisation: string;
    /** The newest entry. */
    last: number;
    head: Uint8Array;
    /** The last entry that was removed for its age; 0, and a hash of zeros, where none was. */
    base: number;
    base_hash: Uint8Array;
  };
  audit: {
    id: Generated<number>;
    organisation: string;
    sequence: number;
    at: number;
    actor_kind: string;
    actor_id: string;
    channel: string;
    action: string;
    target_kind: string | null;
    target_id: string | null;
    outcome: 'done' | 'refused';
    code: string | null;
    /** JSON. */
    before: string | null;
    after: string | null;
    personal_hash: Uint8Array | null;
    hash: Uint8Array;
  };
  /** What is personal in an entry; gone once it is erased. */
  audit_personal: {
    entry: number;
    salt: Uint8Array;
    /** JSON. */
    data: string;
  };
  /** The users whose it is. */
  audit_personal_of: { user: string; entry: number };
}

/** Their first form. */
export const auditTables = ({ schema }: Kysely<Schema>): Compilable[] => [
  schema
    .createTable('audit_chain')
    .addColumn('organisation', 'text', (c) => c.primaryKey())
    .addColumn('last', 'integer', (c) => c.notNull())
    .addColumn('head', 'blob', (c) => c.notNull())
    .addColumn('base', 'integer', (c) => c.notNull())
    .addColumn('base_hash', 'blob', (c) => c.notNull()),
  schema
    .createTable('audit')
    .addColumn('id', 'integer', (c) => c.primaryKey())
    .addColumn('organisation', 'text', (c) => c.notNull())
    .addColumn('sequence', 'integer', (c) => c.notNull())
    .addColumn('at', 'integer', (c) => c.notNull())
    .addColumn('actor_kind', 'text', (c) => c.notNull())
    .addColumn('actor_id', 'text', (c) => c.notNull())
    .addColumn('channel', 'text', (c) => c.notNull())
    .addColumn('action', 'text', (c) => c.notNull())
    .addColumn('target_kind', 'text')
    .addColumn('target_id', 'text')
    .addColumn('outcome', 'text', (c) => c.notNull())
    .addColumn('code', 'text')
    .addColumn('before', 'text')
    .addColumn('after', 'text')
    .addColumn('personal_hash', 'blob')
    .addColumn('hash', 'blob', (c) => c.notNull())
    .addUniqueConstraint('audit_in_chain', ['organisation', 'sequence']),
  schema.createIndex('audit_in_time').on('audit').columns(['organisation', 'at', 'sequence']),
  schema.createIndex('audit_of_actor').on('audit').columns(['organisation', 'actor_id', 'at', 'sequence']),
  schema.createIndex('audit_of_target').on('audit').columns(['organisation', 'target_id', 'at', 'sequence']),
  schema
    .createTable('audit_personal')
    .addColumn('entry', 'integer', (c) => c.primaryKey().references('audit.id').onDelete('cascade'))
    .addColumn('salt', 'blob', (c) => c.notNull())
    .addColumn('data', 'text', (c) => c.notNull()),
  schema
    .createTable('audit_personal_of')
    .addColumn('user', 'text', (c) => c.notNull())
    .addColumn('entry', 'integer', (c) => c.notNull().references('audit_personal.entry').onDelete('cascade'))
    .addPrimaryKeyConstraint('audit_personal_of_user', ['user', 'entry']),
  schema.createIndex('audit_personal_of_entry').on('audit_personal_of').columns(['entry']),
];
