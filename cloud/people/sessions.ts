import { createHash, randomBytes } from 'node:crypto';
import type { Principal } from '../access/index.ts';
import { type Store, step } from '../store/index.ts';
import { isPassword } from './passwords.ts';

/** Milliseconds a session lasts. */
const sessionMilliseconds = 12 * 3_600_000;

/** A random token is kept only as its hash: who reads the database can log in with nothing in it. */
export function tokenHash(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

/** Logins and the sessions they open. */
export class Sessions {
  readonly #store: Store;
  readonly #now: () => number;

  /** `now`: ms since 1970. */
  constructor(store: Store, now: () => number) {
    this.#store = store;
    this.#now = now;
  }

  /** Opens a session; its token, or undefined where name and password do not fit each other. */
  async open(name: string, password: string): Promise<string | undefined> {
    const user = await this.#store.read('user', { name });
    if (!(await isPassword(user?.passwordHash, password))) return undefined;
    const token = randomBytes(32).toString('base64url');
    const now = this.#now();
    const expires = now + sessionMilliseconds;
    await this.#store.change({
      steps: [
        step('clearSessions', { now }),
        step('addSession', { tokenHash: tokenHash(token), user: name, expires }),
      ],
      audit: [],
    });
    return token;
  }

  /** Whom a token speaks for now; undefined once the session has ended. */
  async principal(token: string): Promise<Extract<Principal, { kind: 'user' }> | undefined> {
    const user = await this.#store.read('session', { tokenHash: tokenHash(token), now: this.#now() });
    if (user === undefined) return undefined;
    const organisation = { id: user.organisation };
    return { kind: 'user', name: user.name, role: 'administrator', organisation };
  }

  /** Ends a session. */
  async end(token: string): Promise<void> {
    await this.#store.change({ steps: [step('endSession', { tokenHash: tokenHash(token) })], audit: [] });
  }
}
