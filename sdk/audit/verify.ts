import { type AuditRecord, type ChainPlace, entryHash, origin, personalHash } from './entry.ts';

/** A chain as it is said to be: what it goes on from, and its last entry. */
export interface ChainSpan {
  readonly organisation: string | null;
  /** The last entry that was removed for its age; `origin` where none was. */
  readonly base: ChainPlace;
  readonly head: ChainPlace;
}

/** What is wrong at a place of a chain. */
export type ChainFault =
  /** The entry of this number is not there. */
  | 'missing'
  /** An entry stands where it does not belong: out of order, twice, or after the head. */
  | 'misplaced'
  /** It is of another chain. */
  | 'foreign'
  /** It does not name the hash of the one before it. */
  | 'unlinked'
  /** Its content does not have its hash. */
  | 'altered'
  /** What is personal in it does not have the hash that stands in it. */
  | 'personal-altered'
  /** The chain's head or base is not what its entries say. */
  | 'bounds'
  /** A witness saw another hash at this number. */
  | 'rewritten'
  /** A witness saw an entry of this number, and the chain ends before it. */
  | 'cut-off'
  /** What was to be an entry is none, or not in its canonical form. */
  | 'malformed';

/** What came of verifying a chain; where it is not whole, its first fault. */
export type Verdict =
  | { readonly whole: true; readonly entries: number; readonly erased: number }
  | { readonly whole: false; readonly sequence: number; readonly why: ChainFault };

/** Checks a chain entry by entry, so that it need not be in memory. */
export class ChainCheck {
  readonly #span: ChainSpan;
  readonly #witnesses: readonly ChainPlace[];
  readonly #witnessed = new Map<number, Set<string>>();
  #last: ChainPlace;
  #entries = 0;
  #erased = 0;
  #fault: Extract<Verdict, { whole: false }> | undefined;

  /** `witnesses`: heads of this chain as they were seen, and kept where nobody who can write the chain can write. */
  constructor(span: ChainSpan, witnesses: readonly ChainPlace[] = []) {
    this.#span = span;
    this.#witnesses = witnesses;
    this.#last = span.base;
    for (const { sequence, hash } of witnesses) {
      const seen = this.#witnessed.get(sequence) ?? new Set();
      this.#witnessed.set(sequence, seen.add(hash));
    }
    if (span.base.sequence === origin.sequence && span.base.hash !== origin.hash) this.#find(0, 'bounds');
    else if (this.#contradicted(span.base)) this.#find(span.base.sequence, 'rewritten');
  }

  /** Checks the next entry; false once there is a fault, and nothing after it is looked at. */
  add(record: AuditRecord): boolean {
    if (this.#fault !== undefined) return false;
    const { entry, hash, personal } = record;
    const expected = this.#last.sequence + 1;
    if (entry.organisation !== this.#span.organisation) return this.#find(expected, 'foreign');
    if (entry.sequence > expected) return this.#find(expected, 'missing');
    if (entry.sequence < expected) return this.#find(expected, 'misplaced');
    if (expected > this.#span.head.sequence) return this.#find(expected, 'misplaced');
    if (entry.previous !== this.#last.hash) return this.#find(expected, 'unlinked');
    if (entryHash(entry) !== hash) return this.#find(expected, 'altered');
    if (personal !== null && personalHash(personal) !== entry.personal) {
      return this.#find(expected, 'personal-altered');
    }
    this.#last = { sequence: expected, hash };
    if (this.#contradicted(this.#last)) return this.#find(expected, 'rewritten');
    this.#entries += 1;
    if (entry.personal !== null && personal === null) this.#erased += 1;
    return true;
  }

  /** To be told that the next entry could not even be read. */
  malformed(): void {
    this.#find(this.#last.sequence + 1, 'malformed');
  }

  /** What came of it, once every entry was added. */
  end(): Verdict {
    const { head } = this.#span;
    const last = this.#last;
    const beyond = this.#witnesses.filter(({ sequence }) => sequence > head.sequence);
    if (last.sequence < head.sequence) this.#find(last.sequence + 1, 'missing');
    else if (last.sequence !== head.sequence || last.hash !== head.hash) this.#find(head.sequence, 'bounds');
    else if (beyond.length > 0) this.#find(head.sequence + 1, 'cut-off');
    return this.#fault ?? { whole: true, entries: this.#entries, erased: this.#erased };
  }

  #contradicted({ sequence, hash }: ChainPlace): boolean {
    const seen = this.#witnessed.get(sequence);
    return seen !== undefined && (seen.size > 1 || !seen.has(hash));
  }

  #find(sequence: number, why: ChainFault): false {
    this.#fault ??= { whole: false, sequence, why };
    return false;
  }
}

/** Verifies a chain that is at hand whole: its first fault, or how many entries it has. */
export function verifyChain(
  span: ChainSpan,
  records: Iterable<AuditRecord>,
  witnesses: readonly ChainPlace[] = [],
): Verdict {
  const check = new ChainCheck(span, witnesses);
  for (const record of records) if (!check.add(record)) break;
  return check.end();
}
