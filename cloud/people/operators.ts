import { randomUUID } from 'node:crypto';
import { isMailAddress } from '../mail/index.ts';
import { type AccountRow, type Store, step } from '../store/index.ts';
import { type FleetEditor, type Result, refused } from './administration.ts';
import type { Invite } from './invite.ts';

/** A fleet operator. */
export type Operator = Pick<AccountRow, 'id' | 'email' | 'name'>;

/** Fleet operators: above organisations, and nothing in any of them without a grant or a membership. */
export class Operators {
  readonly #store: Store;
  readonly #invite: Invite;
  readonly #now: () => number;

  /** `now`: ms since 1970. */
  constructor(parts: { store: Store; invite: Invite; now: () => number }) {
    this.#store = parts.store;
    this.#invite = parts.invite;
    this.#now = parts.now;
  }

  /** By address. */
  async list(): Promise<Operator[]> {
    const operators = await this.#store.read('operators', {});
    return operators.map(({ id, email, name }) => ({ id, email, name }));
  }

  /** Makes somebody an operator; one whom nobody knows gets a link to choose a password by. */
  async create(
    editor: FleetEditor,
    { email, name }: { readonly email: string; readonly name: string },
  ): Promise<Result<Operator>> {
    if (!isMailAddress(email)) return refused('request-invalid', 'body/email: not a mail address');
    const account = await this.#store.read('account', { email });
    const id = account?.id ?? randomUUID();
    const newPerson = { id, email, name, passwordHash: null, operator: 1 as const, created: this.#now() };
    const { done } = await this.#store.change({
      steps: [
        account === undefined ? step('addPerson', newPerson) : step('makeOperator', { person: id }, 'some'),
      ],
      audit: [
        editor.entry({
          target: { kind: 'user', id },
          after: { operator: true },
          personal: { of: [id], data: { email, name } },
        }),
      ],
    });
    if (!done) return refused('conflict', 'this person is a fleet operator already');
    await this.#invite({
      kind: account?.hasPassword ? 'taken-in' : 'set-password',
      person: { id, email, name: account?.name ?? name },
      organisation: null,
      by: editor.person,
    });
    // As he was called by who asks: what an account that is there already is called is its organisations' to know.
    return { kind: 'done', value: { id, email, name } };
  }

  /** Ends an operator, and what organisations have granted him; the last one who can log in stays. */
  async remove(editor: FleetEditor, id: string): Promise<Result<undefined>> {
    const operator = (await this.list()).find((one) => one.id === id);
    if (operator === undefined) return refused('not-found', 'there is no such operator');
    const { email, name } = operator;
    const personal = { of: [id], data: { email, name } };
    const grants = await this.#store.read('grantsOfPerson', { person: id, now: this.#now() });
    const { done } = await this.#store.change({
      steps: [
        step('endOperator', { person: id }, 'some'),
        step('removeGrantsOf', { person: id }),
        step('forgetStranger', { person: id }),
      ],
      audit: [
        editor.entry({ target: { kind: 'user', id }, before: { operator: true }, personal }),
        ...grants.map((grant) =>
          editor.entry({
            organisation: grant.organisation,
            action: 'grant.delete',
            target: { kind: 'grant', id: grant.id },
            before: { operator: id },
            personal,
          }),
        ),
      ],
    });
    if (!done) {
      await this.#store.change({
        steps: [],
        audit: [
          editor.entry({ target: { kind: 'user', id }, outcome: 'refused', code: 'last-administrator' }),
        ],
      });
      return refused('last-administrator', 'make another fleet operator, who can log in, first');
    }
    return { kind: 'done', value: undefined };
  }
}
