import type { Value } from '../t24/index.ts';
import type { Quality } from '../telemetry/index.ts';

/** One value of one transmitter, as a driver found it in the bytes of its line. */
export interface Measurement {
  readonly kind: 'measurement';
  /** Base station address 1..16; 0 where the source has none. */
  readonly base: number;
  /** Data tag, 0..0xFFFF. */
  readonly tag: number;
  readonly value: Value;
  /** Flag bits as `packetFlags` of sdk/t24 has them. */
  readonly flags: number;
  /** Status byte as `statusBits` of sdk/t24 has it. */
  readonly status: number;
  readonly quality: Quality;
}

/** A valid frame that is no measurement: an answer to a command, or of an unknown type. */
export interface OtherFrame {
  readonly kind: 'other';
  /** Base station address; 0 where the source has none. */
  readonly base: number;
  /** The packet inside, for whoever waits for an answer. */
  readonly packet: Uint8Array;
}

/** What the bytes of a line turned out to be. Every byte is in exactly one of these (`bytes`), or still held. */
export type Decoded =
  | { readonly kind: 'frame'; readonly bytes: number; readonly content: Measurement | OtherFrame }
  /** `reason` is `paddingReason` for bytes that only fill up, and are no sign of noise. */
  | { readonly kind: 'discarded'; readonly bytes: number; readonly reason: string };

/** Reason of bytes that carry nothing by design, such as the zeros behind a frame in a HID report. */
export const paddingReason = 'padding';

/** Makes frames of the bytes of one opening of a port, however they are split. Pure: no clock, no port. */
export interface Decoder {
  /** Bytes that wait for the rest of their frame; bounded by the driver. */
  readonly held: number;
  /** What it failed at last, in words; the gateway sets this where it guards an integrator's decoder. */
  readonly failure?: string | undefined;
  /** Takes the next bytes, which may be reused afterwards; gives what they completed, in the order of the line. */
  push(chunk: Uint8Array): Decoded[];
  /** No byte has come for `stallMilliseconds` of sdk/t24: what was begun cannot be completed any more. */
  stalled(): Decoded[];
}

/** How sure it is that a driver works, and who says so. Shown at start and in `loadline doctor`. */
export type DriverSupport = 'supported' | 'by-manual' | 'untested';

/** Where the bytes come from. */
export type Transport =
  | { readonly kind: 'serial' }
  /** USB HID, reports of `reportBytes` bytes padded with zeros. */
  | {
      readonly kind: 'hid';
      readonly vendorId: number;
      readonly productId: number;
      readonly reportBytes: number;
    };

/**
 * What speaks on a port. The gateway brings some (`drivers` of this folder); an integrator adds his own as a module
 * whose default export is one (docs/drivers.md).
 */
export interface Driver {
  /** Lower case, digits and hyphens: what `ports[].driver` says. */
  readonly name: string;
  /** What it is for, in words. */
  readonly label: string;
  readonly support: DriverSupport;
  readonly transport: Transport;
  /**
   * A decoder for one opening.
   *
   * @param options the port's `[ports.options]`, as they stand in the file; refuse what is wrong by throwing an Error
   * that names the key
   */
  open(options: Readonly<Record<string, unknown>>): Decoder;
  /**
   * Bytes that carry a T24 packet to a base station. Left out where nothing can be sent; then no command is.
   *
   * @param base address of the base station, 1..16
   */
  encode?(base: number, packet: Uint8Array): Uint8Array;
}
