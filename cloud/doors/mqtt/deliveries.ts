import { limits } from '@loadline/sdk/contract';
import type { Log } from '@loadline/sdk/platform';
import type { Limited } from '../../limits/index.ts';
import type { Delivery, Receipt, Router } from '../../router/index.ts';
import type { Link } from './link.ts';
import { Pace } from './pace.ts';

/** A publish that has come and is not acknowledged yet. */
interface Pending {
  /** Milliseconds, monotonic; undefined while it waits for its turn by a limit. */
  since: number | undefined;
  readonly bytes: number;
  /** Set once it is settled: tells the broker. */
  acknowledge?: () => void;
}

/** What becomes of a delivery, where its sender may hear more of it than that it is settled. */
export type Heard = Extract<Receipt, { kind: 'answered' | 'rejected' }>;

export interface DeliveryParts {
  readonly link: Link;
  readonly router: Pick<Router, 'deliver'>;
  readonly log: Log;
  /** Milliseconds, monotonic. */
  readonly monotonic: () => number;
  /** Who delivers, as the log names him. */
  readonly who: { readonly gateway: string } | { readonly device: string };
  /** What proves him. */
  readonly proof: 'certificate' | 'key';
}

/**
 * What a link has published that is not committed yet. Each is acknowledged when it is settled and all before it are;
 * what waits is bounded in bytes and in time.
 */
export class Deliveries {
  readonly #parts: DeliveryParts;
  readonly #heard: (heard: Heard, settle: () => void) => void;
  /** In the order they came, in which they must be acknowledged too (MQTT 3.1.1, section 4.6). */
  readonly #pending: Pending[] = [];
  #pendingBytes = 0;
  #held = false;
  #draining = false;
  readonly #pace: Pace;

  /** `heard` calls `settle`, at once or when the other end has been told: the PUBACK waits for that. */
  constructor(parts: DeliveryParts, heard: (heard: Heard, settle: () => void) => void) {
    this.#parts = parts;
    this.#pace = new Pace(parts.link);
    this.#heard = heard;
  }

  /** Hands one in; `done` is called once it is settled, unless the link is ending. */
  take(delivery: Delivery, done: () => void): void {
    const pending = this.#began(delivery.body.length);
    this.#pace.take(() => this.#hand(delivery, pending, done));
  }

  /** Hands it to the router; what is in its way where it is to be handed in again later, and comes before any other then. */
  #hand(delivery: Delivery, pending: Pending, done: () => void): Limited | undefined {
    const { link, router, monotonic } = this.#parts;
    let limited: Limited | undefined;
    pending.since = monotonic();
    router.deliver(delivery, (receipt) => {
      if (link.ending) return;
      switch (receipt.kind) {
        case 'answered':
        case 'rejected':
          this.#heard(receipt, () => this.#settled(pending, done));
          return;
        case 'committed':
          this.#settled(pending, done);
          return;
        case 'limited':
          // Said at once, or never: a limit stands before everything that takes its time.
          pending.since = undefined;
          limited = receipt;
          return;
        case 'forbidden':
          this.#forbid(delivery, receipt.code);
          return;
        case 'failed':
          this.#parts.log.error('delivery-not-committed', { ...this.#parts.who, reason: receipt.message });
          link.end('internal', 'the delivery could not be committed and was not acknowledged');
      }
    });
    return limited;
  }

  /** Whether something that was read is not committed yet, or its PUBACK has not left. */
  get isSettling(): boolean {
    return this.#pending.some(({ since }) => since !== undefined);
  }

  /** Reads nothing more, for good. */
  drain(): void {
    this.#draining = true;
    this.#pace.stop();
    this.#parts.link.connection.hold();
  }

  /** Ends the link where a publish has waited for its commit for too long: a broker that waits answers no pings. */
  endIfOverdue(): void {
    const { link, log, monotonic, who } = this.#parts;
    const oldest = this.#pending[0];
    if (oldest?.since === undefined || monotonic() - oldest.since <= limits.commitMilliseconds) return;
    log.error('commit-overdue', who);
    link.end('commit-timeout', 'the cloud could not commit in time; connect again and resend');
  }

  #forbid({ channel, device }: Delivery, code: Extract<Receipt, { kind: 'forbidden' }>['code']): void {
    const { link, log, who, proof } = this.#parts;
    log.warn('delivery-forbidden', { ...who, channel, of: device, code });
    if (code === 'device-disabled') link.end(code, 'the device is switched off');
    // The same for every other device: who is there is not for this one to know.
    else link.end('topic-forbidden', `this ${proof} may not publish here`);
  }

  /** A publish has come; past limits.mqttPendingBytes nothing more is read until some are committed. */
  #began(bytes: number): Pending {
    const pending: Pending = { since: this.#parts.monotonic(), bytes };
    this.#pending.push(pending);
    this.#pendingBytes += bytes;
    if (this.#pendingBytes > limits.mqttPendingBytes && !this.#held) {
      this.#held = true;
      this.#parts.link.connection.hold();
    }
    return pending;
  }

  /** A publish is settled: `acknowledge` is called once all before it are settled too, unless the link is ending. */
  #settled(pending: Pending, acknowledge: () => void): void {
    pending.acknowledge = acknowledge;
    for (let oldest = this.#pending[0]; oldest?.acknowledge !== undefined; oldest = this.#pending[0]) {
      this.#pending.shift();
      this.#pendingBytes -= oldest.bytes;
      if (!this.#parts.link.ending) oldest.acknowledge();
    }
    if (this.#held && this.#pendingBytes <= limits.mqttPendingBytes / 2) {
      this.#held = false;
      if (!this.#draining) this.#parts.link.connection.release();
    }
  }
}
