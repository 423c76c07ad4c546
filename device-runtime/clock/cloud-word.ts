import { type ClockQuestion, clockAnswer, limits } from '@loadline/sdk/contract';
import { contradiction, type Word, wordAt, worth } from './word.ts';

/** How far the cloud's own clock may be off, in milliseconds. */
const cloudUncertainty = 500;
/** Questions a round: the answer with the shortest way is the best one. */
const questionsARound = 4;
/** Milliseconds after which a question counts as unanswered. */
const patience = 10_000;
/** Milliseconds between two rounds on one connection. */
const hour = 3_600_000;
/** Milliseconds to the first repeated round while nobody vouches for the time; each further wait is twice as long. */
const soon = 15_000;

/** What is wrong with an answer, or undefined where it was taken. */
export type AnswerFault = 'malformed' | 'unasked' | undefined;

/**
 * What the cloud says of the time: asked on each connection and then hourly, sooner while nobody vouches. The cloud
 * looked at its clock between the question and the answer, so half the round trip bounds the error of the middle.
 */
export class CloudWord {
  readonly #ask: (question: ClockQuestion) => void;
  #word: Word | undefined;
  #connected = false;
  /** The one question that is open: its monotonic time, as sent. */
  #open: number | undefined;
  #left = 0;
  #nextRound = 0;
  #wait = soon;

  constructor(ask: (question: ClockQuestion) => void) {
    this.#ask = ask;
  }

  get word(): Word | undefined {
    return this.#word;
  }

  /** There is a new connection: a round of questions begins. */
  connected(monotonic: number): void {
    this.#connected = true;
    this.#wait = soon;
    this.#beginRound(monotonic);
  }

  disconnected(): void {
    this.#connected = false;
    this.#open = undefined;
  }

  /** To be called every few seconds: gives up what is not answered, and asks again when it is time. */
  tick(monotonic: number, anybodyVouches: boolean): void {
    if (!this.#connected) return;
    if (this.#open !== undefined) {
      if (monotonic - this.#open < patience) return;
      this.#endRound(monotonic);
    }
    if (!anybodyVouches && this.#nextRound > monotonic + this.#wait) this.#nextRound = monotonic + this.#wait;
    if (monotonic < this.#nextRound) return;
    this.#wait = anybodyVouches ? soon : Math.min(hour, this.#wait * 2);
    this.#beginRound(monotonic);
  }

  /**
   * An answer of the cloud, as parsed from JSON. One that nobody asked for changes nothing: its question's time, and
   * so the round trip, would be the sender's invention.
   */
  answered(answer: unknown, monotonic: number): AnswerFault {
    const parsed = clockAnswer.safeParse(answer);
    if (!parsed.success || parsed.data.wall > limits.wallMilliseconds) return 'malformed';
    const { sent, wall } = parsed.data;
    if (sent !== this.#open) return 'unasked';
    this.#open = undefined;
    const roundTrip = Math.max(0, monotonic - sent);
    this.#take({
      monotonic,
      wall: wall + roundTrip / 2,
      // The cloud says whole milliseconds.
      uncertainty: roundTrip / 2 + cloudUncertainty + 1,
    });
    if (this.#left > 0) this.#askOne(monotonic);
    else this.#endRound(monotonic);
    return undefined;
  }

  /** The better of two words stays, unless they contradict each other: then the cloud has changed its mind. */
  #take(fresh: Word): void {
    const held = worth(this.#word, fresh.monotonic);
    if (held === undefined || contradiction(held, fresh) > 0 || fresh.uncertainty <= held.uncertainty) {
      this.#word = fresh;
    }
  }

  #beginRound(monotonic: number): void {
    this.#left = questionsARound;
    this.#nextRound = monotonic + hour;
    this.#askOne(monotonic);
  }

  #askOne(monotonic: number): void {
    this.#left--;
    // A whole number survives every JSON parser; rounded down, it only makes the round trip longer.
    this.#open = Math.floor(monotonic);
    this.#ask({ version: 1, sent: this.#open });
  }

  #endRound(monotonic: number): void {
    this.#open = undefined;
    this.#left = 0;
    this.#nextRound = monotonic + hour;
  }
}

/** What the word is worth now, for the floor: the time was surely past then. */
export function surelyPast(word: Word, monotonic: number): number {
  const now = wordAt(word, monotonic);
  return Math.floor(now.wall - now.uncertainty);
}
