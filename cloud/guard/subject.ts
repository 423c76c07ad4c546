import { createHmac, type KeyObject } from 'node:crypto';

/** What an attempt is for. */
export type SubjectKind =
  /** A login with a password. */
  | 'account'
  /** The code after a right password, under the name of the account. */
  | 'second-factor'
  | 'token'
  | 'application-key'
  | 'socket'
  /** A PIN in front of a public code. */
  | 'code';

/** Whom an attempt wants to be, known or not: the guard cannot tell, and treats both alike. */
export interface Subject {
  readonly kind: SubjectKind;
  /** As it was claimed; `''` where the credential names nobody, such as a token whose seal does not hold. */
  readonly name: string;
}

/** A subject as it is kept and shown: its name only as a keyed hash, since people type passwords into name fields. */
export interface HashedSubject {
  readonly kind: SubjectKind;
  /** 22 characters of base64url. */
  readonly id: string;
}

/** Longer names share what the guard knows with those that begin alike: hashing costs the same for all. */
const nameLength = 512;

/**
 * HMAC-SHA256 of kind and name, 128 bits of it. The name is folded (NFKC, lower case, trimmed), so that a login
 * that takes `Bob@example.org` for `bob@example.org` does not give each spelling tries of its own.
 */
export function subjectId(key: KeyObject, subject: Subject): string {
  const name = subject.name.slice(0, nameLength).normalize('NFKC').trim().toLowerCase();
  const mac = createHmac('sha256', key).update(`${subject.kind}\0${name}`).digest();
  return mac.toString('base64url', 0, 16);
}
