import { createHash, randomBytes, randomUUID } from 'node:crypto';
import type { UserPrincipal } from '../access/index.ts';
import { type PersonRow, type SessionRow, type Step, type Store, step } from '../store/index.ts';
import { userPrincipal } from './principals.ts';
import type { Visitor } from './visitor.ts';

const minute = 60_000;
const hour = 60 * minute;

/** How long sessions live, in ms. */
const sessionLives = {
  /** From the login on, whatever happens. */
  whole: 12 * hour,
  /** Without being used (SP 800-63B-4, section 2.2.3). */
  idle: hour,
  /** Of one that lacks its second factor. */
  pending: 15 * minute,
} as const;

/** How far behind the time may be at which a session was last used, in ms: a write for each request is too many. */
const seenMilliseconds = minute;

/** A random token is kept only as its hash: who reads the database can log in with nothing in it. */
export function tokenHash(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

/** A session's new token, and the steps by which it comes to be. */
export interface NewToken {
  readonly token: string;
  readonly steps: readonly Step[];
}

/** Sessions of people. What a token opens is asked of the store each time: ending one ends it everywhere. */
export class Sessions {
  readonly #store: Store;
  readonly #now: () => number;
  readonly #touching = new Set<string>();

  /** `now`: ms since 1970. */
  constructor(parts: { store: Store; now: () => number }) {
    this.#store = parts.store;
    this.#now = parts.now;
  }

  /**
   * A new session for who has just given the password of `person`. The last of its steps changes nothing where the
   * password or the second factor is no longer the one that was looked at.
   */
  opening(
    person: PersonRow & { readonly passwordHash: string },
    visitor: Visitor,
    pending: boolean,
  ): NewToken {
    const [token, now] = [newToken(), this.#now()];
    const session = {
      id: randomUUID(),
      tokenHash: tokenHash(token),
      person: person.id,
      passwordHash: person.passwordHash,
      created: now,
      expires: now + (pending ? sessionLives.pending : sessionLives.whole),
      pending: pending ? (1 as const) : (0 as const),
      source: visitor.source,
      agent: visitor.agent,
    };
    return {
      token,
      steps: [
        step('forgetSessions', { now, idleSince: now - sessionLives.idle }),
        step('openSession', session, 'some'),
      ],
    };
  }

  /** Another token for a session whose rights change; the one it has opens nothing any more. */
  rotation({ session }: UserPrincipal, known: string): NewToken {
    const token = newToken();
    const hashes = { known: tokenHash(known), tokenHash: tokenHash(token) };
    return { token, steps: [step('rotateSession', { session, ...hashes, at: this.#now() }, 'some')] };
  }

  /** The same for a pending session whose second factor has come. */
  async completion({ session, id }: UserPrincipal, known: string): Promise<NewToken | undefined> {
    const pending = (await this.list(id)).find((one) => one.id === session && one.pending);
    if (pending === undefined) return undefined;
    const token = newToken();
    const hashes = { known: tokenHash(known), tokenHash: tokenHash(token) };
    const times = { at: this.#now(), expires: pending.created + sessionLives.whole };
    return { token, steps: [step('completeSession', { session, ...hashes, ...times }, 'some')] };
  }

  /** Whom a token speaks for now, and as what; undefined once the session has ended. */
  async principal(token: string): Promise<UserPrincipal | undefined> {
    const now = this.#now();
    const found = await this.#store.read('session', {
      tokenHash: tokenHash(token),
      now,
      idleSince: now - sessionLives.idle,
    });
    if (found === undefined) return undefined;
    const record = await this.#store.read('standings', { person: found.person.id, now });
    if (now - found.session.seen >= seenMilliseconds) this.#touch(found.session.id, now);
    return userPrincipal(found, record);
  }

  /** The sessions of a person that have not ended, the newest first. */
  async list(person: string): Promise<SessionRow[]> {
    const now = this.#now();
    return await this.#store.read('sessions', { person, now, idleSince: now - sessionLives.idle });
  }

  /** Ends a session of the person who asks for it; false where there is none such. */
  async end({ id: person }: UserPrincipal, session: string, visitor: Visitor): Promise<boolean> {
    const target = { kind: 'session', id: session };
    const { done } = await this.#store.change({
      steps: [step('endSession', { session, person }, 'some')],
      audit: [visitor.entry({ action: 'session.delete', target, organisation: await this.#chains(person) })],
    });
    return done;
  }

  /** Ends the session of a token, where it stands still. */
  async logOut(token: string, visitor: Visitor): Promise<void> {
    const principal = await this.principal(token);
    if (principal === undefined) return;
    const asHimself: Visitor = {
      ...visitor,
      entry: (what) => visitor.entry({ actor: { kind: 'user', id: principal.id }, ...what }),
    };
    await this.end(principal, principal.session, asHimself);
  }

  /**
   * Ends every other session of a person, and every API token that he made before now. The session he does it in goes on
   * under another token.
   */
  async cutOff(principal: UserPrincipal, known: string, visitor: Visitor): Promise<string | undefined> {
    const { id: person, session } = principal;
    // Before the new token is made, or a tick of the clock between the two would cut that off as well.
    const at = this.#now();
    const rotation = this.rotation(principal, known);
    const { done } = await this.#store.change({
      steps: [
        step('cutOffPerson', { person, at }),
        ...rotation.steps,
        step('endSessions', { person, except: session }),
      ],
      audit: [
        visitor.entry({
          action: 'user.cut-off',
          target: { kind: 'user', id: person },
          organisation: await this.#chains(person),
        }),
      ],
    });
    return done ? rotation.token : undefined;
  }

  async #chains(person: string): Promise<readonly (string | null)[]> {
    const row = await this.#store.read('person', { id: person });
    return chainsOf(row);
  }

  #touch(session: string, at: number): void {
    if (this.#touching.has(session)) return;
    this.#touching.add(session);
    const done = () => this.#touching.delete(session);
    // Where it cannot be written the session ends earlier, and the store says what is wrong with it itself.
    this.#store.change({ steps: [step('touchSession', { session, at })], audit: [] }).then(done, done);
  }
}

/**
 * In whose audit logs it stands what a person does with his own account: of every organisation that he is a member of,
 * and in the fleet's where he is a fleet operator, or a member of none, or where there is no such person. One that has
 * invited him learns nothing of him by it before he accepts.
 */
export function chainsOf(person: PersonRow | undefined): readonly (string | null)[] {
  if (person === undefined || person.organisations.length === 0) return [null];
  return person.operator ? [...person.organisations, null] : person.organisations;
}

function newToken(): string {
  return randomBytes(32).toString('base64url');
}
