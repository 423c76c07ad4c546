import type { EventCode } from '@loadline/sdk/contract';
import { adviceOn, type Holder } from './holders.ts';

/** Something to be journalled and logged: an event without its time. */
export interface RadioEvent {
  readonly code: EventCode;
  /** The port's name. */
  readonly subject: string;
  readonly detail: string;
}

/** Longest detail of an event, and trouble of a ledger. */
const maxDetail = 300;
/** A plug with a loose contact comes and goes all day: so many events at once, then one in so many milliseconds. */
const burst = 60;
const refillMilliseconds = 60_000;

/** What a port has to complain of: each thing is said once as an event, and stays its `trouble` until it is over. */
export class Complaints {
  readonly #port: string;
  readonly #now: () => number;
  readonly #onEvent: (event: RadioEvent) => void;
  #held: string | undefined;
  #holderPids = '';
  #missing: string | undefined;
  #said = '';
  #allowance = burst;
  #allowedAt: number;
  #withheld = 0;

  /** @param now monotonic milliseconds */
  constructor(port: string, now: () => number, onEvent: (event: RadioEvent) => void) {
    this.#port = port;
    this.#now = now;
    this.#onEvent = onEvent;
    this.#allowedAt = now();
  }

  /** Why frames do not come, or not all of them. */
  get trouble(): string | undefined {
    return this.#held ?? this.#missing;
  }

  /** A device is open again; whether it is the right one is not known yet. */
  found(): void {
    if (this.#said.startsWith('wrong ')) return;
    this.#missing = undefined;
    this.#said = '';
  }

  /** The port is open, and its device is the right one. */
  opened(detail: string): void {
    this.#missing = undefined;
    this.#said = '';
    this.say('port-open', detail);
  }

  /** The device was there, and is gone: that nothing is at its path follows, and need not be said. */
  lost(reason: string): void {
    this.#missing = reason;
    this.#said = 'absent';
    // Whoever had that device open besides has not the next one.
    this.#held = undefined;
    this.#holderPids = '';
    this.say('port-lost', reason);
  }

  /** Nothing is at the path. */
  absent(reason: string): void {
    this.#once('absent', 'port-unavailable', reason);
  }

  /** A device is there, and cannot be opened. */
  unavailable(reason: string): void {
    this.#once(`unavailable ${reason}`, 'port-unavailable', reason);
  }

  /** A device is there, and it is another one. */
  wrongDevice(detail: string): void {
    this.#once(`wrong ${detail}`, 'port-wrong-device', detail);
  }

  /** Whoever has the port's device open besides; nobody any more, if there are none. */
  held(holders: readonly Holder[], path: string): void {
    this.#held =
      holders.length === 0 ? undefined : clipped(holders.map((each) => adviceOn(each, path)).join('; '));
    const pids = holders.map(({ pid }) => pid).join();
    if (pids === this.#holderPids) return;
    this.#holderPids = pids;
    if (this.#held === undefined) this.say('port-released', path);
    else this.say('port-held', this.#held);
  }

  say(code: EventCode, detail: string): void {
    const now = this.#now();
    const refill = Math.floor((now - this.#allowedAt) / refillMilliseconds);
    if (refill > 0) {
      this.#allowance = Math.min(burst, this.#allowance + refill);
      this.#allowedAt += refill * refillMilliseconds;
    }
    if (this.#allowance === 0) {
      this.#withheld++;
      return;
    }
    this.#allowance--;
    const more = this.#withheld === 0 ? '' : ` (and ${this.#withheld} events of this port before it)`;
    this.#withheld = 0;
    this.#onEvent({ code, subject: this.#port, detail: clipped(detail, more) });
  }

  #once(key: string, code: EventCode, detail: string): void {
    this.#missing = clipped(detail);
    if (this.#said === key) return;
    this.#said = key;
    this.say(code, detail);
  }
}

function clipped(text: string, more = ''): string {
  return text.slice(0, maxDetail - more.length) + more;
}
