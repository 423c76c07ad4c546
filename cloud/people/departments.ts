import { randomUUID } from 'node:crypto';
import type { Standing } from '../access/index.ts';
import { type NamedRow, type Store, step } from '../store/index.ts';
import { type Administration, type Editor, type Plan, type Result, refused } from './administration.ts';
import { type Kept, pageOfKept } from './page-of-kept.ts';
import { wholeOnly } from './rules.ts';

/** Departments of organisations: what people and devices are assigned to. */
export class Departments {
  readonly #store: Store;
  readonly #administration: Administration;
  readonly #moved: () => Promise<void>;

  /** `moved` is called after devices were taken out of a department. */
  constructor(parts: { store: Store; administration: Administration; moved: () => Promise<void> }) {
    this.#store = parts.store;
    this.#administration = parts.administration;
    this.#moved = parts.moved;
  }

  /** A page of the departments that somebody may see, by name. */
  async list(
    { organisation, reach }: Standing,
    page: { readonly after: NamedRow | undefined; readonly limit: number },
  ): Promise<Kept<NamedRow>> {
    return pageOfKept(
      (row: NamedRow | undefined, limit) => {
        const { name: afterName, id: afterId } = row ?? page.after ?? { name: '', id: '' };
        return this.#store.read('departments', { organisation: organisation.id, afterName, afterId, limit });
      },
      ({ id }) => reachesDepartment(reach, id),
      page.limit,
    );
  }

  async department({ organisation, reach }: Standing, id: string): Promise<NamedRow | undefined> {
    if (!reachesDepartment(reach, id)) return undefined;
    return this.#store.read('department', { organisation: organisation.id, id });
  }

  async create(editor: Editor, name: string): Promise<Result<NamedRow>> {
    const organisation = editor.standing.organisation.id;
    const id = randomUUID();
    const target = { kind: 'department', id };
    return this.#administration.change(editor, target, (_, standing) => {
      const refusal = wholeOnly(standing);
      if (refusal !== undefined) return refusal;
      return {
        steps: [step('addDepartment', { organisation, id, name })],
        audit: [editor.entry({ target, after: { name } })],
        value: { id, name },
        otherwise: taken(name),
      };
    });
  }

  async rename(editor: Editor, id: string, name: string): Promise<Result<NamedRow>> {
    return this.#ofOne(editor, id, (organisation, before) => ({
      steps: [step('renameDepartment', { organisation, id, name }, 'some')],
      audit: [
        editor.entry({ target: { kind: 'department', id }, before: { name: before.name }, after: { name } }),
      ],
      value: { id, name },
      otherwise: taken(name),
    }));
  }

  /** Deletes it: its devices are unassigned then, and whoever had only this department has none. */
  async remove(editor: Editor, id: string): Promise<Result<undefined>> {
    const result = await this.#ofOne(editor, id, (organisation, before) => ({
      steps: [
        step('unassignDepartment', { organisation, id }),
        step('removeDepartment', { organisation, id }, 'some'),
      ],
      audit: [editor.entry({ target: { kind: 'department', id }, before: { name: before.name } })],
      value: undefined,
      otherwise: 'again' as const,
    }));
    if (result.kind === 'done') await this.#moved();
    return result;
  }

  #ofOne<T>(
    editor: Editor,
    id: string,
    plan: (organisation: string, before: NamedRow) => Plan<T>,
  ): Promise<Result<T>> {
    const organisation = editor.standing.organisation.id;
    return this.#administration.change(editor, { kind: 'department', id }, async (_, standing) => {
      const before = await this.department(standing, id);
      if (before === undefined) return refused('not-found', 'there is no such department');
      return wholeOnly(standing) ?? plan(organisation, before);
    });
  }
}

function reachesDepartment({ departments, customer }: Standing['reach'], id: string): boolean {
  return customer === null && (departments === 'all' || departments.ids.has(id));
}

function taken(name: string) {
  return refused('conflict', `there is a department ${name} already`);
}
