import { randomUUID } from 'node:crypto';
import { reachesCustomer, type Standing } from '../access/index.ts';
import { type NamedRow, type Store, step } from '../store/index.ts';
import { type Administration, type Editor, type Plan, type Result, refused } from './administration.ts';
import { type Kept, pageOfKept } from './page-of-kept.ts';
import { wholeOnly } from './rules.ts';

/** Customers of organisations: devices are theirs, and they have logins that see those only. */
export class Customers {
  readonly #store: Store;
  readonly #administration: Administration;
  readonly #moved: () => Promise<void>;

  /** `moved` is called after devices were taken from a customer. */
  constructor(parts: { store: Store; administration: Administration; moved: () => Promise<void> }) {
    this.#store = parts.store;
    this.#administration = parts.administration;
    this.#moved = parts.moved;
  }

  /** A page of the customers that somebody may see, by name. */
  async list(
    { organisation, reach }: Standing,
    page: { readonly after: NamedRow | undefined; readonly limit: number },
  ): Promise<Kept<NamedRow>> {
    return pageOfKept(
      (row: NamedRow | undefined, limit) => {
        const { name: afterName, id: afterId } = row ?? page.after ?? { name: '', id: '' };
        return this.#store.read('customers', { organisation: organisation.id, afterName, afterId, limit });
      },
      ({ id }) => reachesCustomer(reach, id),
      page.limit,
    );
  }

  async customer({ organisation, reach }: Standing, id: string): Promise<NamedRow | undefined> {
    if (!reachesCustomer(reach, id)) return undefined;
    return this.#store.read('customer', { organisation: organisation.id, id });
  }

  async create(editor: Editor, name: string): Promise<Result<NamedRow>> {
    const organisation = editor.standing.organisation.id;
    const id = randomUUID();
    const target = { kind: 'customer', id };
    return this.#administration.change(editor, target, (_, standing) => {
      const refusal = wholeOnly(standing);
      if (refusal !== undefined) return refusal;
      return {
        steps: [step('addCustomer', { organisation, id, name })],
        audit: [editor.entry({ target, after: { name } })],
        value: { id, name },
        otherwise: taken(name),
      };
    });
  }

  async rename(editor: Editor, id: string, name: string): Promise<Result<NamedRow>> {
    return this.#ofOne(editor, id, (organisation, before) => ({
      steps: [step('renameCustomer', { organisation, id, name }, 'some')],
      audit: [
        editor.entry({ target: { kind: 'customer', id }, before: { name: before.name }, after: { name } }),
      ],
      value: { id, name },
      otherwise: taken(name),
    }));
  }

  /** Deletes one that has no logins: its devices are the organisation's own then. */
  async remove(editor: Editor, id: string): Promise<Result<undefined>> {
    const result = await this.#ofOne(editor, id, (organisation, before) => ({
      steps: [
        step('unassignCustomer', { organisation, id }),
        step('removeCustomer', { organisation, id }, 'some'),
      ],
      audit: [editor.entry({ target: { kind: 'customer', id }, before: { name: before.name } })],
      value: undefined,
      otherwise: refused('conflict', 'this customer has logins: end them first'),
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
    return this.#administration.change(editor, { kind: 'customer', id }, async (_, standing) => {
      const before = await this.customer(standing, id);
      if (before === undefined) return refused('not-found', 'there is no such customer');
      return wholeOnly(standing) ?? plan(organisation, before);
    });
  }
}

function taken(name: string) {
  return refused('conflict', `there is a customer ${name} already`);
}
