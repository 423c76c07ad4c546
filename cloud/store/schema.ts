import type { SocketPolicy } from '@loadline/sdk/contract';
import type { Aspect } from '@loadline/sdk/telemetry';
import type { Generated } from 'kysely';
import type { AccountingTables } from './accounting-schema.ts';
import type { AuditTables } from './audit-schema.ts';
import type { ChunkTables } from './chunks/schema.ts';
import type { ContestTables } from './contest-schema.ts';
import type { CounterTables } from './counter-schema.ts';
import type { DeviceTables } from './device-schema.ts';
import type { DownlinkTables } from './downlink-schema.ts';
import type { EventTables } from './event-schema.ts';
import type { FleetTables } from './fleet-schema.ts';
import type { EndOfCertificate, IdentityTables, IssuedFor } from './identity-schema.ts';
import type { PeopleTables } from './people-schema.ts';
import type { RetentionTables } from './retention-schema.ts';
import type { UpdateTables } from './update-schema.ts';

/**
 * The tables. Times are whole milliseconds since 1970 unless a name says otherwise; `device` and `epoch`
 * columns of the hot tables hold row numbers, not names.
 */
export interface Schema
  extends AccountingTables,
    AuditTables,
    ChunkTables,
    ContestTables,
    CounterTables,
    DeviceTables,
    DownlinkTables,
    EventTables,
    IdentityTables,
    PeopleTables,
    RetentionTables,
    FleetTables,
    UpdateTables {
  organisation: {
    id: string;
    name: string;
    isolation: Generated<'basic' | 'strict'>;
    /** Whom it asks for a second factor. */
    second_factor: Generated<'not-required' | 'administrators' | 'everyone'>;
    /** Days that an API token may live, and that the audit log is kept. */
    token_days: Generated<number>;
    audit_days: Generated<number>;
    /** Sessions and tokens from before it have ended. */
    cut_off: number | null;
    created: Generated<number>;
    /** What it lets in over sockets. */
    sockets: Generated<SocketPolicy>;
    /** Days that readings are kept; null: for ever. */
    readings_days: number | null;
    /** Days after the end of its certificate within which a gateway may still renew it. */
    grace_days: Generated<number>;
    /** Whether its gateways are offered other releases than they run. */
    updates: Generated<'on' | 'paused'>;
    /** Goes up with every change of what people are in it: a change is made on what was read, or not at all. */
    revision: Generated<number>;
  };
  device: {
    number: Generated<number>;
    id: string;
    organisation: string;
    /** A gateway bridges radio sensors and has a certificate; `software` is everything else that delivers. */
    kind: Generated<'gateway' | 'software'>;
    /** The one switch: 0 where nothing that proves this device opens anything. */
    enabled: Generated<number>;
    /** When it was retired for good: nothing is taken in for it any more, its data stays. Null in service. */
    retired: number | null;
    /** What people call it; null where nobody has named it. */
    name: string | null;
    department: string | null;
    customer: string | null;
    /** JSON of the last `reported` message. */
    reported: string | null;
    /** Readings and deliveries: received = stored + duplicate + rejected, counted apart at door and commit. */
    deliveries_received: Generated<number>;
    deliveries_stored: Generated<number>;
    deliveries_duplicate: Generated<number>;
    deliveries_rejected: Generated<number>;
    readings_received: Generated<number>;
    readings_stored: Generated<number>;
    readings_duplicate: Generated<number>;
    readings_rejected: Generated<number>;
    /** Of those stored: what retention has taken since, and what somebody had deleted. */
    readings_expired: Generated<number>;
    readings_deleted: Generated<number>;
  };
  /** Certificates issued, by SHA-256 fingerprint. A certificate that is not here opens nothing. */
  certificate: {
    fingerprint: string;
    subject: string;
    serial: string;
    expires: number;
    revoked: number | null;
    /** Why it was; null where it was not. */
    reason: EndOfCertificate | null;
    /** These four are null of certificates from before they were kept. */
    profile: 'authority' | 'server' | 'gateway' | 'voucher' | null;
    issued: number | null;
    /** Fingerprint of the certificate that signed it. */
    issuer: string | null;
    issued_for: IssuedFor | null;
    /** When it first proved somebody; null where it has not yet. */
    used: number | null;
    /** SPKI in DER; null of one from before this was kept. */
    public_key: Uint8Array | null;
  };
  /** A one-time enrolment secret, as a hash, bound to one device, and, once used, to one key. */
  enrolment: { device: string; secret_hash: Uint8Array; key_hash: Uint8Array | null; expires: number };
  epoch: {
    number: Generated<number>;
    device: number;
    epoch: string;
    parent: string | null;
    parent_last: number | null;
    boot: string;
    /** The oldest number the device still held, at the last delivery. */
    oldest: number;
    /** JSON [[first, last], …] of numbers the device declared dropped. */
    dropped: string;
    readings_stored: number;
    readings_duplicate: number;
    /** When its first delivery was committed. */
    opened: number;
    /** The address that came from; null where it is not known. */
    source: string | null;
  };
  /**
   * The last `health` message of each run, JSON: the device's own account. By the epoch's name, since a
   * device may report before the first batch of its epoch is committed.
   */
  health: { device: number; epoch: string; message: string };
  /** The numbers of an epoch that are committed, as ranges. */
  received_range: { epoch: number; first: number; last: number };
  /** Anchors of a device's boots: what resolves monotonic to wall time. */
  anchor: { device: number; boot: string; monotonic: number; wall: number; uncertainty: number };
  /** One row a delivery: the batch as it came. */
  delivery: {
    id: Generated<number>;
    device: number;
    epoch: number;
    first: number;
    count: number;
    /** JSON [[first, last], …] where only some of its numbers were new; null where all were. */
    fresh: string | null;
    /** JSON [[monotonic, wall], …] it was resolved with; null until its boot has an anchor. */
    timeline: string | null;
    from_ms: number | null;
    to_ms: number | null;
    /** Monotonic ms of its earliest and latest entry. */
    from_monotonic: number;
    to_monotonic: number;
    /** Milliseconds since 1970 when the row was written, just before its commit was synced. */
    written_ms: number;
    /** Of its series, those are in chunks whose key (`seriesKey`) is below this. */
    merged_below: Generated<number>;
    body: Uint8Array;
  };
  /** Deliveries that can never be stored, kept so that nothing is refused without a trace. */
  rejection: {
    id: Generated<number>;
    device: number;
    at: number;
    channel: string;
    code: string;
    detail: string;
    payload: Uint8Array;
  };
  /** What the live index knew of each series at the last checkpoint; deliveries after `through` are not in it. */
  series: { device: number; tag: number; aspect: Aspect; count: number; latest: string | null };
  checkpoint: { id: number; through: number };
}
