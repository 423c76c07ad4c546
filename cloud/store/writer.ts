import type { Worker } from 'node:worker_threads';
import type { Changed, ChangeWrite } from './change.ts';
import type { DatabaseOptions } from './database.ts';
import type { CopyAnswer, CopyQuestion } from './page-copy.ts';
import { startThread } from './threads.ts';
import type { DeliveryWrite, Outcome, Write } from './writes.ts';

type Settle = (outcome: Outcome) => void;

/** The process's end of the writer thread. */
export class Writer {
  readonly #worker: Worker;
  readonly #waiting: Settle[] = [];
  readonly #copying: ((answer: CopyAnswer | undefined) => void)[] = [];
  #gathered: Write[] = [];
  #failure: string | undefined;
  #closing = false;

  private constructor(worker: Worker, onFailure: (reason: string) => void) {
    this.#worker = worker;
    worker.on('message', (outcomes: readonly Outcome[] | CopyAnswer) => {
      if ('kind' in outcomes) {
        this.#copying.shift()?.(outcomes);
        return;
      }
      const settled = this.#waiting.splice(0, outcomes.length);
      for (const [index, settle] of settled.entries()) settle(outcomes[index] as Outcome);
    });
    const fail = (reason: string) => {
      const expected = this.#failure !== undefined || this.#closing;
      this.#failure ??= reason;
      for (const settle of this.#waiting.splice(0)) settle({ kind: 'failed', message: reason });
      for (const settle of this.#copying.splice(0)) settle(undefined);
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
    this.#gathered.push(write);
    this.#waiting.push(settle);
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
