/**
 * How many bytes may be in flight, so that the link is full and nothing more: what is in flight beyond that only waits
 * in queues along the way, and every live reading behind it.
 *
 *     window = delivery rate x shortest round trip x gain
 *
 * after BBR (Cardwell et al., 2016), without its pacing. Both are measured on acknowledgements, which say that
 * the cloud has committed: so a slow cloud is a slow link. The window doubles every round trip until more of it
 * brings no more, because the rate measured is what the window let through.
 *
 * Bytes are weights (`entryWeight`), not bytes on the wire: both change by the same factor. Times are monotonic
 * milliseconds, given by whoever asks: nothing here has a clock. One connection, one window.
 */
export class LinkWindow {
  readonly #most: number;
  #delivered = 0;
  #deliveredAt = 0;
  #firstSentAt = 0;
  #flying = 0;
  /** Rates in bytes a millisecond, falling, each the highest since its time. */
  #rates: { readonly rate: number; readonly at: number }[] = [];
  #shortest: { readonly milliseconds: number; readonly at: number } | undefined;
  /** Whether the shortest round trip is being looked for: nothing may be in flight but what measures it. */
  #probing = true;

  /** @param most bytes the window may grow to */
  constructor(most: number) {
    this.#most = most;
  }

  /** Bytes that may be in flight now. */
  get bytes(): number {
    const [fastest] = this.#rates;
    if (fastest === undefined || this.#shortest === undefined) return Math.min(leastBytes, this.#most);
    const trip = Math.max(this.#shortest.milliseconds, tripFloor);
    return Math.round(Math.min(this.#most, Math.max(leastBytes, fastest.rate * trip * gain)));
  }

  /**
   * Bytes of it that a backlog may count with. At first, and now and then, that is nothing but one small batch with
   * nothing else in flight: behind a backlog of one's own, the shortest round trip cannot be seen.
   */
  get backlogBytes(): number {
    if (!this.#probing) return this.bytes;
    return this.#flying === 0 ? probeBytes : 0;
  }

  /** Shortest time between a publish and its acknowledgement of late; undefined before the first. */
  get roundTrip(): number | undefined {
    return this.#shortest?.milliseconds;
  }

  /** A batch was sent: what is to be handed in with its acknowledgement. */
  sent(bytes: number, now: number): SentBatch {
    const isProbe = this.#probing && this.#flying === 0;
    if (this.#flying === 0) {
      this.#firstSentAt = now;
      this.#deliveredAt = now;
    }
    this.#flying += bytes;
    return {
      bytes,
      at: now,
      delivered: this.#delivered,
      deliveredAt: this.#deliveredAt,
      firstSentAt: this.#firstSentAt,
      isProbe,
    };
  }

  /** Its acknowledgement came. */
  acknowledged(batch: SentBatch, now: number): void {
    this.#flying -= batch.bytes;
    this.#delivered += batch.bytes;
    this.#deliveredAt = now;
    this.#firstSentAt = batch.at;
    this.#measureTrip(now - batch.at, batch.isProbe, now);
    // Of the time it took to send and the time it took to be acknowledged, the longer: acknowledgements come in bursts.
    const took = Math.max(now - batch.deliveredAt, batch.at - batch.firstSentAt, 1);
    this.#measureRate((this.#delivered - batch.delivered) / took, now);
  }

  #measureTrip(milliseconds: number, isProbe: boolean, now: number): void {
    if (this.#shortest === undefined || milliseconds <= this.#shortest.milliseconds || isProbe) {
      this.#shortest = { milliseconds, at: now };
      this.#probing = false;
    } else if (now - this.#shortest.at > tripMilliseconds) {
      this.#probing = true;
    }
  }

  #measureRate(rate: number, now: number): void {
    const oldest = now - Math.max(rateMilliseconds, (this.#shortest?.milliseconds ?? 0) * rateTrips);
    this.#rates = this.#rates.filter((each) => each.rate > rate && each.at >= oldest);
    this.#rates.push({ rate, at: now });
  }
}

/** A batch in flight, and what had been delivered when it left. */
export interface SentBatch {
  readonly bytes: number;
  readonly at: number;
  readonly delivered: number;
  readonly deliveredAt: number;
  readonly firstSentAt: number;
  readonly isProbe: boolean;
}

/** Three quarters of the window are the backlog's (`schedule.ts`): twice what fits on the way. */
const gain = 8 / 3;
/** The least, and the window before anything is known: every entry fits into the quarter that live readings have. */
export const leastBytes = 8 * 1024;
/** Of this, a backlog makes a batch of 1.5 KiB: an entry fits, and a slow link hardly notices. */
const probeBytes = leastBytes / 2;
/** Milliseconds that a round trip counts for at least: the cloud gathers commits, and nobody sees this much. */
const tripFloor = 50;
/** Milliseconds after which the shortest round trip is looked for again: paths change. */
const tripMilliseconds = 10_000;
/** Milliseconds, and round trips, after which a delivery rate is forgotten. */
const rateMilliseconds = 2000;
const rateTrips = 10;
