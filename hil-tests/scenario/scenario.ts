import type { Ability } from './ability.ts';
import type { Bench } from './bench.ts';

/** Milliseconds that a scenario may take where it does not say. */
const usualTimeLimitMs = 90_000;

/** One step of a scenario: says in plain words what is done or seen, and does it. It is timed, logged and reported. */
export type Step = <T>(words: string, work: () => T | Promise<T>) => Promise<T>;

/** What a scenario is played with. */
export interface Stage {
  /** What is set up. */
  readonly given: Step;
  /** What is done. */
  readonly when: Step;
  /** What must be seen: `work` throws where it is not. */
  readonly then: Step;
  readonly bench: Bench;
  /** Whatever is drawn by lot is drawn from this. The same seed draws the same. */
  readonly seed: number;
  /**
   * A folder that is there, for recordings (`NAME.hex`) and logs of the scenario's own. It stays where the scenario fails; beside
   * what the bench and the runner leave in it.
   */
  readonly artefacts: string;
}

/** A situation in plain words, and how it is played. */
export interface Scenario {
  /** The situation, and what must come of it, in a sentence or two. */
  readonly about: string;
  /** What the bench must be able to do, for this to make sense. */
  readonly needs: readonly Ability[];
  /** Milliseconds after which it has failed, all in all. */
  readonly timeLimitMs: number;
  readonly play: (stage: Stage) => Promise<void>;
}

/** A scenario as it is written down. */
export type ScenarioText = Pick<Scenario, 'about' | 'play'> & {
  /** Default: nothing beyond `site`, which all need that do not need `console`. */
  readonly needs?: readonly Ability[];
  /** Default: 90 000. */
  readonly timeLimitMs?: number;
};

/**
 * A scenario: the default export of a file `NAME.scenario.ts`, played by `loadline hil`. The first step that throws
 * fails it.
 */
export function scenario(text: ScenarioText): Scenario {
  const { needs = [] } = text;
  const ground: readonly Ability[] = needs.includes('console') ? [] : ['site'];
  return { timeLimitMs: usualTimeLimitMs, ...text, needs: [...ground, ...needs] };
}
