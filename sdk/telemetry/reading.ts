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

/** One value of one transmitter as one base station heard it. Device, name and unit come from configuration. */
export interface Reading {
  readonly kind: 'reading';
  /** The configured name of the serial port it came in by. */
  readonly port: string;
  /** Base station address 1..16; 0 where the source has none (GW1 ASCII). */
  readonly base: number;
  /** T24 data tag, 0..0xFFFF. */
  readonly tag: number;
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

/** What the journal numbers and a batch carries. */
export type Entry = Reading | Anchor;
