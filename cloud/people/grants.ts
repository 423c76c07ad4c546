import { randomUUID } from 'node:crypto';
import type { Standing } from '../access/index.ts';
import { type GrantRow, type Store, step } from '../store/index.ts';
import { type Administration, type Editor, type Entry, type Result, refused } from './administration.ts';
import { actsForWhole, givesEverywhere, rolesOf, scopesOf, wholeOnly } from './rules.ts';

const hour = 3_600_000;

/** What fleet operators have been granted in organisations. Without it they are nothing there. */
export class Grants {
  readonly #store: Store;
  readonly #administration: Administration;
  readonly #now: () => number;
  /** When the use of an operator in an organisation was last noted: the store is asked once an hour. */
  readonly #noted = new Map<string, number>();

  /** `now`: ms since 1970. */
  constructor(parts: { store: Store; administration: Administration; now: () => number }) {
    this.#store = parts.store;
    this.#administration = parts.administration;
    this.#now = parts.now;
  }

  /** Grants that have not ended, in the order they were given; for who acts for the whole organisation. */
  async list(standing: Standing): Promise<GrantRow[]> {
    if (!actsForWhole(standing)) return [];
    return this.#store.read('grants', { organisation: standing.organisation.id, now: this.#now() });
  }

  /** Grants a fleet operator, by address in lower case, a role in the whole organisation for some hours. */
  async create(
    editor: Editor,
    {
      operator: email,
      role,
      reason,
      hours,
    }: {
      readonly operator: string;
      readonly role: string;
      readonly reason: string;
      readonly hours: number;
    },
  ): Promise<Result<GrantRow>> {
    const organisation = editor.standing.organisation.id;
    return this.#administration.change(editor, null, async (state, standing) => {
      if (rolesOf(state.roles).find(({ id }) => id === role)?.of !== 'organisation') {
        return refused('request-invalid', `body/role: there is no role ${role} of the organisation itself`);
      }
      const refusal = wholeOnly(standing) ?? givesEverywhere(standing, scopesOf(role, state));
      if (refusal !== undefined) return refusal;
      const account = await this.#store.read('account', { email });
      if (account === undefined || !account.operator) {
        return refused('request-invalid', 'body/operator: no fleet operator has this address');
      }
      const { id: person, name } = account;
      if ((await this.#store.read('member', { organisation, person })) !== undefined) {
        return refused('conflict', 'this operator is a member: what he may do here is said by his role');
      }
      const [id, created] = [randomUUID(), this.#now()];
      const grants = await this.#store.read('grants', { organisation, now: created });
      if (grants.some(({ operator }) => operator.id === person)) {
        return refused('conflict', 'this operator has a grant already: end that one first');
      }
      const expires = created + hours * hour;
      return {
        steps: [
          step('forgetGrants', { organisation, now: created }),
          step('addGrant', { id, organisation, person, role, reason, created, expires }, 'some'),
        ],
        audit: [
          editor.entry({
            target: { kind: 'grant', id },
            after: { operator: person, role, reason, expires: new Date(expires).toISOString() },
            personal: { of: [person], data: { operator: { email, name } } },
          }),
        ],
        value: { id, operator: { id: person, name, email }, role, reason, created, expires },
        otherwise: 'again',
      };
    });
  }

  /** Ends a grant. */
  async remove(editor: Editor, id: string): Promise<Result<undefined>> {
    const organisation = editor.standing.organisation.id;
    const target = { kind: 'grant', id };
    return this.#administration.change(editor, target, async (_, standing) => {
      const known = (await this.list(standing)).find((one) => one.id === id);
      if (known === undefined) return refused('not-found', 'there is no such grant');
      const { operator, role, reason, expires } = known;
      return {
        steps: [step('removeGrant', { organisation, id }, 'some')],
        audit: [
          editor.entry({
            target,
            before: { operator: operator.id, role, reason, expires: new Date(expires).toISOString() },
            personal: {
              of: [operator.id],
              data: { operator: { email: operator.email, name: operator.name } },
            },
          }),
        ],
        value: undefined,
        otherwise: 'again',
      };
    });
  }

  /**
   * To be called, and waited for, before anything is shown or done by a standing that has a grant: the organisation's
   * audit log says once an hour, for each operator, that he is there. `entry`: by that operator, in that organisation.
   */
  async used(
    { organisation, grant }: Standing,
    { person, entry }: { person: string; entry: Entry },
  ): Promise<void> {
    if (grant === undefined) return;
    const at = this.#now();
    const key = `${organisation.id} ${person}`;
    if (at - (this.#noted.get(key) ?? Number.NEGATIVE_INFINITY) < hour) return;
    await this.#store.change({
      steps: [step('noteGrantUse', { organisation: organisation.id, person, at, since: at - hour }, 'some')],
      audit: [
        entry({
          organisation: organisation.id,
          action: 'grant.use',
          target: { kind: 'grant', id: grant.id },
          after: { until: new Date(grant.until).toISOString() },
        }),
      ],
    });
    this.#noted.set(key, at);
  }
}
