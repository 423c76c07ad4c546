import type { Worker } from 'node:worker_threads';
import type { Changed, ChangeWrite } from './change.ts';
import type { ExpireWrite, MergeWrite } from './chunks/writes.ts';
import type { DatabaseOptions } from './database.ts';
import type { CopyAnswer, CopyQuestion } from './page-copy.ts';
import { startThread } from './threads.ts';
import type { DeliveryWrite, Outcome, Write } from './writes.ts';

type Settle = (outcome: Outcome) => void;

/** What became of a write that could wait, and how long the writer was at it. */
export interface AsideAnswer {
  readonly kind: 'aside';
  readonly outcome: Outcome;
  readonly milliseconds: number;
}

/** What became of the writes of one transaction, and how long it took with its sync. */
export interface GroupAnswer {
  readonly kind: 'group';
  readonly outcomes: readonly Outcome[];
  readonly milliseconds: number;
}

/** How writing goes. */
export interface Writing {
  /** Writes whose outcome is not known yet. */
  readonly waiting: number;
  /** Milliseconds since the last outcome, while some are waited for. */
  readonly stalledMilliseconds: number;
  /** Why nothing can be written any more. */
  readonly failure: string | undefined;
}

/** The process's end of the writer thread. */
export class Writer {
  readonly #worker: Worker;
  readonly #waiting: Settle[] = [];
  readonly #copying: ((answer: CopyAnswer | undefined) => void)[] = [];
  readonly #aside: ((answer: AsideAnswer) => void)[] = [];
  #gathered: Write[] = [];
  #failure: string | undefined;
  #closing = false;
  /** When an outcome came last, or was first waited for; monotonic ms. */
  #movedAt = 0;
  #onGroup: (writes: number, milliseconds: number) => void = () => {};

  private constructor(worker: Worker, onFailure: (reason: string) => void) {
    this.#worker = worker;
    worker.on('message', (answer: GroupAnswer | CopyAnswer | AsideAnswer) => {
      if (answer.kind === 'aside') {
        this.#aside.shift()?.(answer);
        return;
      }
      if (answer.kind !== 'group') {
        this.#copying.shift()?.(answer);
        return;
      }
      const { outcomes, milliseconds } = answer;
      this.#movedAt = performance.now();
      this.#onGroup(outcomes.length, milliseconds);
      const settled = this.#waiting.splice(0, outcomes.length);
      for (const [index, settle] of settled.entries()) settle(outcomes[index] as Outcome);
    });
    const fail = (reason: string) => {
      const expected = this.#failure !== undefined || this.#closing;
      this.#failure ??= reason;
      for (const settle of this.#waiting.splice(0)) settle({ kind: 'failed', message: reason });
      for (const settle of this.#copying.splice(0)) settle(undefined);
      for (const settle of this.#aside.splice(0)) {
        settle({ kind: 'aside', outcome: { kind: 'failed', message: reason }, milliseconds: 0 });
      }
      if (!expected) onFailure(reason);
    };
    worker.on('error', (error) => fail(`the writer thread failed: ${error.message}`));
    worker.on('exit', () => fail('the writer thread has ended'));
  }

  /**
   * Opens the database for writing, brings its schema up to date, and starts the thread. `onFailure` is told
   * when the thread ends though nobody closed it: nothing can be written from then on.
   */
  static async open(options: DatabaseOptions, onFailure: (reason: string) => void): Promise<Writer> {
    return new Writer(await startThread('writer-thread', options), onFailure);
  }

  /**
   * Writes; `settle` is called once the write is on disk, synced, or has failed. Outcomes come in the order of
   * the writes.
   */
  write(write: Write, settle: Settle): void {
    if (this.#failure !== undefined || this.#closing) {
      settle({ kind: 'failed', message: this.#failure ?? 'the store is closing' });
      return;
    }
    // One message a turn of the loop carries all writes of that turn: a message costs more than a write.
    if (this.#gathered.length === 0) setImmediate(() => this.#post());
    if (this.#waiting.length === 0) this.#movedAt = performance.now();
    this.#gathered.push(write);
    this.#waiting.push(settle);
  }

  get writing(): Writing {
    const waiting = this.#waiting.length;
    const stalledMilliseconds = waiting === 0 ? 0 : performance.now() - this.#movedAt;
    return { waiting, stalledMilliseconds, failure: this.#failure };
  }

  /** Tells `listener` of each transaction: how many writes, and milliseconds with the sync. */
  onGroup(listener: (writes: number, milliseconds: number) => void): void {
    this.#onGroup = listener;
  }

  /** The same, for rare writes: rejects where nothing was written. */
  async done(write: Exclude<Write, DeliveryWrite | ChangeWrite>): Promise<number> {
    const outcome = await new Promise<Outcome>((resolve) => this.write(write, resolve));
    if (outcome.kind === 'done') return outcome.changed;
    throw new Error(outcome.kind === 'failed' ? outcome.message : `unexpected outcome ${outcome.kind}`);
  }

  /** Takes a change; rejects where the database fails at it, as when it is full. */
  async change(write: ChangeWrite): Promise<Changed> {
    const outcome = await new Promise<Outcome>((resolve) => this.write(write, resolve));
    if (outcome.kind === 'changed') return { done: true, rows: outcome.rows };
    if (outcome.kind === 'refused')
      return { done: false, step: outcome.step, constraint: outcome.constraint };
    throw new Error(outcome.kind === 'failed' ? outcome.message : `unexpected outcome ${outcome.kind}`);
  }

  /**
   * Writes what may wait, each in a transaction of its own: it goes when no other write is waiting, or has waited for as
   * long as it must (`writer-thread.ts`).
   */
  aside(write: MergeWrite | ExpireWrite): Promise<AsideAnswer> {
    if (this.#failure !== undefined || this.#closing) {
      const message = this.#failure ?? 'the store is closing';
      return Promise.resolve({ kind: 'aside', outcome: { kind: 'failed', message }, milliseconds: 0 });
    }
    return new Promise((resolve) => {
      this.#aside.push(resolve);
      this.#worker.postMessage({ aside: write });
    });
  }

  /** A question of who copies the database while it is written; see `PageCopy`. Rejects once nothing is written any more. */
  async copy(question: CopyQuestion): Promise<CopyAnswer> {
    const answer =
      this.#failure !== undefined || this.#closing
        ? undefined
        : await new Promise<CopyAnswer | undefined>((resolve) => {
            this.#copying.push(resolve);
            this.#worker.postMessage({ copy: question });
          });
    if (answer === undefined) throw new Error('the store is closing');
    return answer;
  }

  /** Writes what is under way, closes the database and ends the thread. */
  async close(): Promise<void> {
    if (this.#closing || this.#failure !== undefined) return;
    this.#post();
    this.#closing = true;
    const ended = new Promise((resolve) => this.#worker.once('exit', resolve));
    this.#worker.postMessage('close');
    await ended;
  }

  #post(): void {
    if (this.#gathered.length === 0) return;
    const group = this.#gathered;
    this.#gathered = [];
    this.#worker.postMessage(group);
  }
}
