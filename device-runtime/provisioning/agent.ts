import type { News, NewsName } from '@loadline/sdk/provisioning';
import type { JudgedAt } from '@loadline/sdk/trust';
import type { Board } from './board.ts';
import type { Listening } from './listening.ts';
import type { SiteStore } from './store.ts';
import { Talk } from './talk.ts';
import type { Trial } from './trial.ts';
import { Attempts } from './voucher.ts';

/** The gateway as it works on what is in force, as far as provisioning touches it. */
export interface Work {
  /** Readings that the cloud does not have; 0 where nothing is in force. */
  undelivered(): Promise<number>;
  /** Begins on what is in force; resolves whether or not that works out: a trial tells. */
  start(): Promise<void>;
  /** Ends in order: nothing of what is in force is touched any more. */
  stop(): Promise<void>;
  readonly trial: Trial;
}

export interface AgentOptions {
  readonly store: SiteStore;
  readonly board: Board;
  /** The authorities that this gateway was built to trust, PEM. */
  readonly makerPem: string;
  readonly work: Work;
  readonly listening: Pick<Listening, 'begin' | 'suspend' | 'resume'>;
  /** What is known of the time. */
  readonly time: () => JudgedAt;
  /** Milliseconds that never step. */
  readonly monotonic: () => number;
  /** It is done: the mode may end. */
  readonly onClose: () => void;
  /** A step that is to be found in the log: no secret is in it. */
  readonly onStep: (step: string, detail: Readonly<Record<string, string | number>>) => void;
}

/** Resolves when the tool has it, or never will. */
export type Tell = <N extends NewsName>(name: N, body: News<N>) => Promise<void>;

/** Answers the questions of tools: one disk, one thing at a time, however many lines there are. */
export class Agent {
  readonly #options: AgentOptions;
  readonly #attempts: Attempts;
  /** What changes something, one after the other. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: AgentOptions) {
    this.#options = options;
    this.#attempts = new Attempts(options.monotonic);
  }

  /** What is said over one link from one hello to the next. @param tell what it is told unasked */
  converse(tell: Tell): Talk {
    return new Talk(this.#options, this.#attempts, tell, (work) => {
      const done = this.#turn.then(work);
      this.#turn = done.catch(() => {});
      return done;
    });
  }
}
