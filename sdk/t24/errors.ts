/**
 * Why something cannot be put on the wire. Only encoders throw: what comes off the wire is never an error,
 * it is a `discarded` or a `malformed` value.
 *
 * - `base-address`: not a whole number 1..16
 * - `packet-length`: the packet is empty, or longer than the format allows
 * - `field-range`: a field does not fit its bytes
 * - `value-type`: the value is not of the data type that the packet names
 * - `broadcast-pause`: see `isBroadcastPause`
 * - `line`: a field of a GW1 line cannot be written as the format wants it
 */
export type T24ErrorCode =
  | 'base-address'
  | 'packet-length'
  | 'field-range'
  | 'value-type'
  | 'broadcast-pause'
  | 'line';

/** The one error of this room. */
export class T24Error extends Error {
  override readonly name = 'T24Error';
  readonly code: T24ErrorCode;

  constructor(code: T24ErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
