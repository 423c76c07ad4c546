import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { discoverTests, type TestFile } from '../runner/discover.ts';

/** A situation that is played through on the shipped programs: one file of hil-tests/scenarios. */
export interface Scenario {
  readonly name: string;
  /** What it is about, in words: the first comment of its file. */
  readonly what: string;
  readonly file: TestFile;
}

/** All scenarios, by name. Throws where one does not say what it is about. */
export function findScenarios(root: string): Scenario[] {
  return discoverTests(root, ['hil-tests/scenarios/']).map((file) => {
    const source = readFileSync(join(root, file.path), 'utf8');
    const what = /^\/\/ (?!@)(.+)$/m.exec(source.slice(0, source.indexOf('\nimport')))?.[1];
    if (what === undefined) throw new Error(`${file.path} does not begin with a line of what it is about`);
    return { name: basename(file.path, '.test.ts'), what, file };
  });
}
