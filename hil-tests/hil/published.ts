import { globSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isScenarioFile, type ScenarioFile, scenarioFile } from './load.ts';

/** The scenarios that come with Loadline, by name: sources in a checkout, JavaScript where it was installed. */
export function publishedScenarios(): ScenarioFile[] {
  const folder = fileURLToPath(new URL('../scenarios/', import.meta.url));
  return globSync('*.scenario.*', { cwd: folder })
    .filter((name) => isScenarioFile(name) && !name.endsWith('.d.ts'))
    .sort()
    .map((name) => scenarioFile(join(folder, name)));
}
