import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';

/** A value of JSON. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };

/** Who did something, or what it was done to: a kind (`user`, `token`, `device`, …) and an opaque id. */
export interface AuditParty {
  readonly kind: string;
  readonly id: string;
}

/** What one act leaves in the log: all of it goes into the hash. */
export interface AuditEntry {
  readonly version: 1;
  /** Whose chain it stands in; null for the fleet's. */
  readonly organisation: string | null;
  /** 1 for the first of a chain, and one more for each after it. */
  readonly sequence: number;
  /** Hash of the entry before it, hex; `origin` for the first. */
  readonly previous: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly actor: AuditParty;
  readonly channel: string;
  readonly action: string;
  readonly target: AuditParty | null;
  readonly outcome: 'done' | 'refused';
  readonly code: string | null;
  readonly before: Json;
  readonly after: Json;
  /** `personalHash` of what is personal in it, hex; null where there is nothing. */
  readonly personal: string | null;
}

/** What is personal in an entry: kept beside it, so that it can be erased. */
export interface AuditPersonal {
  /** Hex of random bytes. */
  readonly salt: string;
  /** Ids of the users whose it is, ascending. */
  readonly of: readonly string[];
  readonly data: Json;
}

/** An entry with its hash, and with what is personal in it until that is erased. */
export interface AuditRecord {
  readonly entry: AuditEntry;
  readonly hash: string;
  readonly personal: AuditPersonal | null;
}

/** A place in a chain: an entry's number and its hash, hex. */
export interface ChainPlace {
  readonly sequence: number;
  readonly hash: string;
}

/** Where every chain begins, before its first entry. */
export const origin: ChainPlace = { sequence: 0, hash: '00'.repeat(32) };

/** The bytes that are hashed and exported: the one form of a value under RFC 8785, which is UTF-8. */
export function canonical(value: object): string {
  return canonicalize(value) as string;
}

/** SHA-256 over the canonical form of an entry, hex. */
export function entryHash(entry: AuditEntry): string {
  return createHash('sha256').update(canonical(entry), 'utf8').digest('hex');
}

/** SHA-256 over the salt's bytes and, after them, the canonical form of `{ data, of }`, hex. */
export function personalHash({ salt, of, data }: AuditPersonal): string {
  return createHash('sha256').update(salt, 'hex').update(canonical({ data, of }), 'utf8').digest('hex');
}
