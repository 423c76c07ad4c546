import { limits } from '../contract/index.ts';
import type { AckFrame, DataFrame } from './frame.ts';

/** A message on its way. */
export interface Waiting {
  readonly id: number;
  readonly bytes: Uint8Array;
}

interface UnderWay {
  readonly number: number;
  readonly isLast: boolean;
  readonly data: Uint8Array;
  /** Its latest transmission, and when that was. */
  transmission: number;
  at: number;
  isLost: boolean;
}

/** What an acknowledgement brought. */
export interface Acknowledged {
  /** Messages that have come whole, in order. */
  readonly ids: readonly number[];
  /** Milliseconds from a transmission to its acknowledgement, where it tells that. */
  readonly took: number | undefined;
}

/**
 * What goes in one session: messages cut into frames, frames under way, and those that are to be sent again. Nothing is
 * sent again on a guess: a line keeps its order, so a transmission is lost when a later one has come and it has not.
 */
export class Outbound {
  /** Messages of which something has not been sent yet; of the first, `#sent` bytes have. */
  readonly #waiting: Waiting[];
  #sent = 0;
  /** Frames that are not acknowledged, in the order of their numbers. */
  readonly #underWay = new Map<number, UnderWay>();
  /** Messages that were sent whole and are not acknowledged: the number after that of their last frame. */
  readonly #whole: { readonly id: number; readonly end: number; readonly bytes: number }[] = [];
  #number = 0;
  #transmission = 0;
  /** Frames may be sent below it. */
  #limit = 0;
  #ping: { readonly transmission: number; readonly at: number } | undefined;
  #bytes = 0;

  /** `waiting`: what was to be sent before there was a session. */
  constructor(waiting: readonly Waiting[]) {
    this.#waiting = [...waiting];
    for (const { bytes } of waiting) this.#bytes += bytes.length;
  }

  /** Bytes of messages that are not acknowledged, and how many they are. */
  get bytes(): number {
    return this.#bytes;
  }
  get count(): number {
    return this.#waiting.length + this.#whole.length;
  }

  /** Messages that are not acknowledged, in order. */
  get unacknowledged(): readonly number[] {
    return [...this.#whole, ...this.#waiting].map(({ id }) => id);
  }

  /** Whether frames are under way that are not acknowledged. */
  get isUnanswered(): boolean {
    return this.#underWay.size > 0;
  }

  /** Whether something waits until the other end lets more come. */
  get isHeldBack(): boolean {
    return this.#waiting.length > 0 && this.#number >= this.#limit;
  }

  push(message: Waiting): void {
    this.#waiting.push(message);
    this.#bytes += message.bytes.length;
  }

  /** The next frame of data to be sent; undefined where there is none, or none may be. */
  next(tag: number, now: number): DataFrame | undefined {
    const frame = this.#firstLost() ?? this.#cut();
    if (frame === undefined) return undefined;
    frame.transmission = ++this.#transmission;
    frame.at = now;
    frame.isLost = false;
    const { transmission, number, isLast, data } = frame;
    return { kind: 'data', tag, transmission, number, isLast, data };
  }

  /** The transmission of a ping that is sent now. */
  ping(now: number): number {
    const transmission = ++this.#transmission;
    // One at a time is timed: where each question overtook the answer to the one before it, none would ever be.
    this.#ping ??= { transmission, at: now };
    return transmission;
  }

  /** Takes an acknowledgement; undefined where it is of what was never sent. */
  acknowledge(ack: AckFrame, now: number): Acknowledged | undefined {
    if (ack.next > this.#number) return undefined;
    this.#limit = Math.max(this.#limit, ack.limit);
    const took = this.#took(ack.transmission, now);
    for (const frame of this.#underWay.values()) {
      if (hasCome(ack, frame.number)) this.#underWay.delete(frame.number);
      else if (frame.transmission <= ack.transmission) frame.isLost = true;
    }
    const ids: number[] = [];
    for (let first = this.#whole[0]; first !== undefined && first.end <= ack.next; first = this.#whole[0]) {
      this.#whole.shift();
      this.#bytes -= first.bytes;
      ids.push(first.id);
    }
    return { ids, took };
  }

  #took(transmission: number, now: number): number | undefined {
    const ping = this.#ping;
    if (ping !== undefined && ping.transmission <= transmission) {
      this.#ping = undefined;
      if (ping.transmission === transmission) return now - ping.at;
    }
    for (const frame of this.#underWay.values()) {
      if (frame.transmission === transmission) return now - frame.at;
    }
    return undefined;
  }

  #firstLost(): UnderWay | undefined {
    for (const frame of this.#underWay.values()) if (frame.isLost) return frame;
    return undefined;
  }

  /** Cuts the next frame off the first message that waits. */
  #cut(): UnderWay | undefined {
    const [message] = this.#waiting;
    if (message === undefined || this.#number >= this.#limit) return undefined;
    // Whatever the other end lets come, no more than a window is kept for being sent again.
    if (this.#underWay.size >= limits.linkWindowFrames) return undefined;
    const data = message.bytes.subarray(this.#sent, this.#sent + limits.linkFrameBytes);
    this.#sent += data.length;
    const isLast = this.#sent === message.bytes.length;
    const frame = { number: this.#number++, isLast, data, transmission: 0, at: 0, isLost: false };
    this.#underWay.set(frame.number, frame);
    if (isLast) {
      this.#waiting.shift();
      this.#whole.push({ id: message.id, end: this.#number, bytes: message.bytes.length });
      this.#sent = 0;
    }
    return frame;
  }
}

function hasCome({ next, selective }: AckFrame, number: number): boolean {
  if (number < next) return true;
  const bit = number - next - 1;
  return bit >= 0 && ((selective[bit >> 3] ?? 0) & (1 << (bit & 7))) !== 0;
}
