import { limits } from '../contract/index.ts';
import { linkError } from './errors.ts';
import type { Completed } from './inbound.ts';
import { decodeMessage } from './message.ts';
import type { Session } from './standing.ts';

/** What the owner takes, in the order in which it happened at the other end. */
export type Taken =
  | { readonly kind: 'message'; readonly message: unknown }
  /** A session began: all that comes after it is of this session, and nothing of an earlier one comes any more. */
  | { readonly kind: 'session'; readonly session: Session }
  /** The other end closed its link. */
  | { readonly kind: 'ended' }
  /** A message came that is none: the other end does not keep to limits or to CBOR. */
  | { readonly kind: 'unreadable'; readonly error: Error };

type Milestone = Extract<Taken, { kind: 'session' | 'ended' }>;

/** What came and was not taken yet. It outlives sessions: what was acknowledged is given out. */
export class Inbox {
  readonly #entries: (Completed | Milestone)[] = [];
  #bytes = 0;

  /** Bytes of messages in it. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether no more should come for now. */
  get isFull(): boolean {
    const most = limits.linkWindowFrames;
    return this.#entries.length >= most || this.#bytes >= most * limits.linkFrameBytes;
  }

  put(completed: Completed): void {
    this.#entries.push(completed);
    if (completed.kind === 'message') this.#bytes += completed.bytes.length;
  }

  /** Puts what happened behind the messages before it. Sessions that brought nothing leave no trace: they cost no memory. */
  note(milestone: Milestone): void {
    while (['session', 'ended'].includes(this.#entries.at(-1)?.kind ?? '')) this.#entries.pop();
    this.#entries.push(milestone);
  }

  /** The first of it. */
  take(): Taken | undefined {
    const entry = this.#entries.shift();
    switch (entry?.kind) {
      case 'message':
        this.#bytes -= entry.bytes.length;
        try {
          return { kind: 'message', message: decodeMessage(entry.bytes) };
        } catch (error) {
          return { kind: 'unreadable', error: error as Error };
        }
      case 'tooLong': {
        const says = `a message came of more than ${limits.linkMessageBytes} bytes`;
        return {
          kind: 'unreadable',
          error: linkError('link-message-refused', says, 'have the other end send less at a time'),
        };
      }
      default:
        return entry;
    }
  }
}
