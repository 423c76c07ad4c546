import { basename, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { abilities, type Scenario } from '../scenario/index.ts';

/** A scenario in its file. */
export interface ScenarioFile {
  readonly path: string;
  /** The file's name without its ending. */
  readonly name: string;
}

/** What a timer takes at most, less what is added for closing. */
const longestMs = 2 ** 31 - 1 - 60_000;

const ending = /\.scenario\.(ts|mts|js|mjs)$/;

/** Whether a path is named as files of scenarios are. */
export function isScenarioFile(path: string): boolean {
  return ending.test(path);
}

export function scenarioFile(path: string): ScenarioFile {
  return { path: resolve(path), name: basename(path).replace(ending, '') };
}

/** Reads a scenario. @throws Error that says what is wrong with the file */
export async function loadScenario({ path }: ScenarioFile): Promise<Scenario> {
  const { default: found } = (await import(pathToFileURL(path).href)) as { default?: Partial<Scenario> };
  const { about, play, needs, timeLimitMs } = found ?? {};
  const isOne = typeof about === 'string' && typeof play === 'function' && Array.isArray(needs);
  if (!isOne || typeof timeLimitMs !== 'number') {
    throw new Error(
      `${path} has no scenario: its default export must be what scenario({ about, play }) makes`,
    );
  }
  if (!(timeLimitMs >= 1 && timeLimitMs <= longestMs)) {
    throw new Error(`${path}: timeLimitMs is ${timeLimitMs}; it must be milliseconds from 1 to ${longestMs}`);
  }
  const unknown = needs.find((ability) => !Object.hasOwn(abilities, ability));
  if (unknown !== undefined) {
    const known = Object.keys(abilities).join(', ');
    throw new Error(`${path} needs '${unknown}', which is no ability of a bench: ${known}`);
  }
  return { about, play, needs, timeLimitMs };
}
