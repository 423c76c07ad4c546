import { type DesiredMessage, desiredMessage, limits, type ReportedMessage } from '@loadline/sdk/contract';
import type { Log } from '@loadline/sdk/platform';
import type { EventWords } from '@loadline/sdk/telemetry';
import {
  confirmed,
  type DesiredState,
  desiredState,
  excused,
  type Held,
  nothingDesired,
  type Problem,
  problemsOf,
  refused,
  reportedOf,
  rolledBack,
  said,
} from './desired-state.ts';
import { clip, Trickle } from './hostile.ts';
import { type KeptFile, reasonOf, StateFile } from './state-file.ts';
import { type After, after, Trial } from './trial.ts';

/** Milliseconds within which the cloud must have acknowledged something over the new configuration's link. */
const trialMilliseconds = 120_000;
/** Milliseconds to the next attempt at the old configuration, where even that cannot be applied. */
const retryMilliseconds = 10_000;

/** A configuration made of a document, or everything that is wrong with it. */
export type Check<Config> = { readonly config: Config } | { readonly problems: readonly Problem[] };

export interface DesiredOptions<Config> {
  /** `desired.json` in the state folder. */
  readonly file: KeptFile;
  /** The configuration as the gateway's own file says it. */
  readonly own: Config;
  /** Lays a document of the cloud over the own file, and validates the whole. */
  readonly check: (document: DesiredMessage['configuration']) => Check<Config>;
  /**
   * Switches the running gateway over. Resolves once the old link is closed and the new one is being made, not once it
   * stands; it is never called while an earlier call has not settled.
   */
  readonly apply: (config: Config) => Promise<void>;
  /** What `configuration()` says has changed and is to be reported, if there is a link. As `onEvent`, never throws. */
  readonly onChange: () => void;
  readonly onEvent: (event: EventWords) => void;
  readonly log: Log;
  /** Milliseconds of the monotonic clock. */
  readonly monotonic: () => number;
  readonly trialMilliseconds?: number;
  readonly retryMilliseconds?: number;
  /** Keeps the limit of a trial; by the clock of the machine unless a test says otherwise. */
  readonly after?: After;
}

/**
 * The configuration the cloud desires: validated whole, tried, and in force only once the cloud has been reached with
 * it; else the one before is in force again and that revision is not tried a second time.
 *
 * What is going on is on disk before it is done, so that whatever a power cut leaves is one of: the old
 * configuration, the new one, or a trial. A trial that the runtime did not survive gets one more start.
 */
export class DesiredConfiguration<Config> {
  readonly #options: DesiredOptions<Config>;
  readonly #file: StateFile<DesiredState>;
  #state: DesiredState = nothingDesired;
  /** What `#state.inForce` makes, or the own file. */
  #inForce: Config;
  #trial: Trial<Config> | undefined;
  /** The newest message that was not looked at yet. */
  #waiting: { readonly message: unknown } | undefined;
  readonly #refusals = new Trickle();
  readonly #after: After;
  /** One thing at a time. */
  #work: Promise<void> = Promise.resolve();
  #stopped = false;
  /** Ends the time in which it is not known whether the cloud can be reached with the configuration before a rolled back one. */
  #cancelDoubt: () => void = () => {};
  #endPause: () => void = () => {};

  constructor(options: DesiredOptions<Config>) {
    this.#options = options;
    this.#inForce = options.own;
    this.#after = options.after ?? after;
    const { file, log } = options;
    this.#file = new StateFile({
      file,
      log,
      name: 'desired.json',
      schema: desiredState,
      retryMilliseconds: options.retryMilliseconds,
    });
  }

  /** The configuration to start with, out of what is on disk. Whatever is there, there is one. */
  async open(): Promise<Config> {
    const found = await this.#file.read();
    if (typeof found === 'object') this.#state = found.state;
    const { inForce, trying } = this.#state;
    if (inForce !== null) {
      const checked = this.#check(inForce.configuration);
      if ('config' in checked) this.#inForce = checked.config;
      else this.#refuse({ ...this.#state, inForce: null }, inForce.revision, checked.problems);
      // A trial is not forgotten with it: its starts are counted.
      this.#state = { ...this.#state, trying };
    }
    if (trying === null) return this.#inForce;
    const reason = await this.#whyNotAgain(trying.starts);
    const checked = this.#check(trying.configuration);
    if ('config' in checked && reason === undefined) {
      this.#begin(trying, checked.config).applied = true;
      return checked.config;
    }
    if (reason === undefined && 'problems' in checked) {
      this.#refuse(this.#state, trying.revision, checked.problems);
    } else {
      this.#state = rolledBack(this.#state, trying.revision, reason ?? '');
      this.#sayRolledBack(trying.revision, reason ?? '');
    }
    await this.#file.keep(this.#state);
    return this.#inForce;
  }

  /** What came on the topic `desired`, as parsed from JSON. Of several that wait, the newest counts. Never throws. */
  received(message: unknown): void {
    if (this.#trial === undefined) this.#cancelDoubt();
    if (this.#waiting === undefined) this.#do(() => this.#next());
    this.#waiting = { message };
  }

  /** The cloud has acknowledged something over the present link. */
  confirmed(): void {
    const trial = this.#trial;
    if (trial?.applied && trial.decide()) this.#do(() => this.#confirm(trial));
    if (trial !== undefined) return;
    // In time: it was not the network that kept the cloud away from the one rolled back.
    this.#cancelDoubt();
    if (this.#state.again !== null) this.#do(() => this.#tryAgain());
  }

  /** What is in force and what became of the revision that came last, for `reported`. */
  configuration(): ReportedMessage['configuration'] {
    return reportedOf(this.#state);
  }

  /** Nothing is tried, confirmed or rolled back from here on; a trial goes on at the next start. */
  stop(): void {
    this.#stopped = true;
    this.#cancelDoubt();
    this.#trial?.decide();
    this.#file.stop();
    this.#endPause();
  }

  /** Looks at what waits, unless a trial goes on: then at its end. */
  async #next(): Promise<void> {
    if (this.#trial !== undefined || this.#waiting === undefined) return;
    const { message } = this.#waiting;
    this.#waiting = undefined;
    const parsed = desiredMessage.safeParse(message);
    if (parsed.success) return this.#desired(parsed.data);
    const problems = problemsOf(parsed.error);
    const named = desiredMessage.pick({ revision: true }).strip().safeParse(message);
    if (!named.success) {
      this.#trickle(() => this.#options.log.warn('desired-malformed', { reason: clip(said(problems), 300) }));
    } else if (named.data.revision !== this.#state.last?.revision) {
      this.#refuse(this.#state, named.data.revision, problems);
      await this.#settle(this.#state);
    }
  }

  async #desired({ revision, configuration }: DesiredMessage): Promise<void> {
    const { inForce, last, rolledBack: before } = this.#state;
    if (revision === last?.revision) return;
    if (revision === inForce?.revision) {
      if (last !== null) await this.#settle({ ...this.#state, last: null });
      return;
    }
    if (before.includes(revision)) {
      await this.#settle(rolledBack(this.#state, revision, 'it was rolled back before'));
      return;
    }
    const checked = this.#check(configuration);
    if ('problems' in checked) {
      this.#refuse(this.#state, revision, checked.problems);
      await this.#settle(this.#state);
      return;
    }
    await this.#try({ revision, configuration }, checked.config);
  }

  async #try(held: Held, config: Config): Promise<void> {
    const before = this.#state;
    this.#cancelDoubt();
    this.#state = { ...before, trying: { ...held, starts: 0 }, again: null };
    const fault = await this.#file.write(this.#state);
    if (fault !== undefined) {
      // Without a note of it, a configuration that ends the runtime would end it for ever.
      this.#refuse(before, held.revision, [{ key: '', message: `cannot be kept: ${fault}` }]);
      await this.#settle(this.#state);
      return;
    }
    const trial = this.#begin(held, config);
    try {
      await this.#options.apply(config);
      trial.applied = true;
    } catch (error) {
      // Past the limit, its end is on its way already.
      if (!trial.decide()) return;
      await this.#rollBack(trial, `it cannot be applied: ${reasonOf(error)}`);
    }
  }

  #begin(held: Held, config: Config): Trial<Config> {
    const limit = this.#options.trialMilliseconds ?? trialMilliseconds;
    const reason = `nothing was acknowledged by the cloud within ${Math.round(limit / 1000)} s`;
    const trial: Trial<Config> = new Trial(
      held,
      config,
      (late) => this.#after(limit, late),
      () =>
        this.#do(async () => {
          if (this.#state.triedAgain !== held.revision) this.#beginDoubt(held, limit);
          await this.#rollBack(trial, reason);
        }),
    );
    this.#trial = trial;
    this.#options.log.info('config-trying', { revision: held.revision });
    return trial;
  }

  async #confirm({ held, config }: Trial<Config>): Promise<void> {
    this.#inForce = config;
    this.#state = confirmed(this.#state);
    await this.#file.keep(this.#state);
    this.#trial = undefined;
    this.#event('config-applied', `revision ${held.revision}`);
    this.#options.onChange();
    await this.#next();
  }

  async #rollBack({ held }: Trial<Config>, reason: string): Promise<void> {
    if (this.#stopped) return;
    this.#state = rolledBack(this.#state, held.revision, reason);
    await this.#file.keep(this.#state);
    this.#sayRolledBack(held.revision, reason);
    while (!this.#stopped) {
      try {
        await this.#options.apply(this.#inForce);
        break;
      } catch (error) {
        this.#options.log.error('config-not-restored', { reason: clip(reasonOf(error), 300) });
        await this.#pause();
      }
    }
    this.#trial = undefined;
    this.#options.onChange();
    await this.#next();
  }

  /** Another limit for the configuration before: where that passes in vain too, the trial was no fair one. */
  #beginDoubt(held: Held, limit: number): void {
    this.#cancelDoubt();
    this.#cancelDoubt = this.#after(limit, () =>
      this.#do(async () => {
        if (this.#trial !== undefined || this.#state.last?.revision !== held.revision) return;
        await this.#settle(excused(this.#state, held));
        this.#sayRolledBack(held.revision, said(this.#state.last?.problems ?? []));
      }),
    );
  }

  async #tryAgain(): Promise<void> {
    const { again } = this.#state;
    if (again === null || this.#trial !== undefined) return;
    this.#state = { ...this.#state, again: null, triedAgain: again.revision };
    const checked = this.#check(again.configuration);
    if ('config' in checked) return this.#try(again, checked.config);
    this.#refuse(this.#state, again.revision, checked.problems);
    await this.#settle(this.#state);
  }

  async #settle(state: DesiredState): Promise<void> {
    this.#state = state;
    await this.#file.keep(this.#state);
    this.#options.onChange();
  }

  /** Why a trial found on disk is not tried again; undefined where it is, this start being counted on disk. */
  async #whyNotAgain(starts: number): Promise<string | undefined> {
    if (starts > 0) return 'the runtime ended twice before the cloud was reached with it';
    const { trying } = this.#state;
    this.#state = { ...this.#state, trying: trying && { ...trying, starts: starts + 1 } };
    const fault = await this.#file.write(this.#state);
    return fault && `the attempt cannot be counted: ${fault}`;
  }

  #check(document: DesiredMessage['configuration']): Check<Config> {
    try {
      return this.#options.check(document);
    } catch (error) {
      return { problems: [{ key: '', message: reasonOf(error) }] };
    }
  }

  #refuse(state: DesiredState, revision: string, problems: readonly Problem[]): void {
    this.#state = refused(state, revision, problems);
    this.#trickle(() => this.#event('config-refused', `revision ${revision}: ${said(problems)}`));
  }

  #sayRolledBack(revision: string, reason: string): void {
    this.#event('config-rolled-back', `revision ${revision}: ${reason}`);
  }

  #trickle(say: () => void): void {
    if (this.#refusals.pass(this.#options.monotonic())) say();
  }

  #event(code: EventWords['code'], detail: string): void {
    this.#options.onEvent({ code, subject: '', detail: clip(detail, limits.eventDetailBytes) });
  }

  #do(work: () => Promise<void>): void {
    this.#work = this.#work
      .then(() => (this.#stopped ? undefined : work()))
      .catch((error) => this.#options.log.error('desired-failed', { reason: clip(reasonOf(error), 300) }));
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, this.#options.retryMilliseconds ?? retryMilliseconds);
      this.#endPause = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
