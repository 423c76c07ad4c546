import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jsonLog } from '@loadline/sdk/platform';
import type { GatewayEvent } from '@loadline/sdk/telemetry';
import { DesiredConfiguration } from './desired.ts';
import { type KeptFile, keptFile } from './state-file.ts';
import type { After } from './trial.ts';

/** A configuration as these tests need it: a name. */
export interface Named {
  readonly name: string;
}

export const own: Named = { name: 'own' };

export function message(revision: string, name = revision) {
  return { version: 1, revision, configuration: { name } };
}

export interface TestDesiredOptions {
  readonly folder: string;
  readonly file?: KeptFile;
  readonly apply?: (config: Named) => Promise<void>;
  /** Keeps the limits; otherwise they pass when `late()` says so. */
  readonly after?: After;
}

export function temporaryFolder(): { readonly folder: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'loadline-downlink-'));
  return {
    folder,
    remove: () => rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 }),
  };
}

/** A gateway as far as it is configured, over a real file. Names that begin with `bad` are refused. */
export class TestDesired {
  readonly applied: string[] = [];
  readonly events: Pick<GatewayEvent, 'code' | 'detail'>[] = [];
  readonly logged: string[] = [];
  changes = 0;
  readonly desired: DesiredConfiguration<Named>;
  readonly #limits = new Set<() => void>();

  constructor({ folder, file, apply, after }: TestDesiredOptions) {
    this.desired = new DesiredConfiguration<Named>({
      file: file ?? keptFile(join(folder, 'desired.json')),
      own,
      check: ({ name }) =>
        typeof name === 'string' && !name.startsWith('bad')
          ? { config: { name } }
          : { problems: [{ key: 'name', message: 'must not begin with bad' }] },
      apply: async (config) => {
        await apply?.(config);
        this.applied.push(config.name);
      },
      onChange: () => {
        this.changes++;
      },
      onEvent: (event) => this.events.push(event),
      log: jsonLog((line) => this.logged.push(line), Date.now),
      monotonic: () => 0,
      retryMilliseconds: 10,
      after: after ?? ((_, late) => this.#limit(late)),
    });
  }

  /** Limits that run. */
  get limits(): number {
    return this.#limits.size;
  }

  /** Lets every limit pass that runs. */
  late(): void {
    const limits = [...this.#limits];
    this.#limits.clear();
    for (const late of limits) late();
  }

  #limit(late: () => void): () => void {
    this.#limits.add(late);
    return () => this.#limits.delete(late);
  }

  get codes(): string[] {
    return this.events.map(({ code }) => code);
  }
}

/** Polls until `condition`, 30 s at most. */
export async function until(condition: () => boolean, what = 'it'): Promise<void> {
  for (const limit = Date.now() + 30_000; !condition(); ) {
    if (Date.now() > limit) throw new Error(`waited 30 s in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
