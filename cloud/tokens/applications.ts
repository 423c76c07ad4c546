import { randomUUID } from 'node:crypto';
import { type Result, refused } from '../people/index.ts';
import { pageOfKept } from '../people/page-of-kept.ts';
import type { Directory } from '../router/index.ts';
import { type ApplicationRow, type Store, step } from '../store/index.ts';
import { isReached, json, reachesFurther } from './gifts.ts';
import { type Maker, tooMuch } from './maker.ts';

const noSuchApplication = () => refused('not-found', 'there is no such application');

/**
 * The applications of organisations: programs that follow devices. They are nobody's own: who makes one leaves it to
 * the organisation, and whoever reaches all of its devices sees it.
 */
export class Applications {
  readonly #store: Store;
  readonly #directory: Directory;
  readonly #now: () => number;

  /** `now`: ms since 1970. */
  constructor(parts: { store: Store; directory: Directory; now: () => number }) {
    this.#store = parts.store;
    this.#directory = parts.directory;
    this.#now = parts.now;
  }

  /** A page of the applications that somebody may see, in the order they were made. */
  list(
    { standing }: Maker,
    page: { readonly after: { created: number; id: string } | undefined; readonly limit: number },
  ): Promise<{ readonly items: ApplicationRow[]; readonly more: boolean }> {
    return pageOfKept(
      (row: ApplicationRow | undefined, limit) => {
        const { created: afterCreated, id: afterId } = row ?? page.after ?? { created: -1, id: '' };
        const { id: organisation } = standing.organisation;
        return this.#store.read('applications', { organisation, afterCreated, afterId, limit });
      },
      ({ devices }) => isReached(standing, devices, this.#directory),
      page.limit,
    );
  }

  async application({ standing }: Maker, id: string): Promise<ApplicationRow | undefined> {
    const row = await this.#store.read('application', { organisation: standing.organisation.id, id });
    return row && isReached(standing, row.devices, this.#directory) ? row : undefined;
  }

  async create(
    maker: Maker,
    { name, devices }: { readonly name: string; readonly devices: readonly string[] | null },
  ): Promise<Result<ApplicationRow>> {
    const row = {
      id: randomUUID(),
      organisation: maker.standing.organisation.id,
      name,
      devices,
      created: this.#now(),
    };
    const target = { kind: 'application', id: row.id };
    const refusal = reachesFurther(maker.standing, { devices, tags: null }, this.#directory);
    if (refusal !== undefined) return await tooMuch(this.#store, maker, target, refusal);
    const changed = await this.#store.change({
      steps: [step('addApplication', { ...row, devices: json(devices) })],
      audit: [maker.entry({ target, after: { name, devices } })],
    });
    return changed.done ? { kind: 'done', value: row } : taken(name);
  }

  /** Renames it, or changes its devices: what its keys may follow changes with them, at once. */
  async patch(
    maker: Maker,
    id: string,
    change: { readonly name?: string | undefined; readonly devices?: readonly string[] | null | undefined },
  ): Promise<Result<ApplicationRow>> {
    const row = await this.application(maker, id);
    if (row === undefined) return noSuchApplication();
    const target = { kind: 'application', id };
    const { name = row.name, devices = row.devices } = change;
    if (change.devices !== undefined) {
      const refusal = reachesFurther(maker.standing, { devices, tags: null }, this.#directory);
      if (refusal !== undefined) return await tooMuch(this.#store, maker, target, refusal);
    }
    const changed = await this.#store.change({
      steps: [
        step('setApplication', { organisation: row.organisation, id, name, devices: json(devices) }, 'some'),
      ],
      audit: [
        maker.entry({ target, before: { name: row.name, devices: row.devices }, after: { name, devices } }),
      ],
    });
    if (changed.done) return { kind: 'done', value: { ...row, name, devices } };
    return changed.constraint ? taken(name) : noSuchApplication();
  }

  /** Deletes it with its keys; their links end. */
  async remove(maker: Maker, id: string): Promise<Result<undefined>> {
    const row = await this.application(maker, id);
    if (row === undefined) return noSuchApplication();
    const changed = await this.#store.change({
      steps: [step('removeApplication', { organisation: row.organisation, id }, 'some')],
      audit: [
        maker.entry({
          target: { kind: 'application', id },
          before: { name: row.name, devices: row.devices },
        }),
      ],
    });
    return changed.done ? { kind: 'done', value: undefined } : noSuchApplication();
  }
}

function taken(name: string) {
  return refused('conflict', `there is an application ${name} already`);
}
