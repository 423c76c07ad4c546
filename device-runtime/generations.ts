import { join } from 'node:path';
import { type ClockAnswer, clockAnswer } from '@loadline/sdk/contract';
import type { Log } from '@loadline/sdk/platform';
import * as z from 'zod';
import { keptFile, StateFile } from './downlink/index.ts';

type Generation = NonNullable<ClockAnswer['generation']>;

const kept = z.strictObject({
  version: z.literal(1),
  id: z.string().regex(/^[0-9a-f]{32}$/),
  counter: z.number().int().nonnegative(),
});

export interface GenerationsOptions {
  /** The state folder; what was seen last is kept in `generation.json` in it. */
  readonly state: string;
  readonly log: Log;
  /** Told in words when the cloud is of another generation than it was: it was restored from a backup. */
  readonly onRestored: (detail: string) => void;
}

/**
 * Which generation of the fleet the cloud was of, when it answered last. A restored copy of its database is of another
 * one, and has lost what it had acknowledged since its backup. That cannot be sent again: what is acknowledged, the
 * journal forgets, and in a good network it never was on disk. So it is said, and the ledger shows which numbers it is.
 */
export class Generations {
  readonly #options: GenerationsOptions;
  readonly #file: StateFile<z.infer<typeof kept>>;
  #seen: Generation | undefined;

  constructor(options: GenerationsOptions) {
    this.#options = options;
    const file = keptFile(join(options.state, 'generation.json'));
    this.#file = new StateFile({ file, name: 'generation.json', schema: kept, log: options.log });
  }

  /** To be called before anything is received. */
  async open(): Promise<void> {
    const found = await this.#file.read();
    if (typeof found === 'object') this.#seen = { id: found.state.id, counter: found.state.counter };
  }

  /** An answer of the cloud to the question for the time, as text. One that says no generation changes nothing. */
  answered(text: string): void {
    const said = generationIn(text);
    if (said === undefined || said.id === this.#seen?.id) return;
    const before = this.#seen;
    this.#seen = said;
    if (before !== undefined) {
      this.#options.onRestored(`generation ${said.counter} of the cloud, after ${before.counter}`);
    }
    // Last: a cut in between has it noticed twice, and never not at all.
    void this.#file.keep({ version: 1, ...said });
  }

  /** No further attempts to keep what was seen. */
  stop(): void {
    this.#file.stop();
  }
}

function generationIn(text: string): Generation | undefined {
  try {
    return clockAnswer.safeParse(JSON.parse(text)).data?.generation;
  } catch {
    return undefined;
  }
}
