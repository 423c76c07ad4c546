import type { Log } from '@loadline/sdk/platform';
import * as z from 'zod';
import { keptFile, StateFile } from '../downlink/index.ts';

const ending = z.discriminatedUnion('state', [
  z.object({ state: z.literal('rolled-back'), detail: z.string() }),
  z.object({ state: z.literal('refused'), code: z.string(), detail: z.string() }),
]);

const memory = z.object({
  version: z.literal(1),
  /** Offers that came to nothing, the newest last. */
  ended: z.array(z.object({ id: z.uuid(), how: ending })),
  /** What is tried next, or now, and what it has shown for itself. */
  trial: z
    .object({
      id: z.uuid(),
      /** Whether the run before it heard frames, so that it has to. */
      expectsFrames: z.boolean(),
      proof: z.object({ acknowledged: z.boolean(), heard: z.boolean() }),
    })
    .nullable(),
  /** The offer of the release that was confirmed last. */
  confirmed: z.uuid().nullable(),
  /** The offer that was tried once more since the network was away. Releases before this one do not know it. */
  triedAgain: z.uuid().nullable().default(null),
});

/** What outlives a run of the gateway of its updates. Releases older and newer than the one that wrote it read it. */
export type Memory = Omit<z.infer<typeof memory>, 'version'>;

const nothing: Memory = { ended: [], trial: null, confirmed: null, triedAgain: null };

/** That on disk. */
export class UpdateMemory {
  readonly #file: StateFile<z.infer<typeof memory>>;
  #memory: Memory = nothing;

  constructor(path: string, log: Log) {
    this.#file = new StateFile({ file: keptFile(path), name: 'updates.json', schema: memory, log });
  }

  get value(): Memory {
    return this.#memory;
  }

  /** What is on disk; nothing, where that is broken. */
  async open(): Promise<Memory> {
    const read = await this.#file.read();
    if (typeof read === 'object') this.#memory = read.state;
    return this.#memory;
  }

  /** Resolves once it is on disk, or with the reason why it is not; it is tried again then. */
  async change(changed: Partial<Memory>): Promise<string | undefined> {
    this.#memory = { ...this.#memory, ...changed };
    const state = { version: 1 as const, ...this.#memory };
    const fault = await this.#file.write(state);
    if (fault !== undefined) void this.#file.keep(state);
    return fault;
  }

  stop(): void {
    this.#file.stop();
  }
}
