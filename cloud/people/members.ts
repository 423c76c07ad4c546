import type { MemberPlace } from '../access/index.ts';
import type { MemberRow, Store } from '../store/index.ts';

/** A person, as far as an organisation is shown him. */
export interface Member extends MemberPlace {
  /** The person's opaque id. */
  readonly id: string;
  readonly email: string;
  readonly name: string;
  readonly role: string;
  /** Whether a password has been set, and a second factor enabled: false of who has not arrived yet (see README). */
  readonly hasPassword: boolean;
  readonly secondFactor: boolean;
  /** When he was taken in, ms since 1970. */
  readonly created: number;
}

/** The people of organisations. */
export class Members {
  readonly #store: Store;

  constructor({ store }: { store: Store }) {
    this.#store = store;
  }

  /** What a person is in an organisation; undefined where nothing. */
  async member(organisation: string, person: string): Promise<Member | undefined> {
    const row = await this.#store.read('member', { organisation, person });
    return row && memberOf(row);
  }
}

/**
 * Until somebody has logged in after he was taken in, he is shown as who did that said him to be: an organisation does
 * not learn whether, and as whom, others know the address.
 */
function memberOf({ called, arrived, ...row }: MemberRow): Member {
  if (arrived !== null) return row;
  return { ...row, name: called ?? row.name, hasPassword: false, secondFactor: false };
}
