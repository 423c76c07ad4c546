import type { QuestionName } from '@loadline/sdk/provisioning';
import { Refused } from './refused.ts';

/** Who has shown a voucher in this session. */
export interface Owner {
  readonly organisation: string;
  readonly ownershipCounter: number;
  /** SHA-256 of the voucher's CMS, hex. */
  readonly voucher: string;
  /** The authority that the voucher pins, PEM. */
  readonly pinnedAuthorityPem: string;
  /** Readings of another owner that were never delivered may go. */
  readonly discardsUndelivered: boolean;
}

/** What the gateway is, as it stands on its disk. */
export interface InForce {
  readonly gatewayId: string;
  readonly organisation: string;
  readonly ownershipCounter: number;
  /** SHA-256 of the CMS of the voucher it was taken by, hex. */
  readonly voucher: string;
  /** SHA-256 of the site as it was written, hex. */
  readonly digest: string;
}

/** What the gateway is, and how often it had an owner. */
export interface Standing {
  readonly inForce: InForce | undefined;
  readonly ownershipCounter: number;
}

/**
 * What one tool has done so far over one link. It begins anew with every link, so nothing that was said on another
 * counts on this one: neither a voucher nor what was written.
 */
export interface Session {
  /** 32 hex digits; what a voucher of this session names. */
  readonly nonce: string;
  readonly owner: Owner | undefined;
  /** The gateway id that a key was asked for. */
  readonly keyOf: string | undefined;
  /** Digest of what was written, and of what for. */
  readonly written: { readonly digest: string; readonly gatewayId: string } | undefined;
}

export function newSession(nonce: string): Session {
  return { nonce, owner: undefined, keyOf: undefined, written: undefined };
}

/** Questions that show or change what only an owner may see or change. */
const ofOwners: ReadonlySet<QuestionName> = new Set(['listen', 'key', 'write', 'read', 'commit', 'reset']);
/** Questions about what is in force. */
const ofTheProvisioned: ReadonlySet<QuestionName> = new Set(['trial', 'sign', 'close']);

/**
 * Whether a question may be asked now. Only what the order of questions demands is judged here; what is wrong with
 * their content, whoever carries them out says.
 *
 * @throws Refused
 */
export function checkOrder(
  session: Session,
  { inForce, ownershipCounter }: Standing,
  question: QuestionName,
): void {
  const { owner } = session;
  if (ofOwners.has(question)) {
    if (owner === undefined)
      throw new Refused('not-owned', `${question} is for the owner, and nobody has shown a voucher`);
    // The voucher was good when it was shown. Meanwhile it, or a later one, may have been used over another line.
    if (owner.ownershipCounter <= ownershipCounter && inForce?.voucher !== owner.voucher) {
      throw new Refused('not-owned', 'the gateway has another owner since this session showed its voucher');
    }
  }
  if (ofTheProvisioned.has(question) && inForce === undefined) {
    throw new Refused(
      'not-committed',
      `${question} is for a gateway that is provisioned: commit a site first`,
    );
  }
  if (question === 'write' && session.keyOf === undefined) {
    throw new Refused(
      'key-missing',
      'no key was asked for: ask for one first (key), for the gateway id of the site',
    );
  }
  // What is in force its owner may read without having written anything.
  const isPresent =
    question === 'read' && inForce !== undefined && inForce.organisation === owner?.organisation;
  if ((question === 'read' || question === 'commit') && session.written === undefined && !isPresent) {
    throw new Refused('nothing-written', 'nothing was written in this session');
  }
}

/** A voucher was accepted. Another owner than before begins from there. */
export function owned(session: Session, owner: Owner): Session {
  return { ...newSession(session.nonce), owner };
}

export function keyed(session: Session, gatewayId: string): Session {
  // A site that was written was for the key of then.
  const written = session.written?.gatewayId === gatewayId ? session.written : undefined;
  return { ...session, keyOf: gatewayId, written };
}

export function written(session: Session, digest: string, gatewayId: string): Session {
  return { ...session, written: { digest, gatewayId } };
}

/** What a commit comes to. */
export type Commit =
  /** What was written is in force, under this very voucher. */
  | { readonly kind: 'done-already' }
  /** It goes into force. Where the gateway stays who it is, what it holds goes on with it. */
  | { readonly kind: 'due'; readonly keepsJournal: boolean };

/**
 * Judges a commit of what was written.
 *
 * @param undelivered readings that the present owner's cloud does not have
 * @throws Refused where the digest is another, or readings would be lost that nobody gave up
 */
export function judgeCommit(
  session: Session,
  inForce: InForce | undefined,
  digest: string,
  undelivered: number,
): Commit {
  const { owner, written } = session;
  if (owner === undefined || written === undefined)
    throw new Refused('nothing-written', 'nothing was written in this session');
  if (written.digest !== digest) {
    throw new Refused(
      'digest-differs',
      `what was written last is ${written.digest}, not ${digest}: write it again`,
    );
  }
  if (inForce?.digest === digest && inForce.ownershipCounter === owner.ownershipCounter) {
    return { kind: 'done-already' };
  }
  const stays = inForce?.organisation === owner.organisation && inForce.gatewayId === written.gatewayId;
  if (inForce !== undefined && !stays) checkUndelivered(undelivered, owner.discardsUndelivered);
  return { kind: 'due', keepsJournal: stays };
}

/** @throws Refused where readings would be lost that nobody gave up */
export function checkUndelivered(undelivered: number, discards: boolean): void {
  if (undelivered === 0 || discards) return;
  throw new Refused(
    'undelivered-readings',
    `${undelivered} readings of the present owner are not delivered: let it reach its cloud, or give them up (discardUndelivered)`,
  );
}

/** It is in force: what was written is no longer waiting, and `read` shows it all the same. */
export function committed(session: Session): Session {
  return { ...session, keyOf: undefined };
}
