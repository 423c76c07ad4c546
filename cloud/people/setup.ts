import { randomUUID } from 'node:crypto';
import { type Store, step } from '../store/index.ts';
import { noteBadLink } from './bad-links.ts';
import { linkHash, makeLink } from './links.ts';
import { judgedHash, type WeakPassword } from './password-changes.ts';
import type { Unproven, Visitor } from './visitor.ts';

/** What the first operator says. */
export interface FirstWords {
  readonly secret: string;
  /** Lower case. */
  readonly email: string;
  readonly name: string;
  readonly password: string;
  readonly organisation: { readonly id: string; readonly name: string };
}

/** The first operator, by a one-time link: there is no default account, and nobody gets in before somebody has it. */
export class Setup {
  readonly #store: Store;
  readonly #now: () => number;

  /** `now`: ms since 1970. */
  constructor({ store, now }: { store: Store; now: () => number }) {
    this.#store = store;
    this.#now = now;
  }

  /**
   * To be called at each start. Where there is nobody yet: the secret of a link that is good once, for a day, and the
   * only one: of those before none is any more. It is to be shown on the console, and in no log.
   */
  async offer(): Promise<string | undefined> {
    if (await this.#store.read('hasPersons', {})) return undefined;
    const { secret, hash: secretHash, expires } = makeLink('setup', this.#now());
    await this.#store.change({
      steps: [
        step('endSetupLinks', {}),
        step('addLink', { secretHash, person: null, purpose: 'setup', expires, organisation: null }),
      ],
      audit: [],
    });
    return secret;
  }

  /** Makes the first operator, the first organisation, and him its administrator, in one change; the link is used up. */
  async setUp(
    { secret, email, name, password, organisation }: FirstWords,
    visitor: Visitor,
  ): Promise<
    | { readonly kind: 'set-up' }
    | { readonly kind: 'bad-link' }
    /** There is an organisation of that id; the link is still good. */
    | { readonly kind: 'taken' }
    | WeakPassword
    | Unproven
  > {
    const [secretHash, now] = [linkHash('setup', secret), this.#now()];
    const link = secretHash && (await this.#store.read('link', { one: secretHash, other: secretHash, now }));
    const bad = async () => {
      await noteBadLink(this.#store, visitor, 'setup');
      return { kind: 'bad-link' } as const;
    };
    if (!secretHash || !link) return await bad();
    const passwordHash = await judgedHash(password, [email, name, organisation.name]);
    if (typeof passwordHash !== 'string') return passwordHash;
    const id = randomUUID();
    const membership = { role: 'administrator', reach: 'organisation', customer: null } as const;
    const target = { kind: 'user', id };
    const changed = await this.#store.change({
      steps: [
        step('spendLink', { secretHash, purpose: 'setup', now }, 'some'),
        step('addFirstPerson', { id, email, name, passwordHash, created: now }, 'some'),
        step('createOrganisation', { ...organisation, created: now }),
        step('addMember', {
          organisation: organisation.id,
          person: id,
          ...membership,
          called: name,
          created: now,
          arrived: now,
        }),
      ],
      audit: [
        visitor.entry({
          action: 'setup',
          actor: target,
          target,
          organisation: [organisation.id, null],
          after: { organisation: organisation.id, operator: true, ...membership },
          personal: { of: [id], data: { email, name } },
        }),
      ],
    });
    if (changed.done) return { kind: 'set-up' };
    return changed.constraint ? { kind: 'taken' } : await bad();
  }
}
