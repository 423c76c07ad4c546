import { randomUUID } from 'node:crypto';
import type { AccountedSession, Counts } from '../store/index.ts';
import type { Spending } from './spending.ts';
import type { Subject } from './subject.ts';

/** By which door a session came. */
export type Door = 'mqtt' | 'https' | 'tcp' | 'tls' | 'udp';

/** Why a session stopped (RFC 2866, section 5.10, in this cloud's words). */
export type StopCause =
  /** The other end said so, or closed its connection. */
  | 'client-closed'
  /** It was heard no more: the keepalive is over, or the connection broke. */
  | 'lost-carrier'
  /** What it was proven by, or the device, opens nothing any more. */
  | 'revoked'
  /** The same identity came again. */
  | 'taken-over'
  /** The cloud was stopped. */
  | 'drained'
  /** It did what the contract does not allow. */
  | 'refused'
  /** A quota of its connection is used up. */
  | 'quota'
  /** The cloud could not do its work. */
  | 'cloud-failed'
  /** The cloud ended without a word; found at its next start. */
  | 'cloud-lost'
  /** Nothing came for a while, where there is no connection to close. */
  | 'idle'
  /** The person logged out, or the session was ended. */
  | 'session-ended';

/** The session of somebody, from its start to its stop, and what is counted of it. The doors call it for each message. */
export class Account {
  readonly session: AccountedSession;
  readonly subject: Subject;
  readonly door: Door;
  /** Of what quotas are: of the device, and of its organisation. None for whom there are none. */
  readonly #spendings: readonly Spending[];
  readonly #end: (account: Account, cause: StopCause) => void;
  readonly #probes = new Set<() => void>();
  #messagesIn = 0;
  #messagesOut = 0;
  #readings = 0;
  #bytesIn = 0;
  #bytesOut = 0;
  #limited = 0;
  #ended = false;
  /** End of its last record, ms since 1970. */
  recorded: number;
  /** When the next interim record is due. */
  due: number;
  /** When it was last used, ms since 1970. */
  used: number;
  /** Until when its time is among what is spent. */
  timed: number;

  constructor(parts: {
    subject: Subject;
    door: Door;
    now: number;
    interimMilliseconds: number;
    spendings: readonly Spending[];
    end: (account: Account, cause: StopCause) => void;
  }) {
    const { subject, door, now } = parts;
    const { organisation, kind: subjectKind, id, credential } = subject;
    this.session = { session: randomUUID(), organisation, subjectKind, subject: id, credential, door };
    this.subject = subject;
    this.door = door;
    this.#spendings = parts.spendings;
    this.#end = parts.end;
    this.recorded = now;
    this.used = now;
    this.timed = now;
    this.due = now + parts.interimMilliseconds;
  }

  /** A message came, and was taken in; `bytes` of its payload. */
  received(bytes: number): void {
    this.#messagesIn += 1;
    this.#bytesIn += bytes;
    for (const spending of this.#spendings) {
      spending.messages += 1;
      spending.bytes += bytes;
    }
  }

  /** Readings came in it: those that are new, and those that are not. */
  readings(count: number): void {
    this.#readings += count;
    for (const spending of this.#spendings) spending.readings += count;
  }

  /** A message was sent; `bytes` of its payload. */
  sent(bytes: number): void {
    this.#messagesOut += 1;
    this.#bytesOut += bytes;
    for (const spending of this.#spendings) spending.bytes += bytes;
  }

  /** A request was answered; its bytes are said by `carried`. */
  answered(): void {
    this.#messagesOut += 1;
  }

  /** Bytes of a request that has been counted, or of its answer, that went since. */
  carried(bytesIn: number, bytesOut: number): void {
    this.#bytesIn += bytesIn;
    this.#bytesOut += bytesOut;
    for (const spending of this.#spendings) spending.bytes += bytesIn + bytesOut;
  }

  /** Something was put off, because a limit was reached. */
  limited(): void {
    this.#limited += 1;
  }

  /** Has `probe` called before a record is made: it says what has been carried by then. Ends by the function it returns. */
  watch(probe: () => void): () => void {
    this.#probes.add(probe);
    return () => this.#probes.delete(probe);
  }

  /** It has stopped. */
  end(cause: StopCause): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#end(this, cause);
  }

  /** Whether something is under way on it that lasts. */
  get isBusy(): boolean {
    return this.#probes.size > 0;
  }

  /** Adds its time up to then to what is spent; ms since 1970. */
  spend(until: number): void {
    if (until <= this.timed) return;
    for (const spending of this.#spendings) spending.milliseconds += until - this.timed;
    this.timed = until;
  }

  /** What came since it was last asked. */
  take(): Counts {
    for (const probe of this.#probes) probe();
    const counts = {
      messagesIn: this.#messagesIn,
      messagesOut: this.#messagesOut,
      readings: this.#readings,
      bytesIn: this.#bytesIn,
      bytesOut: this.#bytesOut,
      limited: this.#limited,
    };
    this.#messagesIn = 0;
    this.#messagesOut = 0;
    this.#readings = 0;
    this.#bytesIn = 0;
    this.#bytesOut = 0;
    this.#limited = 0;
    return counts;
  }

  /** Whether anything came since. */
  get hasNews(): boolean {
    return (
      this.#probes.size > 0 ||
      this.#messagesIn + this.#messagesOut + this.#readings + this.#limited + this.#bytesOut > 0
    );
  }
}
