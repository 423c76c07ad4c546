import type { EventCode } from '../contract/index.ts';
import type { Value } from '../t24/index.ts';

/**
 * Radio quality of a reading as its source reports it.
 *
 * `radio`: the raw RSSI and CV bytes of a T24 frame (see `t24/quality.ts` for dB and percent).
 * `lqi`: a GW1's link quality in percent, 0..100.
 */
export type Quality =
  | { readonly kind: 'none' }
  | { readonly kind: 'radio'; readonly rssi: number; readonly cv: number }
  | { readonly kind: 'lqi'; readonly percent: number };

/**
 * What of a sensor a reading is. `heard`: the value of one frame, bit for bit. `mean`, `min`, `max`: worked out by
 * the gateway over a window of frames. `derived`: worked out of other sensors, under a tag no transmitter has.
 */
export const aspects = ['heard', 'mean', 'min', 'max', 'derived'] as const;
export type Aspect = (typeof aspects)[number];

/** Physical value = value as heard x gain + offset. The value as heard is what travels and is kept. */
export interface Calibration {
  readonly gain: number;
  readonly offset: number;
}

/** The physical number of a value as heard; not finite where a huge gain makes it so. */
export function physical(value: number, calibration: Calibration | undefined): number {
  return calibration === undefined ? value : value * calibration.gain + calibration.offset;
}

/** One value of one transmitter as one base station heard it. Device, name and unit come from configuration. */
export interface Reading {
  readonly kind: 'reading';
  /** The configured name of the serial port it came in by; `derived` where it was worked out of several sensors. */
  readonly port: string;
  /** Base station address 1..16; 0 where the source has none (GW1 ASCII, `derived`). */
  readonly base: number;
  /** T24 data tag, 0..0xFFFF. */
  readonly tag: number;
  readonly aspect: Aspect;
  /** What makes a physical value of `value`; undefined where `value` is one already. */
  readonly calibration: Calibration | undefined;
  /** Milliseconds of the gateway's monotonic clock since its boot, a whole number. */
  readonly monotonic: number;
  readonly value: Value;
  /** Flag bits of the packet's first byte (0x80 error, 0x40 battery low, 0x20 broadcast). */
  readonly flags: number;
  /** Raw status byte. */
  readonly status: number;
  readonly quality: Quality;
}

/**
 * Ties a boot's monotonic clock to wall time. Numbered and sent like a reading; what was already written is
 * never rewritten when a better anchor comes.
 */
export interface Anchor {
  readonly kind: 'anchor';
  /** Milliseconds of the monotonic clock since boot, a whole number. */
  readonly monotonic: number;
  /** Milliseconds since 1970-01-01T00:00Z at that instant, a whole number. */
  readonly wall: number;
  /** How far `wall` may be off, in milliseconds, a whole number. */
  readonly uncertainty: number;
}

declare const foreign: unique symbol;

/**
 * The code of an event this version does not know, 1..64 of a-z, 0-9 and hyphens: batches of a newer gateway must be
 * kept by an older cloud. Only a decoder makes one; `isEventCode` of sdk/contract tells which kind a code is.
 */
export type ForeignEventCode = string & { readonly [foreign]: true };

/**
 * Something that happened to the gateway or its sensors. Numbered and sent like a reading, so that none is lost while
 * the link is away, none is there twice, and its time is resolved like theirs.
 */
export interface GatewayEvent {
  readonly kind: 'event';
  /** Milliseconds of the monotonic clock since boot, a whole number. */
  readonly monotonic: number;
  readonly code: EventCode | ForeignEventCode;
  /**
   * What it is about: a port's name, a tag as four hex digits, empty for the gateway itself; at most
   * limits.eventSubjectBytes of UTF-8.
   */
  readonly subject: string;
  /** What happened, in words, with figures and units; at most limits.eventDetailBytes of UTF-8. */
  readonly detail: string;
}

/** What the journal numbers and a batch carries. */
export type Entry = Reading | Anchor | GatewayEvent;
