/** Of one kind, so many are said as they come in each minute. */
const saidAtOnce = 5;
const minute = 60_000;

interface Minute<T> {
  said: number;
  held: number;
  last: T | undefined;
  timer: NodeJS.Timeout | undefined;
}

/**
 * Bounds what others can cause again and again: past five of a kind within a minute, the rest is held, and said at the
 * minute's end as one, with how many there were. Nothing is held for longer, and no kind is silent for ever.
 */
export class Repeats<T> {
  readonly #minutes = new Map<string, Minute<T>>();
  readonly #say: (one: T, times: number) => void;
  readonly #milliseconds: number;

  /** @param say is told one, and how many of its kind it stands for: 1 where it is itself */
  constructor(say: (one: T, times: number) => void, milliseconds = minute) {
    this.#say = say;
    this.#milliseconds = milliseconds;
  }

  /** @param kind one of few: each is remembered for a minute */
  happened(kind: string, one: T): void {
    const now = this.#minutes.get(kind) ?? this.#begin(kind);
    if (now.said < saidAtOnce) {
      now.said++;
      this.#say(one, 1);
    } else {
      now.held++;
      now.last = one;
    }
  }

  /** Says what is held. */
  stop(): void {
    for (const kind of [...this.#minutes.keys()]) this.#end(kind);
  }

  #begin(kind: string): Minute<T> {
    const timer = setTimeout(() => this.#end(kind), this.#milliseconds).unref();
    const now: Minute<T> = { said: 0, held: 0, last: undefined, timer };
    this.#minutes.set(kind, now);
    return now;
  }

  #end(kind: string): void {
    const past = this.#minutes.get(kind);
    if (past === undefined) return;
    clearTimeout(past.timer);
    this.#minutes.delete(kind);
    if (past.held > 0) this.#say(past.last as T, past.held);
  }
}
