import type { HealthMessage } from '@loadline/sdk/contract';
import { countersOf } from './health.ts';

export interface HealthReporterOptions {
  /** The account as it is now. */
  readonly compose: () => HealthMessage;
  /** Resolves to whether the cloud has it. */
  readonly publish: (message: HealthMessage) => Promise<boolean>;
  /** Milliseconds between two messages. */
  readonly interval: number;
  /** Milliseconds without a change after which things count as quiet; 0 sends nothing for being quiet. */
  readonly afterQuiet: number;
}

/**
 * Sends the account at an interval, and besides, where that is asked for, as soon as things have gone quiet:
 * everything acknowledged, and counters that the cloud has not been told. So the last word after the last frame is
 * never long in coming.
 */
export class HealthReporter {
  readonly #options: HealthReporterOptions;
  #interval: NodeJS.Timeout | undefined;
  #quietTimer: NodeJS.Timeout | undefined;
  #sent = '';
  #sending: Promise<void> | undefined;

  constructor(options: HealthReporterOptions) {
    this.#options = options;
  }

  start(): void {
    this.#interval = setInterval(() => void this.report(), this.#options.interval);
  }

  stop(): void {
    clearInterval(this.#interval);
    clearTimeout(this.#quietTimer);
    this.#quietTimer = undefined;
  }

  /** Something was counted. */
  changed(): void {
    if (this.#options.afterQuiet === 0) return;
    if (this.#quietTimer !== undefined) this.#quietTimer.refresh();
    else this.#quietTimer = setTimeout(() => this.#quiet(), this.#options.afterQuiet);
  }

  /** Sends the account as it is now, unless the last message is still unanswered. */
  report(): Promise<void> {
    this.#sending ??= this.#send().finally(() => {
      this.#sending = undefined;
    });
    return this.#sending;
  }

  /** The last word: sends the account as it is now, behind a message that is still unanswered. */
  async finish(): Promise<void> {
    this.stop();
    await this.#sending;
    await this.report();
    this.stop();
  }

  async #send(): Promise<void> {
    const message = this.#options.compose();
    const counters = countersOf(message);
    if (!(await this.#options.publish(message))) return;
    this.#sent = counters;
    // What was counted meanwhile found the way taken.
    if (countersOf(this.#options.compose()) !== counters) this.changed();
  }

  #quiet(): void {
    this.#quietTimer = undefined;
    const message = this.#options.compose();
    // Unacknowledged entries end in an acknowledgement, and that is a change again.
    if (message.journal.held === 0 && countersOf(message) !== this.#sent) void this.report();
  }
}
