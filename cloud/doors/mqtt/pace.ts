import { type Limited, limitedDetail } from '../../limits/index.ts';
import type { Link } from './link.ts';

/** Milliseconds between two notices that a link is slowed: who is slowed all the time is told now and then. */
const noticeMilliseconds = 60_000;

/** The longest that one timer waits: a quota may be one of a month. */
const mostMilliseconds = 3_600_000;

/**
 * Slows a link where a limit is reached: it is told, nothing more of it is read, so that TCP pushes back, and what has
 * come waits here, in its order, until the limit lets it in. Nothing is dropped, and nothing of it acknowledged before.
 */
export class Pace {
  readonly #link: Link;
  /** What waits; each says what is in its way, or nothing where it was taken. */
  readonly #waiting: (() => Limited | undefined)[] = [];
  #timer: NodeJS.Timeout | undefined;
  #looks: NodeJS.Timeout | undefined;
  #toldAt: number | undefined;

  constructor(link: Link) {
    this.#link = link;
    link.connection.once('close', () => this.stop());
  }

  /** Has it taken at once, or, where something is in its way, when that is over, and after what came before it. */
  take(attempt: () => Limited | undefined): void {
    if (this.#waiting.length > 0) {
      this.#waiting.push(attempt);
      return;
    }
    const limited = attempt();
    if (limited === undefined) return;
    this.#waiting.push(attempt);
    this.#slow(limited);
  }

  /** Nothing that waits is taken any more. */
  stop(): void {
    clearTimeout(this.#timer);
    clearInterval(this.#looks);
    this.#waiting.length = 0;
  }

  #slow(limited: Limited): void {
    const now = performance.now();
    if (this.#toldAt === undefined || now - this.#toldAt >= noticeMilliseconds) {
      this.#toldAt = now;
      const slowed = 'the link is slowed until then: nothing of it is lost, and nothing has to be sent again';
      this.#link.notify(limited.code, `${limitedDetail(limited)}; ${slowed}`);
    }
    const everyMilliseconds = this.#link.slow();
    this.#looks ??= setInterval(() => this.#link.connection.tickSlowed(), everyMilliseconds).unref();
    this.#wait(limited);
  }

  #wait({ milliseconds }: Limited): void {
    this.#timer = setTimeout(() => this.#goOn(), Math.min(milliseconds, mostMilliseconds)).unref();
  }

  #goOn(): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      const limited = this.#link.ending ? undefined : next();
      if (limited !== undefined) {
        this.#wait(limited);
        return;
      }
      this.#waiting.shift();
    }
    clearInterval(this.#looks);
    this.#looks = undefined;
    this.#link.quicken();
  }
}
