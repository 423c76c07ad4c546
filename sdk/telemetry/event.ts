import { type EventCode, limits } from '../contract/index.ts';
import type { GatewayEvent } from './reading.ts';

/** What happened, as whoever noticed it says it. */
export interface EventWords {
  readonly code: EventCode;
  /** What it is about: a port's name, a tag as four hex digits, empty for the gateway itself. */
  readonly subject: string;
  /** What happened, in words, with figures and units. */
  readonly detail: string;
}

/** An event that fits a batch: subject and detail are cut, at a whole character, where they are too long. */
export function gatewayEvent(monotonic: number, { code, subject, detail }: EventWords): GatewayEvent {
  return {
    kind: 'event',
    monotonic: Math.floor(monotonic),
    code,
    subject: clip(subject, limits.eventSubjectBytes),
    detail: clip(detail, limits.eventDetailBytes),
  };
}

/** The first of a text that take no more than `bytes` of UTF-8. */
function clip(text: string, bytes: number): string {
  // Half a surrogate pair has no UTF-8 of its own, and would not come out as it went in.
  const sound = text.toWellFormed();
  if (Buffer.byteLength(sound) <= bytes) return sound;
  let used = 0;
  let clipped = '';
  for (const character of sound) {
    used += Buffer.byteLength(character);
    if (used > bytes) break;
    clipped += character;
  }
  return clipped;
}
