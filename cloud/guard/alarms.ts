import type { BlockKind } from './entry.ts';
import type { HashedSubject } from './subject.ts';

/** What administrators are told when a block begins or goes on: what, from where, how often. Times in ms since 1970. */
export interface Alarm {
  readonly kind: BlockKind;
  /**
   * Whom the attempts were for, with the name as it was typed: show it only where there is such a one, since people
   * type passwords into name fields. Undefined where the alarm is about sources, or about too many subjects.
   */
  readonly subject?: HashedSubject & { readonly name: string };
  /** At most twenty of them. */
  readonly sources: readonly string[];
  /** Blocks that began or went on. */
  readonly blocks: number;
  readonly failures: number;
  /** Attempts that were turned away. */
  readonly refused: number;
  readonly first: number;
  readonly last: number;
  /** When the latest block ends; null where it takes an act. */
  readonly until: number | null;
}

const hour = 3_600_000;
const longestPauseMs = 24 * hour;
const sourcesTold = 20;
/** Subjects told of one by one; what comes while there are so many is told of as one. */
const subjectsTold = 256;

interface Told {
  /** Nothing is told before this time. */
  next: number;
  pauseMs: number;
  waiting?: Alarm;
}

/**
 * Tells at once of the first block of a subject, and of those that follow in one piece: after an hour, and while it
 * goes on after two, four … up to a day. All sources together are told of as one subject would be.
 */
export class Alarms {
  readonly #told = new Map<string, Told>();
  readonly #onAlarm: (alarm: Alarm) => void;

  constructor(onAlarm: (alarm: Alarm) => void) {
    this.#onAlarm = onAlarm;
  }

  add(alarm: Alarm, now: number): void {
    const own = alarm.subject ? `${alarm.subject.kind}:${alarm.subject.id}` : `all:${alarm.kind}`;
    const crowded = alarm.subject && this.#told.size >= subjectsTold && !this.#told.has(own);
    const key = crowded ? `all:${alarm.kind}` : own;
    const told = this.#told.get(key);
    if (told === undefined) {
      this.#told.set(key, { next: now + hour, pauseMs: hour });
      this.#onAlarm(crowded ? { ...alarm, subject: undefined } : alarm);
      return;
    }
    told.waiting = told.waiting
      ? joined(told.waiting, alarm)
      : { ...alarm, ...(crowded && { subject: undefined }) };
    this.tell(now);
  }

  /** Tells what has waited long enough. */
  tell(now: number): void {
    for (const [key, told] of this.#told) {
      if (told.next > now) continue;
      if (told.waiting) {
        told.pauseMs = Math.min(longestPauseMs, told.pauseMs * 2);
        told.next = now + told.pauseMs;
        this.#onAlarm(told.waiting);
        told.waiting = undefined;
      } else if (told.next + told.pauseMs <= now) {
        this.#told.delete(key);
      }
    }
  }
}

function joined(earlier: Alarm, later: Alarm): Alarm {
  return {
    ...later,
    subject: earlier.subject && later.subject,
    sources: [...new Set([...earlier.sources, ...later.sources])].slice(0, sourcesTold),
    blocks: earlier.blocks + later.blocks,
    failures: earlier.failures + later.failures,
    refused: earlier.refused + later.refused,
    first: Math.min(earlier.first, later.first),
  };
}
