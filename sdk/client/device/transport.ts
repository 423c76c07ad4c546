import type { LineReading } from '../../telemetry/index.ts';
import type { Rejected } from './events.ts';

/** Readings that travel together under one key: the same ones under the same key, each time. */
export interface Delivery {
  /** Grows from one delivery to the next, and is none's but its own. */
  readonly number: number;
  /** What it is known again by: its number, and what tells one client's from another's. At most 28 characters. */
  readonly key: string;
  readonly readings: readonly LineReading[];
}

/** What became of a delivery. */
export type Outcome =
  /** It is done with: stored, or rejected for good. */
  | {
      readonly kind: 'settled';
      readonly stored: number;
      readonly duplicate: number;
      readonly rejected: readonly Rejected[];
    }
  /** Too much at once: nothing was taken; to be tried again after so many seconds. */
  | { readonly kind: 'limited'; readonly code: string; readonly detail: string; readonly seconds: number }
  /** Who sends is not let in. */
  | { readonly kind: 'refused'; readonly code: string; readonly detail: string }
  /** It is not known to be stored: to be sent again. */
  | {
      readonly kind: 'failed';
      readonly code: string | undefined;
      readonly detail: string;
      readonly seconds: number | undefined;
    };

/** A way to the cloud. One delivery at a time. */
export interface Transport {
  /** Delivers; never throws. Ends early, as failed, when the signal is aborted. */
  deliver(delivery: Delivery, signal: AbortSignal): Promise<Outcome>;
  /** Gives up what it has open. */
  close(): Promise<void>;
}

export function failed(detail: string, code?: string, seconds?: number | null): Outcome {
  return { kind: 'failed', detail, code, seconds: seconds ?? undefined };
}

/** Codes that say that this device is not let in, by whichever door they come. */
const refusals: ReadonlySet<string> = new Set([
  'unauthenticated',
  'forbidden',
  'device-disabled',
  'credential-ended',
  'identity-mismatch',
  'topic-forbidden',
]);

/** Codes that say to wait. */
const limitCodes: ReadonlySet<string> = new Set(['rate-limited', 'quota-exceeded', 'too-many-attempts']);

export function isLimit(code: string): boolean {
  return limitCodes.has(code);
}

/** Seconds to wait for a limit that does not say how long. */
export const limitSeconds = 30;

/** What a code means that ended a connection, or was said in place of an answer. */
export function endedBy(code: string, detail: string): Outcome {
  if (refusals.has(code)) return refused(code, detail);
  if (isLimit(code)) return { kind: 'limited', code, detail, seconds: limitSeconds };
  return failed(`the cloud said ${code}: ${detail}`, code);
}

export function refused(code: string, detail: string): Outcome {
  const todo =
    'look at its credentials (loadline device credential list) and its switch (loadline device show)';
  return {
    kind: 'refused',
    code,
    detail: `the cloud does not let this device in (${code}): ${detail}; ${todo}`,
  };
}

/** All of a delivery is stored, as far as its way can tell. */
export function stored(delivery: Delivery): Outcome {
  return { kind: 'settled', stored: delivery.readings.length, duplicate: 0, rejected: [] };
}

/** All of a delivery is rejected for good. */
export function rejected({ readings }: Delivery, code: string, detail: string): Outcome {
  return {
    kind: 'settled',
    stored: 0,
    duplicate: 0,
    rejected: [{ kind: 'rejected', readings: readings.length, code, detail }],
  };
}
