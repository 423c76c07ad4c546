import type { BlockKind } from './entry.ts';
import { Pauses } from './pauses.ts';
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

const sourcesTold = 20;
/** Subjects told of one by one; what comes while there are so many is told of as one. */
const subjectsTold = 256;

/** Tells of the blocks of a subject, with pauses that grow. All sources together are told of as one subject would be. */
export class Alarms {
  readonly #pauses: Pauses<Alarm>;

  constructor(onAlarm: (alarm: Alarm) => void) {
    this.#pauses = new Pauses({ onTold: onAlarm, join: joined });
  }

  add(alarm: Alarm, now: number): void {
    const own = alarm.subject ? `${alarm.subject.kind}:${alarm.subject.id}` : `all:${alarm.kind}`;
    const crowded = alarm.subject && this.#pauses.size >= subjectsTold && !this.#pauses.has(own);
    if (crowded) this.#pauses.add(`all:${alarm.kind}`, { ...alarm, subject: undefined }, now);
    else this.#pauses.add(own, alarm, now);
  }

  /** Tells what has waited long enough. */
  tell(now: number): void {
    this.#pauses.tell(now);
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
