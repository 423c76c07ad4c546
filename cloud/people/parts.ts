import { randomUUID } from 'node:crypto';
import { type Reach, reachesCustomer, type Standing } from '../access/index.ts';
import { type NamedRow, type Step, type Store, step } from '../store/index.ts';
import { type Administration, type Editor, type Plan, type Result, refused } from './administration.ts';
import { type Kept, pageOfKept } from './page-of-kept.ts';
import { wholeOnly } from './rules.ts';

/** What departments and customers differ in: what they are called, who sees them, and what goes with one. */
interface PartKind {
  readonly name: 'department' | 'customer';
  readonly list: 'departments' | 'customers';
  readonly reaches: (reach: Reach, id: string) => boolean;
  readonly add: (part: Named) => Step;
  readonly rename: (part: Named) => Step;
  /** Frees its devices, then deletes it. */
  readonly remove: (part: Place) => readonly Step[];
  /** What it means where it cannot be deleted. */
  readonly kept: Plan<undefined>['otherwise'];
}

interface Place {
  readonly organisation: string;
  readonly id: string;
}

interface Named extends Place {
  readonly name: string;
}

/** Departments: what people and devices are assigned to. Without one its devices are unassigned, and its people have none. */
const departments: PartKind = {
  name: 'department',
  list: 'departments',
  reaches: ({ departments, customer }, id) =>
    customer === null && (departments === 'all' || departments.ids.has(id)),
  add: (part) => step('addDepartment', part),
  rename: (part) => step('renameDepartment', part, 'some'),
  remove: (part) => [step('unassignDepartment', part), step('removeDepartment', part, 'some')],
  kept: 'again',
};

/** Customers: devices are theirs, and they have logins that see those only. One that has logins stays. */
const customers: PartKind = {
  name: 'customer',
  list: 'customers',
  reaches: reachesCustomer,
  add: (part) => step('addCustomer', part),
  rename: (part) => step('renameCustomer', part, 'some'),
  remove: (part) => [step('unassignCustomer', part), step('removeCustomer', part, 'some')],
  kept: refused('conflict', 'this customer has logins: end them first'),
};

const kinds = { department: departments, customer: customers };

/** The departments, or the customers, of organisations. */
export class Parts {
  readonly #kind: PartKind;
  readonly #store: Store;
  readonly #administration: Administration;
  readonly #moved: () => Promise<void>;

  /** `moved` is called after devices were taken out of one. */
  constructor(
    kind: PartKind['name'],
    parts: { store: Store; administration: Administration; moved: () => Promise<void> },
  ) {
    this.#kind = kinds[kind];
    this.#store = parts.store;
    this.#administration = parts.administration;
    this.#moved = parts.moved;
  }

  /** A page of those that somebody may see, by name. */
  async list(
    { organisation, reach }: Standing,
    page: { readonly after: NamedRow | undefined; readonly limit: number },
  ): Promise<Kept<NamedRow>> {
    return pageOfKept(
      (row: NamedRow | undefined, limit) => {
        const { name: afterName, id: afterId } = row ?? page.after ?? { name: '', id: '' };
        return this.#store.read(this.#kind.list, {
          organisation: organisation.id,
          afterName,
          afterId,
          limit,
        });
      },
      ({ id }) => this.#kind.reaches(reach, id),
      page.limit,
    );
  }

  /** One that somebody may see. */
  async one({ organisation, reach }: Standing, id: string): Promise<NamedRow | undefined> {
    if (!this.#kind.reaches(reach, id)) return undefined;
    return this.#store.read(this.#kind.name, { organisation: organisation.id, id });
  }

  async create(editor: Editor, name: string): Promise<Result<NamedRow>> {
    const organisation = editor.standing.organisation.id;
    const id = randomUUID();
    const target = { kind: this.#kind.name, id };
    return this.#administration.change(editor, target, (_, standing) => {
      const refusal = wholeOnly(standing);
      if (refusal !== undefined) return refusal;
      return {
        steps: [this.#kind.add({ organisation, id, name })],
        audit: [editor.entry({ target, after: { name } })],
        value: { id, name },
        otherwise: this.#taken(name),
      };
    });
  }

  async rename(editor: Editor, id: string, name: string): Promise<Result<NamedRow>> {
    return this.#ofOne(editor, id, (organisation, before) => ({
      steps: [this.#kind.rename({ organisation, id, name })],
      audit: [
        editor.entry({
          target: { kind: this.#kind.name, id },
          before: { name: before.name },
          after: { name },
        }),
      ],
      value: { id, name },
      otherwise: this.#taken(name),
    }));
  }

  /** Deletes one, where it may go: its devices belong to none then. */
  async remove(editor: Editor, id: string): Promise<Result<undefined>> {
    const result = await this.#ofOne(editor, id, (organisation, before) => ({
      steps: this.#kind.remove({ organisation, id }),
      audit: [editor.entry({ target: { kind: this.#kind.name, id }, before: { name: before.name } })],
      value: undefined,
      otherwise: this.#kind.kept,
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
    return this.#administration.change(editor, { kind: this.#kind.name, id }, async (_, standing) => {
      const before = await this.one(standing, id);
      if (before === undefined) return refused('not-found', `there is no such ${this.#kind.name}`);
      return wholeOnly(standing) ?? plan(organisation, before);
    });
  }

  #taken(name: string) {
    return refused('conflict', `there is a ${this.#kind.name} ${name} already`);
  }
}
