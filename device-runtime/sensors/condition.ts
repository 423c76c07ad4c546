import type { EventCode } from '@loadline/sdk/contract';

/** Says that something began or ended. */
export type Tell = (now: number, code: EventCode, detail: string) => void;
/** Words for an event, made only if it is told. */
export type Describe = () => string;

const unsaid: Describe = () => '';

/**
 * Something that holds or does not, told as events when it begins and when it ends; without a storm of them where it
 * comes and goes with every frame.
 *
 * The first change is told at once. After that nothing is told for `hold`; then, what holds is told if it is not what
 * was told last, and if it came and went unseen, that too, as one beginning and one end. So every beginning is
 * told sooner or later, and no more than two events come in one `hold`.
 */
export class Condition {
  readonly #begin: EventCode;
  readonly #end: EventCode | undefined;
  readonly #hold: number;
  readonly #tell: Tell;
  #active = false;
  #told = false;
  /** Beginnings that nobody was told of. */
  #missed = 0;
  #quietUntil = Number.NEGATIVE_INFINITY;
  #beginning = unsaid;
  #ending = unsaid;

  /**
   * @param begin told when it begins
   * @param end told when it ends; undefined where nobody asks
   * @param hold milliseconds
   */
  constructor(begin: EventCode, end: EventCode | undefined, hold: number, tell: Tell) {
    this.#begin = begin;
    this.#end = end;
    this.#hold = hold;
    this.#tell = tell;
  }

  get active(): boolean {
    return this.#active;
  }

  /** When `tick` has something to tell, in milliseconds of the monotonic clock; Infinity where it has not. */
  get due(): number {
    return this.#active !== this.#told || this.#missed > 0 ? this.#quietUntil : Number.POSITIVE_INFINITY;
  }

  begin(now: number, describe: Describe): void {
    if (this.#active) return;
    this.#active = true;
    // Ended and begun again before the end was told.
    if (this.#told) return;
    this.#beginning = describe;
    this.#missed++;
    this.tick(now);
  }

  end(now: number, describe: Describe): void {
    if (!this.#active) return;
    this.#active = false;
    this.#ending = describe;
    if (this.#end === undefined) this.#told = false;
    else this.tick(now);
  }

  tick(now: number): void {
    if (now >= this.due) this.flush(now);
  }

  /** Tells at once what would be told later: there may be no later. */
  flush(now: number): void {
    if (this.due === Number.POSITIVE_INFINITY) return;
    this.#quietUntil = now + this.#hold;
    if (!this.#told) {
      const often = this.#missed > 1 ? ` (${this.#missed} times of late)` : '';
      this.#tell(now, this.#begin, this.#beginning() + often);
      this.#told = this.#end !== undefined || this.#active;
    }
    this.#missed = 0;
    if (this.#told && !this.#active) {
      this.#told = false;
      if (this.#end !== undefined) this.#tell(now, this.#end, this.#ending());
    }
  }
}
