import type { Candidate } from './candidates.ts';

/** What an opening has to say. */
export interface OpeningEvents {
  /** Bytes of the line; they may be reused afterwards. */
  onBytes(chunk: Uint8Array): void;
  /** It is closed, exactly once, whoever closed it; nothing follows. */
  onEnd(reason: string): void;
}

/**
 * One opening of one device. What is sent belongs to it: a later opening of the same port is another object, so
 * nothing that was written to this one can ever leave by that one.
 */
export interface Opening {
  /** Resolves when the bytes have left the machine; rejects where they cannot any more. */
  send(bytes: Uint8Array): Promise<void>;
  /** Closes the device; `reason` is what `onEnd` then says, unless it is ending already. */
  close(reason: string): void;
}

/** Opens a device; rejects with an Error that says why it cannot be. */
export type Opener = (candidate: Candidate, events: OpeningEvents) => Promise<Opening>;
