import {
  existsSync,
  globSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { readTimes } from '../rig/index.ts';
import type { Outcome, PlayedStep } from '../scenario/play.ts';

/** The file by which a folder is known to be of a scenario: it is there from the beginning. */
const stepsFile = 'steps.log';

/** What stays of a scenario that failed: a folder of its own, with the logs, the recordings of the lines, and its steps. */
export class Artefacts {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** Whether nothing of anybody else's is there, which is not to be removed. */
  static mayBegin(folder: string): boolean {
    const stats = statSync(folder, { throwIfNoEntry: false });
    if (stats === undefined) return true;
    if (!stats.isDirectory()) return false;
    return existsSync(join(folder, stepsFile)) || readdirSync(folder).length === 0;
  }

  /** Begins anew: what an earlier playing left is removed. Throws where the folder is somebody else's. */
  static begin(folder: string): Artefacts {
    if (!Artefacts.mayBegin(folder)) {
      throw new Error(
        `${folder} is there, and no scenario left it: it would be removed; name another folder`,
      );
    }
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, stepsFile), 'it did not come to an end\n');
    return new Artefacts(folder);
  }

  /** What a process that played left there. */
  static at(folder: string): Artefacts {
    mkdirSync(folder, { recursive: true });
    return new Artefacts(folder);
  }

  /** Leaves the steps there, as people read them. */
  writeSteps(about: string, steps: readonly PlayedStep[], outcome: Outcome): void {
    const lines = steps.map(
      ({ kind, words, seconds, problem }) =>
        `${seconds.toFixed(3).padStart(9)} s  ${problem === undefined ? '      ' : 'FAILED'}  ${kind} ${words}`,
    );
    const said = outcome.result === 'failed' ? ['', outcome.problem] : [];
    writeFileSync(join(this.folder, stepsFile), [about, '', ...lines, ...said, ''].join('\n'));
  }

  /** Leaves nothing. */
  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** The commands that play what the lines of a scenario carried; of lines that carried nothing, none. */
export function replayLines(folder: string): string[] {
  return globSync('*.hex', { cwd: folder })
    .sort()
    .map((name) => join(folder, name))
    .filter((path) => readTimes(readFileSync(path, 'latin1')) !== undefined)
    .map((path) => `loadline replay ${quoted(path)} --speed 1`);
}

/** As a shell takes it for one word. */
function quoted(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
