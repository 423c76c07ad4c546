import type { Gw1Line, Packet } from '@loadline/sdk/t24';

/** One valid frame or line as one port delivered it. */
export interface Heard {
  /** The configured name of the port. */
  readonly port: string;
  /** Milliseconds of the monotonic clock when its last byte had arrived. */
  readonly at: number;
  readonly content:
    | { readonly kind: 'packet'; readonly base: number; readonly packet: Packet }
    | { readonly kind: 'line'; readonly line: Gw1Line };
}
