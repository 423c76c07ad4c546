/** Why readings that were sent are still here. */
export type WaitingFor =
  /** No way to the cloud, no answer, or a cloud that fails at present. */
  | 'way'
  /** The cloud lets this device in no more, or never did: its credential is wrong, revoked, or the device is switched off. */
  | 'credential'
  /** A limit: the cloud says when to come again. */
  | 'limit'
  /** The queue's own folder cannot be read or written. */
  | 'disk';

/** What is not going on, and when it is tried again. */
export interface Waiting {
  readonly kind: 'waiting';
  readonly for: WaitingFor;
  /** A code of `sdk/contract`, where the cloud has said one. */
  readonly code: string | undefined;
  /** What is wrong, and what to do. */
  readonly detail: string;
  /** Milliseconds until the next attempt; null where the cloud goes on by itself. */
  readonly retryMilliseconds: number | null;
}

/** Readings that the cloud does not take, and never will: they are out of the queue. */
export interface Rejected {
  readonly kind: 'rejected';
  readonly readings: number;
  /** A code of `sdk/contract`. */
  readonly code: string;
  readonly detail: string;
}

/** Readings that were given up before they were delivered. */
export interface Dropped {
  readonly kind: 'dropped';
  readonly readings: number;
  /** The queue was full, and these the oldest; or what was read back of its folder is not what was written. */
  readonly reason: 'queue-full' | 'damaged';
  /** Times of the first and the last of them, ms since 1970; undefined where they cannot be read any more. */
  readonly from: number | undefined;
  readonly to: number | undefined;
}

/** Readings that are on the cloud's disk. */
export interface Delivered {
  readonly kind: 'delivered';
  readonly readings: number;
  /** Those of them that had been stored before: an answer was lost. MQTT does not say. */
  readonly duplicate: number;
}

/** What becomes of readings that were sent. */
export type DeviceEvent = Delivered | Rejected | Dropped | Waiting;

/** Readings were not delivered in time, or cannot be at present. They are still in the queue. */
export class UndeliveredError extends Error {
  override readonly name = 'UndeliveredError';
  /** How many are still in the queue. */
  readonly readings: number;
  /** What is in the way; undefined where it was only the time. */
  readonly waiting: Waiting | undefined;

  constructor(readings: number, waiting: Waiting | undefined) {
    const why = waiting === undefined ? 'the time was too short' : waiting.detail;
    super(`${readings} readings are not delivered yet: ${why}`);
    this.readings = readings;
    this.waiting = waiting;
  }
}

/** The queue's folder cannot be read or written: what was sent last is not kept, or not all of it. */
export class QueueError extends Error {
  override readonly name = 'QueueError';
}
