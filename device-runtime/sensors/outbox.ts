import { type EventCode, limits } from '@loadline/sdk/contract';
import type { Entry, Reading } from '@loadline/sdk/telemetry';

const nothing: readonly Entry[] = Object.freeze([]);

/** Gathers what is to be journalled, in order, and counts it. */
export class Outbox {
  #entries: Entry[] = [];
  #readings = 0;
  #computed = 0;

  /** Frames given out as readings. */
  get readings(): number {
    return this.#readings;
  }

  /** Readings given out that are no frames. */
  get computed(): number {
    return this.#computed;
  }

  /** A frame, as it was heard. */
  heard(reading: Reading): void {
    this.#readings++;
    this.#entries.push(reading);
  }

  /** A reading that was worked out. */
  worked(reading: Reading): void {
    this.#computed++;
    this.#entries.push(reading);
  }

  event(now: number, code: EventCode, subject: string, detail: string): void {
    const fitting = clipped(detail, limits.eventDetailBytes);
    this.#entries.push({ kind: 'event', monotonic: Math.floor(now), code, subject, detail: fitting });
  }

  /** What was gathered since the last time. */
  empty(): readonly Entry[] {
    if (this.#entries.length === 0) return nothing;
    const entries = this.#entries;
    this.#entries = [];
    return entries;
  }
}

/** The beginning of a text, of at most so many bytes of UTF-8. */
function clipped(text: string, bytes: number): string {
  if (text.length * 3 <= bytes || Buffer.byteLength(text) <= bytes) return text;
  let end = text.length;
  // A character's code units stay together.
  while (Buffer.byteLength(text.slice(0, end)) > bytes - 3) end--;
  return `${text
    .slice(0, end)
    .toWellFormed()
    .replace(/\uFFFD$/, '')}…`;
}
