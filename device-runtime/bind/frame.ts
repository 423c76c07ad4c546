import type { Measurement, OtherFrame } from '@loadline/sdk/driver';

/** One valid frame or line as one port delivered it. */
export interface Heard {
  /** The configured name of the port. */
  readonly port: string;
  /** Milliseconds of the monotonic clock when its last byte had arrived. */
  readonly at: number;
  readonly content: Measurement | OtherFrame;
}
