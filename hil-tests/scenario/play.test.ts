import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Ability, Bench, Stage } from './index.ts';
import { problemOf as inWords, type Outcome, type PlayedStep, playScenario } from './play.ts';
import { type ScenarioText, scenario } from './scenario.ts';

const test = suite('a scenario that is played');

/** A bench that can do nothing but be closed. */
class BareBench implements Bench {
  readonly label = 'bare';
  closed = 0;
  readonly #lacking: Ability | undefined;
  readonly #closing: () => Promise<void>;

  constructor(lacking?: Ability, closing = async () => {}) {
    this.#lacking = lacking;
    this.#closing = closing;
  }

  lacks(ability: Ability): string | undefined {
    return ability === this.#lacking ? 'it is bare' : undefined;
  }

  console(): Promise<never> {
    return Promise.reject(new Error('a bare bench has no console'));
  }

  site(): Promise<never> {
    return Promise.reject(new Error('a bare bench has no site'));
  }

  async close(): Promise<void> {
    this.closed += 1;
    await this.#closing();
  }
}

async function played(
  text: Omit<ScenarioText, 'about'>,
  bench = new BareBench(),
): Promise<{ outcome: Outcome; steps: PlayedStep[] }> {
  const steps: PlayedStep[] = [];
  const outcome = await playScenario(scenario({ about: 'what it is about', ...text }), {
    bench,
    seed: 7,
    artefacts: 'where-it-leaves-things',
    audience: { begun: () => {}, played: (step) => steps.push(step), decided: () => {} },
  });
  assert.is(bench.closed, 1, 'the bench is closed, whatever happens');
  return { outcome, steps };
}

const problemOf = (outcome: Outcome) => (outcome.result === 'failed' ? outcome.problem : outcome.result);
const words = (steps: readonly PlayedStep[]) =>
  steps.map(({ kind, words, problem }) => `${kind} ${words}${problem === undefined ? '' : ' FAILED'}`);

test('is told step by step, hands on what steps make, and has passed at its end', async () => {
  const { outcome, steps } = await played({
    async play({ given, when, then, seed, artefacts }: Stage) {
      const one = await given('a number', () => seed);
      const two = await when('it is doubled', async () => 2 * one);
      await then('it is 14', () => assert.is(two, 14));
      assert.is(artefacts, 'where-it-leaves-things');
    },
  });
  assert.is(outcome.result, 'passed');
  assert.equal(words(steps), ['given a number', 'when it is doubled', 'then it is 14']);
});

test('has failed with the first step that throws, and says which', async () => {
  const { outcome, steps } = await played({
    async play({ when, then }) {
      await when('something is done', () => {});
      await then('it is seen', () => {
        throw new Error('it is not');
      });
      await then('more is seen', () => {});
    },
  });
  assert.match(problemOf(outcome), /^then it is seen: Error: it is not/);
  assert.equal(words(steps), ['when something is done', 'then it is seen FAILED']);
});

test('has failed also where it goes on after a step that failed', async () => {
  const { outcome } = await played({
    async play({ then }) {
      await then('one', () => Promise.reject(new Error('wrong'))).catch(() => {});
      await then('two', () => {});
    },
  });
  assert.match(problemOf(outcome), 'then one: Error: wrong');
});

test('has failed at its time limit, and says what was under way', async () => {
  const { outcome, steps } = await played({
    timeLimitMs: 30,
    async play({ when }) {
      await when('nothing comes', () => new Promise(() => {}));
    },
  });
  assert.is(problemOf(outcome), 'when nothing comes: not done within its time limit of 0.03 s');
  assert.equal(words(steps), ['when nothing comes FAILED']);
});

test('has failed where it throws between two steps, forgets a step, or says of nothing what must be seen', async () => {
  const thrown = await played({ play: () => Promise.reject(new Error('astray')) });
  assert.match(problemOf(thrown.outcome), 'between two steps: Error: astray');
  const forgotten = await played({
    async play({ when, then }) {
      void when('it is forgotten', () => new Promise(() => {}));
      await then('it is seen', () => {});
    },
  });
  assert.is(problemOf(forgotten.outcome), 'a step was not awaited: when it is forgotten');
  const blind = await played({
    async play({ when }) {
      await when('something is done', () => {});
    },
  });
  assert.match(problemOf(blind.outcome), 'no step "then"');
});

test('says of what cannot even be read what is wrong with it, and then where', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'loadline-play-'));
  writeFileSync(join(folder, 'broken.ts'), 'export default {{{');
  const error = await import(join(folder, 'broken.ts')).catch((thrown) => thrown);
  rmSync(folder, { recursive: true });
  assert.match(error.stack, /^\S+broken.ts:\d+\n/, 'Node says the place first');
  assert.is(inWords(error), `SyntaxError: ${error.message}\n${error.stack}`);
});

test('is skipped, with ability and reason, on a bench that lacks one, and nothing of it is played', async () => {
  let isPlayed = false;
  const { outcome } = await played(
    {
      needs: ['unplug', 'line-speed'],
      async play() {
        isPlayed = true;
      },
    },
    new BareBench('line-speed'),
  );
  assert.equal(outcome, { result: 'skipped', reason: 'needs line-speed: it is bare' });
  assert.is(isPlayed, false);
});

test('has failed where its end is not in order, such as with a secret in a log', async () => {
  const bench = new BareBench(undefined, () => Promise.reject(new Error('its log holds a password')));
  const { outcome } = await played(
    {
      async play({ then }) {
        await then('it is seen', () => {});
      },
    },
    bench,
  );
  assert.match(problemOf(outcome), 'after the last step: Error: its log holds a password');
});

test.run();
