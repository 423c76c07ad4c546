import type { UserPrincipal } from '../access/index.ts';
import { type InvitationRow, type Store, step } from '../store/index.ts';
import { keepsAdministrator, withPosition } from './rules.ts';
import type { Visitor } from './visitor.ts';

/** What came of leaving; `last-administrator`: the organisation would be left without one. */
export type Leaving = 'left' | 'not-found' | 'last-administrator' | 'conflict';

/** How often leaving is judged anew, because the organisation changed meanwhile. */
const mostAttempts = 20;

/**
 * A person's own say in what organisations make him: he is nothing in one before he has accepted, and no longer than he
 * wants to be.
 */
export class Consents {
  readonly #store: Store;
  readonly #now: () => number;

  /** `now`: ms since 1970. */
  constructor(parts: { store: Store; now: () => number }) {
    this.#store = parts.store;
    this.#now = parts.now;
  }

  /** What he is invited to, by the organisation's id. */
  async invitations({ id }: UserPrincipal): Promise<readonly InvitationRow[]> {
    return await this.#store.read('invitations', { person: id });
  }

  /** From now on he is what the organisation made him; false where it has not invited him. */
  async accept({ id }: UserPrincipal, organisation: string, visitor: Visitor): Promise<boolean> {
    const { done } = await this.#store.change({
      steps: [step('acceptInvitation', { organisation, person: id, at: this.#now() }, 'some')],
      audit: [
        visitor.entry({
          action: 'user.accept-invitation',
          organisation,
          target: { kind: 'user', id },
        }),
      ],
    });
    return done;
  }

  /**
   * Takes the invitation away; false where there is none. The organisation's log says that it was declined, and nothing
   * of from where.
   */
  async decline({ id }: UserPrincipal, organisation: string, visitor: Visitor): Promise<boolean> {
    const { done } = await this.#store.change({
      steps: [step('removeInvitation', { organisation, person: id }, 'some')],
      audit: [
        {
          ...visitor.entry({
            action: 'user.decline-invitation',
            organisation,
            target: { kind: 'user', id },
          }),
          personal: null,
        },
      ],
    });
    return done;
  }

  /** Ends his membership, and the API tokens that he made in the organisation. */
  async leave({ id }: UserPrincipal, organisation: string, visitor: Visitor): Promise<Leaving> {
    const about = { action: 'user.leave', organisation, target: { kind: 'user', id } };
    for (let attempt = 0; attempt < mostAttempts; attempt++) {
      const state = await this.#store.read('administration', { organisation, now: this.#now() });
      const row = await this.#store.read('member', { organisation, person: id });
      if (state === undefined || row === undefined || row.arrived === null) return 'not-found';
      if (keepsAdministrator(state, withPosition(state, id, null)) !== undefined) {
        const refused = visitor.entry({ ...about, outcome: 'refused', code: 'last-administrator' });
        await this.#store.change({ steps: [], audit: [refused] });
        return 'last-administrator';
      }
      const { role, reach, departments, customer } = row;
      const { revision } = state.organisation;
      const { done } = await this.#store.change({
        steps: [
          step('advanceOrganisation', { organisation, revision }, 'some'),
          step('removeMember', { organisation, person: id }, 'some'),
          step('revokeTokensOf', { organisation, person: id }),
        ],
        audit: [visitor.entry({ ...about, before: { role, reach, departments, customer } })],
      });
      if (done) return 'left';
    }
    return 'conflict';
  }
}
