import type { Value } from './value.ts';

/** Data with its type, as data providers, writes and some ACKs carry it. */
export interface TypedData {
  /** Raw byte: the type in bits 2..0 (`dataTypes`), a display hint above them. */
  readonly dataType: number;
  readonly value: Value;
  /**
   * Strings only, and only where the wire does not end the text with exactly one NUL: the bytes from the first
   * NUL on (padding), or none at all if there is no NUL. Kept so that a packet can be rebuilt bit for bit.
   */
  readonly afterText?: Uint8Array;
}

/** How the base station heard a packet: raw bytes, see quality.ts for dB and percent. */
export interface Heard {
  readonly rssi: number;
  readonly cv: number;
}

/**
 * - `empty`: no byte
 * - `length`: no packet of this type, or with data of this type, has this length
 * - `dataType`: the undocumented data type 7
 */
export type MalformedReason = 'empty' | 'length' | 'dataType';

/** Bits 7..5 of the first byte, raw (`packetFlags`). */
interface Flagged {
  readonly flags: number;
}

/** A value that a transmitter broadcast. The tag (0..0xFFFF) is its only key. */
export type DataProviderPacket = Flagged &
  TypedData &
  Heard & { readonly kind: 'dataProvider'; readonly tag: number; readonly status: number };

/** One T24 packet. IDs are 24 bits; numbers of commands and parameters are in commands.ts. */
export type Packet =
  | DataProviderPacket
  | (Flagged & { readonly kind: 'read'; readonly to: number; readonly command: number })
  | (Flagged & TypedData & { readonly kind: 'write'; readonly to: number; readonly command: number })
  | (Flagged & Heard & { readonly kind: 'ack'; readonly from: number; readonly data?: TypedData })
  | (Flagged & Heard & { readonly kind: 'nak' | 'timeout' | 'dataInvalid'; readonly from: number })
  | (Flagged & {
      readonly kind: 'pairRequest';
      readonly tag: number;
      readonly direction: number;
      readonly config: number;
      readonly duration?: number;
    })
  | (Flagged & Heard & { readonly kind: 'pairResponse'; readonly from: number; readonly tag: number })
  /** `type` is bits 4..0 of the first byte, `bytes` everything after it. */
  | (Flagged & { readonly kind: 'unknown'; readonly type: number; readonly bytes: Uint8Array })
  /** A known type whose bytes do not fit it. `packet` is the whole of it, as it came. */
  | { readonly kind: 'malformed'; readonly packet: Uint8Array; readonly reason: MalformedReason };
