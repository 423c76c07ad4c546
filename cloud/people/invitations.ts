import type { Mailer } from '../mail/index.ts';
import { type Store, step } from '../store/index.ts';
import type { Invite } from './invite.ts';
import { invitedPlaces, makeLink } from './links.ts';
import { addressOf } from './sign-in.ts';

/**
 * Tells people by mail that they were taken in. A new one gets a link to choose a password by, good once and for seven
 * days, in place of those before: nobody is ever sent a password. An address gets three such mails an hour; beyond them
 * nothing is sent, the link before stays good, and who sends it is told nothing: he may not know of the others.
 */
export function invitations(parts: {
  store: Store;
  mailer: Pick<Mailer, 'send'>;
  /** ms since 1970. */
  now: () => number;
}): Invite {
  const { store, mailer, now } = parts;
  return async ({ kind, person, organisation: where, by }) => {
    const inviter = await store.read('person', { id: by });
    const [to, organisation] = [addressOf(person), where?.name ?? null];
    const invitedBy = inviter ? addressOf(inviter) : { address: 'somebody who is no more' };
    // An account that is there is answered as late as a new one: it gets a link like that too, which nobody is sent.
    const isNew = kind === 'set-password';
    const { secret, hash: secretHash, expires } = makeLink('set-password', now());
    const { done } = await store.change({
      steps: [
        step('forgetLinks', { now: now() }),
        step('takeInvitedPlace', invitedPlaces(person.email, now()), 'some'),
        ...(isNew ? [step('endPasswordLinks', { person: person.id })] : []),
        step('addLink', {
          ...{ secretHash, purpose: 'set-password' },
          ...(isNew ? { person: person.id, expires } : { person: null, expires: now() }),
          // Who is new accepts by it to be what this organisation makes him, and what no other does.
          organisation: where?.id ?? null,
        }),
      ],
      audit: [],
    });
    if (!done) return;
    if (isNew) mailer.send({ kind: 'invitation', to, organisation, invitedBy, secret, validUntil: expires });
    else mailer.send({ kind, to, organisation, invitedBy });
  };
}
