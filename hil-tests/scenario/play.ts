import { inspect } from 'node:util';
import type { Bench } from './bench.ts';
import type { Scenario, Step } from './scenario.ts';

/** What a step says of the situation: set up, done, to be seen. */
export type StepKind = 'given' | 'when' | 'then';

/** A step that has been played. */
export interface PlayedStep {
  readonly kind: StepKind;
  readonly words: string;
  readonly seconds: number;
  /** What was wrong, with where it was; undefined of a step that passed. */
  readonly problem?: string;
}

/** What became of a scenario. */
export type Outcome =
  | { readonly result: 'passed' }
  | { readonly result: 'skipped'; readonly reason: string }
  | { readonly result: 'failed'; readonly problem: string };

/** Hears of a scenario as it is played. */
export interface Audience {
  begun(kind: StepKind, words: string): void;
  played(step: PlayedStep): void;
  /** It is decided what became of it; what was going on meanwhile is being ended. */
  decided(): void;
}

export interface PlayOptions {
  readonly bench: Bench;
  readonly seed: number;
  /** A folder for what it leaves. */
  readonly artefacts: string;
  readonly audience: Audience;
}

/**
 * Plays a scenario on a bench, and closes the bench. The first step that throws ends it; so does its time limit, which
 * names the step that was under way.
 */
export async function playScenario(scenario: Scenario, options: PlayOptions): Promise<Outcome> {
  const { bench, seed, artefacts, audience } = options;
  for (const ability of scenario.needs) {
    const reason = bench.lacks(ability);
    if (reason !== undefined) {
      await bench.close();
      return { result: 'skipped', reason: `needs ${ability}: ${reason}` };
    }
  }
  const steps = new Steps(audience);
  const outcome = await inTime(scenario, steps, () =>
    scenario.play({
      given: steps.of('given'),
      when: steps.of('when'),
      // biome-ignore lint/suspicious/noThenProperty: the word scenarios are written in; a stage is never awaited.
      then: steps.of('then'),
      bench,
      seed,
      artefacts,
    }),
  );
  audience.decided();
  try {
    await bench.close();
  } catch (error) {
    // What failed first is what there is to know.
    if (outcome.result === 'failed') return outcome;
    return { result: 'failed', problem: `after the last step: ${problemOf(error)}` };
  }
  return outcome;
}

async function inTime({ timeLimitMs }: Scenario, steps: Steps, play: () => Promise<void>): Promise<Outcome> {
  const { promise: late, resolve } = Promise.withResolvers<'late'>();
  const timer = setTimeout(() => resolve('late'), timeLimitMs);
  try {
    const first = await Promise.race([play(), late]);
    if (first === 'late') {
      const problem = `not done within its time limit of ${timeLimitMs / 1000} s`;
      return { result: 'failed', problem: steps.cutShort(problem) };
    }
    // A step that failed has failed, also where the scenario went on.
    if (steps.failure !== undefined) return { result: 'failed', problem: steps.failure };
    if (steps.unfinished !== undefined) {
      return { result: 'failed', problem: `a step was not awaited: ${steps.unfinished}` };
    }
    if (steps.seen === 0)
      return { result: 'failed', problem: 'it says of nothing what must be seen: it has no step "then"' };
    return { result: 'passed' };
  } catch (error) {
    return { result: 'failed', problem: steps.failure ?? `between two steps: ${problemOf(error)}` };
  } finally {
    clearTimeout(timer);
  }
}

interface UnderWay {
  readonly kind: StepKind;
  readonly words: string;
  readonly since: number;
}

/** The steps of one scenario, as they come. */
class Steps {
  readonly #audience: Audience;
  readonly #underWay = new Set<UnderWay>();
  #failure: string | undefined;
  #seen = 0;
  #isOver = false;

  constructor(audience: Audience) {
    this.#audience = audience;
  }

  /** What failed, where a step did. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /** How many steps `then` have passed. */
  get seen(): number {
    return this.#seen;
  }

  /** A step that has begun and not ended. */
  get unfinished(): string | undefined {
    const [step] = this.#underWay;
    return step && `${step.kind} ${step.words}`;
  }

  of(kind: StepKind): Step {
    return async (words, work) => {
      const step: UnderWay = { kind, words, since: performance.now() };
      this.#underWay.add(step);
      this.#audience.begun(kind, words);
      try {
        const made = await work();
        this.#end(step);
        if (kind === 'then') this.#seen += 1;
        return made;
      } catch (error) {
        this.#failure ??= `${kind} ${words}: ${problemOf(error)}`;
        this.#end(step, problemOf(error));
        throw error;
      }
    };
  }

  /** Ends what is under way with this problem; the problem, with the step's words. */
  cutShort(problem: string): string {
    const where = this.unfinished;
    for (const step of this.#underWay) this.#end(step, problem);
    this.#isOver = true;
    return where === undefined ? `${problem}, between two steps` : `${where}: ${problem}`;
  }

  #end(step: UnderWay, problem?: string): void {
    if (!this.#underWay.delete(step) || this.#isOver) return;
    const { kind, words, since } = step;
    const seconds = (performance.now() - since) / 1000;
    this.#audience.played({ kind, words, seconds, ...(problem !== undefined && { problem }) });
  }
}

/** What was thrown, and where from. Its first line says what: of a syntax error Node puts the place there. */
export function problemOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error === 'string' ? error : inspect(error);
  const { stack = '', message, name } = error;
  const [place = ''] = stack.split('\n');
  const isSaidFirst = stack.includes(message) && !/^\S+:\d+$/.test(place);
  return isSaidFirst ? stack : `${name}: ${message}\n${stack}`;
}
