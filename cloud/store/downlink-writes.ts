import type { ResultMessage } from '@loadline/sdk/contract';

/** What a device says came of a command; rejected where it was never given that command. */
export interface ResultWrite {
  readonly kind: 'result';
  readonly device: number;
  readonly result: ResultMessage;
  readonly at: number;
  /** The message as it came. */
  readonly payload: Uint8Array;
}
