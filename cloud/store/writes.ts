import type { Code } from '@loadline/sdk/contract';
import type { Aspect, NumberRange } from '@loadline/sdk/telemetry';
import type { AccountingWrite, ForgetAccountingWrite } from './accounting-commit.ts';
import type { ChangeOutcome, ChangeWrite } from './change.ts';
import type { ExpireWrite, MergeWrite } from './chunks/writes.ts';
import type { ResultWrite } from './downlink-writes.ts';
import type { Timeline, TimelinePoint } from './timeline.ts';
import type { UpdatingWrite } from './update-commit.ts';

/** What can be written, and what comes of it: the messages between the process and its one writer thread. */

/** A delivery without numbers of its own. */
export interface Unnumbered {
  /** Series that its device names for the first time, or in another unit. */
  readonly channels: readonly {
    readonly number: number;
    readonly name: string;
    readonly unit: string | null;
  }[];
  /** What it is known again by, so that it counts once; undefined where every delivery is a new one. */
  readonly once: OnceMark | CounterMark | undefined;
}

/** A counter under which a socket key signed it. */
export interface CounterMark {
  /** Id of the socket key. */
  readonly credential: string;
  readonly counter: number;
  /** SHA-256 of the readings as they came: under one counter there is one body. */
  readonly digest: Uint8Array;
}

/** What a delivery is known again by. */
export interface OnceMark {
  /** SHA-256 of the key, counter or body that says so. */
  readonly mark: Uint8Array;
  /** SHA-256 of the body: under one mark there is one body. */
  readonly digest: Uint8Array;
  /**
   * Of a mark that its sender uses again for other bodies: `first` is a new delivery whatever was known, `resent` one only
   * where the body is another. Missing: another body under a mark is a mistake.
   */
  readonly reused?: 'first' | 'resent';
  /** When it came, and until when that is remembered: ms since 1970. */
  readonly came: number;
  readonly until: number;
}

/** A verified delivery of a device, taken apart as far as the commit needs it. */
export interface DeliveryWrite {
  readonly kind: 'delivery';
  /** Where its device gives no numbers: they are given at the commit, on from the epoch's last, and `first` is 0. */
  readonly unnumbered?: Unnumbered;
  readonly device: number;
  readonly epoch: string;
  readonly parent: { readonly epoch: string; readonly last: number } | undefined;
  readonly boot: string;
  readonly oldest: number;
  readonly first: number;
  readonly count: number;
  readonly dropped: readonly NumberRange[];
  /** Readings among the entries, as the door counted them. */
  readonly readings: number;
  readonly anchors: readonly (TimelinePoint & { readonly position: number; readonly uncertainty: number })[];
  readonly events: readonly {
    readonly position: number;
    readonly monotonic: number;
    readonly code: string;
    readonly subject: string;
    readonly detail: string;
  }[];
  readonly fromMonotonic: number;
  readonly toMonotonic: number;
  /** The address it came from; undefined where its door does not say. */
  readonly source?: string | undefined;
  /** The batch as it came. */
  readonly body: Uint8Array;
}

/** A delivery that can never be stored: its reason and payload are committed in its place. */
export interface RejectionWrite {
  readonly kind: 'rejection';
  readonly device: number;
  readonly at: number;
  readonly channel: string;
  readonly code: Code;
  readonly detail: string;
  readonly payload: Uint8Array;
  /** Readings in it, where it could be read that far. */
  readonly readings: number;
}

export interface HealthWrite {
  readonly kind: 'health';
  readonly device: number;
  readonly epoch: string;
  readonly health: string;
}

export interface ReportedWrite {
  readonly kind: 'reported';
  readonly device: number;
  readonly reported: string;
}

/** What the live index knows, so that a start need not read every delivery. */
export interface CheckpointWrite {
  readonly kind: 'checkpoint';
  readonly through: number;
  readonly series: readonly {
    readonly device: number;
    readonly tag: number;
    readonly aspect: Aspect;
    readonly count: number;
    readonly latest: string | null;
  }[];
}

export type Write =
  | DeliveryWrite
  | RejectionWrite
  | HealthWrite
  | ReportedWrite
  | ResultWrite
  | UpdatingWrite
  | CheckpointWrite
  | MergeWrite
  | ExpireWrite
  | AccountingWrite
  | ForgetAccountingWrite
  | ChangeWrite;

/** What became of a delivery. `fresh` are the numbers that were not there before. */
export interface DeliveryOutcome {
  readonly kind: 'delivery';
  /** Row of the delivery; undefined where nothing in it was new. */
  readonly id: number | undefined;
  /** The number of its first entry. */
  readonly first: number;
  readonly fresh: readonly NumberRange[];
  readonly stored: number;
  readonly duplicate: number;
  /** What its monotonic times mean; undefined until its boot has an anchor. */
  readonly timeline: Timeline | undefined;
  /** It brought its boot's first anchor, and earlier deliveries of that boot got their time by it. */
  readonly resolved: boolean;
  /**
   * Another epoch that names the same parent as this delivery's: they began from one state of one journal. Said at the
   * first delivery of an epoch, and perhaps again.
   */
  readonly sibling?: string | undefined;
}

export type Outcome =
  | DeliveryOutcome
  /** The delivery contradicts what is known; the rejection is committed. */
  | { readonly kind: 'rejected'; readonly code: Code; readonly detail: string }
  /** Another write is done; `changed` rows. An insert of what was there already changes none. */
  | { readonly kind: 'done'; readonly changed: number }
  | ChangeOutcome
  /** Nothing of it was written: try again later. */
  | { readonly kind: 'failed'; readonly message: string };
