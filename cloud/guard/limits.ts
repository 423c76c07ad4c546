import type { SubjectKind } from './subject.ts';

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/** What becomes of failures without a success between them: `limit` of them begin a block that only an act ends. */
export interface Row {
  readonly limit: number;
  /** Milliseconds without any attempt after which they are forgotten. */
  readonly forgetMs: number;
}

/** `free` failures without delay, then `firstMs`, doubled with each one more, at most `mostMs`. */
export interface Ladder {
  readonly rule: 'ladder';
  readonly free: number;
  readonly firstMs: number;
  readonly mostMs: number;
  /** One failure fades in this time. */
  readonly fadeMs: number;
  /** What a delay is listed as among the blocks; without it, it is too short to be one. */
  readonly listedAs?: 'factor';
  readonly row?: Row;
}

/** `burst` failures, then one for each that has faded. */
export interface Ceiling {
  readonly rule: 'ceiling';
  readonly burst: number;
  readonly fadeMs: number;
  readonly row?: Row;
}

/** `burst` failures begin a block of `firstMs`, doubled with each repetition, at most `mostMs`. */
export interface Hold {
  readonly rule: 'hold';
  readonly burst: number;
  readonly fadeMs: number;
  readonly firstMs: number;
  readonly mostMs: number;
  /** One repetition is forgotten in this time after the block. */
  readonly forgetMs: number;
}

export type Limits = Ladder | Ceiling | Hold;

/** The kinds of counters, each with a table of its own. */
export type BucketName = 'pair' | 'subject' | 'code' | 'factor' | 'device' | 'source' | 'network';

/** One subject from one source. */
const pair: Ladder = { rule: 'ladder', free: 3, firstMs: second, mostMs: 15 * minute, fadeMs: hour };

/** A device that is known. After ten failures in a row it is as good as any other, for as long as its cookie lasts. */
const device: Ladder = { ...pair, row: { limit: 10, forgetMs: Number.POSITIVE_INFINITY } };

/** Codes of a second factor from devices that are not known. */
const factor: Ladder = {
  rule: 'ladder',
  free: 4,
  firstMs: 15 * minute,
  mostMs: day,
  fadeMs: 2 * day,
  listedAs: 'factor',
  row: { limit: 100, forgetMs: Number.POSITIVE_INFINITY },
};

/** One subject from everywhere, devices that are known left out. */
const subject: Ceiling = { rule: 'ceiling', burst: 30, fadeMs: hour };

const hold = { rule: 'hold', firstMs: hour, mostMs: day, forgetMs: day } as const;

/** One IPv4 address or IPv6 /64, whomever it asks for. */
const source: Hold = { ...hold, burst: 50, fadeMs: 3 * minute };

/** One IPv6 /48. */
const network: Hold = { ...hold, burst: 500, fadeMs: 18 * second };

/** One public code. Five wrong PINs in a row block it until somebody who may looks at it. */
const code: Ceiling = {
  rule: 'ceiling',
  burst: 5,
  fadeMs: 12 * hour,
  row: { limit: 5, forgetMs: Number.POSITIVE_INFINITY },
};

/** How each counter counts; `subject` with what its kind adds, see {@link policies}. */
export const limits = { pair, device, factor, subject, code, source, network } satisfies Record<
  BucketName,
  Limits
>;

/** What differs between the kinds of subjects. */
export interface Policy {
  readonly bucket: Extract<BucketName, 'subject' | 'code'>;
  readonly limits: Ceiling;
  /** Failures of one lane do not block a source for another: a script with a stale token locks out no people. */
  readonly lane: 'people' | 'machines' | 'codes';
}

/** NIST SP 800-63B-4, 3.2.2: no more than 100 failures in a row, then the authenticator is to be bound anew. */
const guessable: Ceiling = { ...subject, row: { limit: 100, forgetMs: 30 * day } };

export const policies: Record<Exclude<SubjectKind, 'second-factor'>, Policy> = {
  account: { bucket: 'subject', limits: guessable, lane: 'people' },
  token: { bucket: 'subject', limits: subject, lane: 'machines' },
  'application-key': { bucket: 'subject', limits: subject, lane: 'machines' },
  socket: { bucket: 'subject', limits: guessable, lane: 'machines' },
  code: { bucket: 'code', limits: code, lane: 'codes' },
};

/** Entries a table keeps: `quiet` ones that may be folded away at any time, and `kept` ones that are blocked or near it. */
export const capacity = { quiet: 50_000, kept: 10_000, shared: 16_384 };

/** Attempts that may be under way at one time, from devices that are known left out. */
export const attemptsUnderWay = 10_000;

/** An attempt whose end nobody tells is a failure after this time. */
export const attemptMs = 5 * minute;
