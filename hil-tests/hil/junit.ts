import { hostname } from 'node:os';
import { stripVTControlCharacters } from 'node:util';
import { create } from 'xmlbuilder';
import type { ScenarioResult } from './report.ts';

/** What stands in place of a character that XML cannot carry. */
const replacement = '\uFFFD';
/** How much of what a scenario printed goes into a report, in characters, from its end. */
const mostOutput = 100_000;

/** What a report says beside the scenarios themselves. */
export interface JUnitOptions {
  readonly bench: string;
  readonly seed: number;
  /** When the run began. */
  readonly at: Date;
}

/**
 * Results as JUnit XML, in the form of Jenkins' `junit-10.xsd`, which the readers of GitLab and GitHub take too: a test
 * suite for each scenario, a test case for each step.
 */
export function junitXml(results: readonly ScenarioResult[], { bench, seed, at }: JUnitOptions): string {
  const suites = results.map(casesOf);
  const sum = (of: (suite: Suite) => number) => suites.reduce((total, suite) => total + of(suite), 0);
  const root = create('testsuites', {
    version: '1.0',
    encoding: 'UTF-8',
    invalidCharReplacement: replacement,
  }).att({
    name: 'loadline hil',
    tests: sum(({ cases }) => cases.length),
    failures: sum(({ failures }) => failures),
    errors: 0,
    time: sum(({ result }) => result.seconds).toFixed(3),
  });
  for (const { result, cases, failures, skipped } of suites) {
    const suite = root.ele('testsuite', {
      name: wellFormed(result.name),
      tests: cases.length,
      failures,
      errors: 0,
      skipped,
      time: result.seconds.toFixed(3),
      timestamp: at.toISOString().slice(0, 19),
      hostname: hostname(),
    });
    const properties = suite.ele('properties');
    for (const [name, value] of [
      ['about', result.about],
      ['bench', bench],
      ['seed', String(seed)],
      ...(result.artefacts === undefined ? [] : [['artefacts', result.artefacts.folder]]),
    ] as const) {
      properties.ele('property', { name, value: wellFormed(String(value)) });
    }
    for (const { name, seconds, verdict } of cases) {
      const one = suite.ele('testcase', {
        name: wellFormed(name),
        classname: wellFormed(`hil.${result.name}`),
        time: seconds.toFixed(3),
      });
      if (verdict === undefined) continue;
      const { kind, text } = verdict;
      const [message = ''] = text.split('\n');
      if (kind === 'skipped') one.ele('skipped', { message: wellFormed(message) });
      else one.ele('failure', { type: 'failure', message: wellFormed(message) }).txt(wellFormed(text));
    }
    const words = [result.output.slice(-mostOutput), ...(result.artefacts?.replay ?? [])].join('\n');
    if (words.trim() !== '') suite.ele('system-out').txt(wellFormed(words));
  }
  return `${root.end({ pretty: true })}\n`;
}

interface Case {
  readonly name: string;
  readonly seconds: number;
  readonly verdict?: { readonly kind: 'failure' | 'skipped'; readonly text: string };
}

interface Suite {
  readonly result: ScenarioResult;
  readonly cases: readonly Case[];
  readonly failures: number;
  readonly skipped: number;
}

function casesOf(result: ScenarioResult): Suite {
  const { outcome, steps, name } = result;
  const cases: Case[] = steps.map(({ kind, words, seconds, problem }) => ({
    name: `${kind} ${words}`,
    seconds,
    ...(problem !== undefined && { verdict: { kind: 'failure' as const, text: problem } }),
  }));
  if (outcome.result === 'skipped') {
    cases.push({ name, seconds: 0, verdict: { kind: 'skipped', text: outcome.reason } });
  }
  // What went wrong outside of any step is one of its own, or it would show nowhere.
  if (outcome.result === 'failed' && !steps.some(({ problem }) => problem !== undefined)) {
    cases.push({ name, seconds: 0, verdict: { kind: 'failure', text: outcome.problem } });
  }
  const count = (kind: 'failure' | 'skipped') => cases.filter(({ verdict }) => verdict?.kind === kind).length;
  return { result, cases: toldApart(cases), failures: count('failure'), skipped: count('skipped') };
}

/** Steps of the same words by their turn: of two cases of one name GitLab takes the first, and hides that the other failed. */
function toldApart(cases: readonly Case[]): Case[] {
  const taken = new Set<string>();
  return cases.map((one) => {
    let name = one.name;
    for (let turn = 2; taken.has(name); turn++) name = `${one.name} (${turn})`;
    taken.add(name);
    return { ...one, name };
  });
}

/** Without colours, and without halves of characters, which XML cannot carry either. */
function wellFormed(text: string): string {
  return stripVTControlCharacters(text).toWellFormed();
}
