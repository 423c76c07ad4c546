import { globSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Outcome, PlayedStep } from '../scenario/play.ts';

/** What stays of a scenario that failed: a folder of its own, with the logs, the recordings of the lines, and its steps. */
export class Artefacts {
  readonly folder: string;

  /** Begins with an empty folder. */
  constructor(folder: string) {
    this.folder = folder;
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
  }

  /** Leaves the steps there, as people read them. */
  writeSteps(about: string, steps: readonly PlayedStep[], outcome: Outcome): void {
    const lines = steps.map(
      ({ kind, words, seconds, problem }) =>
        `${seconds.toFixed(3).padStart(9)} s  ${problem === undefined ? '      ' : 'FAILED'}  ${kind} ${words}`,
    );
    const said = outcome.result === 'failed' ? ['', outcome.problem] : [];
    writeFileSync(join(this.folder, 'steps.log'), [about, '', ...lines, ...said, ''].join('\n'));
  }

  /** The lines that play its recordings again; of recordings in which nothing was heard, none. */
  replayLines(): string[] {
    return globSync('*.hex', { cwd: this.folder })
      .sort()
      .map((name) => join(this.folder, name))
      .filter((path) => statSync(path).size > 200)
      .map((path) => `loadline replay ${quoted(path)} --speed 1`);
  }

  /** Leaves nothing. */
  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** As a shell takes it for one word. */
function quoted(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
