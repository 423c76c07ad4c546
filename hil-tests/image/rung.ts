import { appendFileSync } from 'node:fs';
import { join } from 'node:path';

/** What became of one thing that a rung shows. */
export interface Shown {
  readonly what: string;
  readonly result: 'passed' | 'failed';
  readonly seconds: number;
  /** What was seen, in words; of what failed, why. */
  readonly seen: string;
}

/** A rung went no further: what it said is in its last line. */
export class RungEnded extends Error {
  override readonly name = 'RungEnded';
}

/**
 * One rung of the ladder on its way up: things shown one after the other, each on the one before it. The first that fails
 * ends it.
 */
export class Rung {
  readonly name: string;
  /** Where logs, disks and sockets of this run lie. */
  readonly folder: string;
  readonly shown: Shown[] = [];
  readonly #say: (line: string) => void;

  constructor(name: string, folder: string, say: (line: string) => void) {
    this.name = name;
    this.folder = folder;
    this.#say = say;
  }

  /** Path of an artefact of this run. */
  file(name: string): string {
    return join(this.folder, name);
  }

  /**
   * Shows one thing.
   *
   * @param work returns what it saw, in words
   * @throws RungEnded where it fails, which is told already
   */
  async show(what: string, work: () => Promise<string>): Promise<void> {
    const began = performance.now();
    const seconds = () => Math.round((performance.now() - began) / 100) / 10;
    try {
      const seen = await work();
      this.#keep({ what, result: 'passed', seconds: seconds(), seen });
    } catch (error) {
      const { message, stack = '' } = error instanceof Error ? error : new Error(String(error));
      this.note(stack);
      this.#keep({ what, result: 'failed', seconds: seconds(), seen: message });
      throw new RungEnded(message);
    }
  }

  /** Says that it failed between two things that it shows. */
  fail(error: Error): void {
    this.note(error.stack ?? '');
    this.#keep({ what: 'it comes to its end', result: 'failed', seconds: 0, seen: error.message });
  }

  /** Says something on the way, with its time. */
  note(line: string): void {
    appendFileSync(this.file('rung.log'), `${new Date().toISOString()} ${line}\n`);
  }

  #keep(shown: Shown): void {
    this.shown.push(shown);
    const { what, result, seconds, seen } = shown;
    const line = `  ${result === 'passed' ? '✓' : '✗'} ${what} (${seconds} s): ${seen}`;
    this.note(line.trim());
    this.#say(line);
  }
}
