import type { Authentications } from '../../audit/index.ts';
import type { Sessions } from '../../people/index.ts';
import type { TokenBearers } from '../../tokens/index.ts';
import type { Authenticator } from './gate.ts';
import { Problem } from './problem.ts';

/** Who a session or an API token speaks for. Why one is not good is told in the audit log, and not to who shows it. */
export function authenticatorOf({
  sessions,
  bearers,
  authentications,
}: {
  sessions: Sessions;
  bearers: TokenBearers;
  authentications: Authentications;
}): Authenticator {
  return {
    async bySession(token, { source }) {
      const principal = await sessions.principal(token.reveal());
      // Nothing is left of a session that has ended: whose it was, or whether it ever was one, nobody can tell.
      if (principal === undefined) {
        const use = { organisation: null, channel: 'https', action: 'session.use', target: null } as const;
        authentications.add({ ...use, code: 'unknown', source, persons: [] });
      }
      return principal;
    },
    async byToken(value, visit) {
      const shown = await bearers.principal(value.reveal(), visit);
      switch (shown.kind) {
        case 'principal':
          return shown.principal;
        case 'refused':
          throw new Problem(401, 'unauthenticated', 'this API token opens nothing, or nothing any more');
        case 'held': {
          const { retryAfterSeconds } = shown;
          const detail = `too many attempts: try again in ${retryAfterSeconds} s`;
          throw new Problem(429, 'too-many-attempts', detail, retryAfterSeconds);
        }
      }
    },
  };
}
