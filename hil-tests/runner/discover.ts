import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A file of tests, or a scenario: where it is, relative to the workspace, and how long it may take. */
export interface TestFile {
  path: string;
  timeLimitMs: number;
  /** Whether it waits for real limits to run out, and so has a script of its own. */
  isLong: boolean;
}

/** Many times what files take: what syncs some hundred times takes a minute and more on a disk that needs 100 ms for it. */
const DEFAULT_TIME_LIMIT_MS = 180_000;

/** A scenario keeps its time limit itself; this is for leaving everything as it was, and for what is no use to wait for. */
const CLOSING_MS = 20_000;

/** `examples` is a project of its own, to be copied: it is played from the tarballs, by the test of packing. */
const SKIPPED_FOLDERS = new Set(['node_modules', 'dist', '.git', 'state', 'examples']);
const TIME_LIMIT = /^\/\/ @time-limit (.*)$/m;
const LONG = /^\/\/ @long$/m;

/** Whether a file is a scenario, which is played, and not run as it is. */
export function isScenario(path: string): boolean {
  return path.endsWith('.scenario.ts');
}

/**
 * Every `*.test.ts` and `*.scenario.ts` below `root` whose path contains one of `filters` (all of them without filters), sorted.
 * A file raises its time limit with a line of its own: `// @time-limit 300 s`; `// @long` takes it out of `npm test`.
 */
export function discoverTests(root: string, filters: readonly string[]): TestFile[] {
  const paths = globSync('**/*.{test,scenario}.ts', {
    cwd: root,
    exclude: (name) => SKIPPED_FOLDERS.has(name),
  });
  return paths
    .filter((path) => filters.length === 0 || filters.some((filter) => path.includes(filter)))
    .sort()
    .map((path) => {
      const source = readFileSync(join(root, path), 'utf8');
      return { path, timeLimitMs: timeLimitOf(path, source), isLong: LONG.test(source) };
    });
}

function timeLimitOf(path: string, source: string): number {
  const closing = isScenario(path) ? CLOSING_MS : 0;
  const limit = TIME_LIMIT.exec(source)?.[1];
  if (limit === undefined) return DEFAULT_TIME_LIMIT_MS + closing;
  const seconds = /^(\d+) s$/.exec(limit)?.[1];
  if (seconds === undefined)
    throw new Error(`${path}: '@time-limit ${limit}': write it as '@time-limit 300 s'`);
  return Number(seconds) * 1000 + closing;
}
