import type { PasswordChanges } from '../../../people/index.ts';
import type { Handlers } from '../call.ts';
import { isoTime } from './editing.ts';
import { badLink, unprovenProblem, visitorOf, weakPassword, wrongLogin } from './visitor.ts';

/** Passwords by the links of mails. */
export function linkHandlers({
  passwords,
}: {
  passwords: PasswordChanges;
}): Pick<Handlers, 'requestPasswordReset' | 'readLink' | 'setPassword'> {
  return {
    async requestPasswordReset(call) {
      await passwords.request(call.input.body.email, visitorOf(call));
    },

    async readLink(call) {
      const link = await passwords.read(call.input.body.secret, visitorOf(call));
      if (link === undefined) throw badLink();
      const { email, name } = link.person;
      const purpose = link.purpose === 'reset-password' ? ('reset' as const) : ('set' as const);
      return { email, name, purpose, expires: isoTime(link.expires) };
    },

    async setPassword(call) {
      const outcome = await passwords.set(call.input.body, visitorOf(call));
      switch (outcome.kind) {
        case 'set':
          return;
        case 'bad-link':
          throw badLink();
        case 'weak':
          throw weakPassword(outcome.reason);
        case 'wrong':
        case 'held':
          throw unprovenProblem(outcome, wrongLogin());
      }
    },
  };
}
