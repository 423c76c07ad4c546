import { mayGive, reachesMember, type Standing, type UserPrincipal } from '../access/index.ts';
import type { Guard } from '../guard/index.ts';
import type { Mailer } from '../mail/index.ts';
import { type PersonRow, type Step, type Store, step } from '../store/index.ts';
import { noteBadLink } from './bad-links.ts';
import { about, personOf } from './factor-owner.ts';
import { linkHash, linkLives, makeLink } from './links.ts';
import type { Member } from './members.ts';
import { placesOf } from './principals.ts';
import { addressOf, withoutFactor } from './sign-in.ts';
import type { Visitor } from './visitor.ts';

/** How long a vote to reset somebody's second factor counts, in ms. */
const voteMilliseconds = 7 * 24 * 3_600_000;

/** Votes that reset a second factor: of different administrators. */
const votesNeeded = 2;

/** What one asked for contradicts what there is. */
const conflict = { kind: 'conflict' } as const;
type Conflict = typeof conflict;

interface FactorResetsParts {
  readonly store: Store;
  readonly guard: Guard;
  readonly mailer: Pick<Mailer, 'send'>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Lost second factors: reset after a delay by who lost one, or by two administrators. */
export class FactorResets {
  readonly #parts: FactorResetsParts;

  constructor(parts: FactorResetsParts) {
    this.#parts = parts;
  }

  /**
   * Notes that the owner, who has given the password, has lost the second factor: the first login after the delay needs
   * none. He is told at once, with a link that stops it. Asking again neither hastens nor puts it off.
   */
  async askReset(
    principal: UserPrincipal,
    visitor: Visitor,
  ): Promise<{ readonly kind: 'asked'; readonly takesEffect: number } | Conflict> {
    const person = await personOf(this.#parts.store, principal);
    if (!principal.pending || person.factorSecret === null) return conflict;
    if (person.factorReset !== null) return { kind: 'asked', takesEffect: person.factorReset };
    const link = makeLink('keep-second-factor', this.#parts.now());
    const takesEffect = this.#parts.now() + linkLives['keep-second-factor'];
    const { done } = await this.#parts.store.change({
      steps: [
        step('askFactorReset', { person: person.id, takesEffect }, 'some'),
        ...keepLinkSteps(person.id, link),
      ],
      audit: [
        visitor.entry({
          ...about(person),
          action: 'second-factor.ask-reset',
          after: { takesEffect: new Date(takesEffect).toISOString() },
        }),
      ],
    });
    if (!done) return conflict;
    const { secret } = link;
    this.#parts.mailer.send({
      kind: 'second-factor-reset-requested',
      ...this.#to(person, visitor),
      takesEffect,
      secret,
    });
    return { kind: 'asked', takesEffect };
  }

  /** Stops a reset, and votes for one: by its owner, who is in with his second factor. */
  async stopReset(principal: UserPrincipal, visitor: Visitor): Promise<void> {
    const person = await personOf(this.#parts.store, principal);
    await this.#stop(person, [], visitor);
  }

  /** The same by the link of the mail that announced it; false where the link is good no more. */
  async stopResetByLink(secret: string, visitor: Visitor): Promise<boolean> {
    const secretHash = linkHash('keep-second-factor', secret);
    const now = this.#parts.now();
    const link =
      secretHash && (await this.#parts.store.read('link', { one: secretHash, other: secretHash, now }));
    const person = link?.person && (await this.#parts.store.read('person', { id: link.person.id }));
    const spend = secretHash && step('spendLink', { secretHash, purpose: 'keep-second-factor', now }, 'some');
    if (person && spend && (await this.#stop(person, [spend], visitor))) return true;
    await noteBadLink(this.#parts.store, visitor, 'second-factor.stop-reset');
    return false;
  }

  /**
   * Takes the vote of an administrator of an organisation to reset the second factor of one of its people, and does so
   * with the second one of two who may change that person still.
   *
   * `alone`: the person is something outside the organisation too, whose data his second factor protects: only he himself
   * can have it reset, after the delay.
   */
  async vote(
    voter: UserPrincipal,
    { organisation, standing, member }: { organisation: string; standing: Standing; member: Member },
    visitor: Visitor,
  ): Promise<
    | { readonly kind: 'voted'; readonly votes: number; readonly done: boolean }
    | { readonly kind: 'more-than-own' }
    | { readonly kind: 'alone' }
    | Conflict
  > {
    const [now, id] = [this.#parts.now(), member.id];
    const person = await this.#parts.store.read('person', { id });
    // What `member` does not show of who has not accepted yet is not told by a vote either.
    if (voter.id === id || person === undefined || !member.secondFactor) return conflict;
    const record = await this.#parts.store.read('standings', { person: id, now });
    const places = placesOf(record, { secondFactor: true, since: Number.POSITIVE_INFINITY });
    const target = places.find((place) => place.organisation.id === organisation);
    if (target === undefined) return conflict;
    if (!mayGive(standing, target.standing)) return { kind: 'more-than-own' };
    if (person.operator || places.length > 1) return { kind: 'alone' };
    const since = now - voteMilliseconds;
    const before = await this.#parts.store.read('factorVotes', { person: id, organisation, since });
    const standingVotes = await this.#votesThatStand(before, {
      organisation,
      member,
      target: target.standing,
    });
    const votes = new Set([...standingVotes, voter.id]).size;
    const isDone = votes >= votesNeeded;
    const link = { ...makeLink('keep-second-factor', now), expires: now + voteMilliseconds };
    const changed = await this.#parts.store.change({
      steps: [
        step('addFactorVote', { person: id, organisation, voter: voter.id, at: now }),
        ...(isDone
          ? [step('removeFactorByVotes', { person: id, organisation, since }, 'some'), ...withoutFactor(id)]
          : keepLinkSteps(id, link)),
      ],
      audit: [
        visitor.entry({
          action: 'user.reset-second-factor',
          target: { kind: 'user', id },
          after: { votes, done: isDone },
        }),
      ],
    });
    if (!changed.done) return conflict;
    if (isDone) {
      this.#parts.guard.renewed({ kind: 'second-factor', name: person.email });
      this.#parts.mailer.send({ kind: 'second-factor-reset', to: addressOf(person), at: now });
    } else if (!standingVotes.includes(voter.id)) {
      this.#parts.mailer.send({
        kind: 'second-factor-vote',
        to: addressOf(person),
        organisation: target.organisation.name,
        at: now,
        validUntil: link.expires,
        secret: link.secret,
      });
    }
    return { kind: 'voted', votes, done: isDone };
  }

  /** Of those who voted, who may still: an administrator who was demoted since counts no more. */
  async #votesThatStand(
    voters: readonly string[],
    { organisation, member, target }: { organisation: string; member: Member; target: Standing },
  ): Promise<string[]> {
    const now = this.#parts.now();
    const judged = await Promise.all(
      voters.map(async (id) => {
        const [person, record] = await Promise.all([
          this.#parts.store.read('person', { id }),
          this.#parts.store.read('standings', { person: id, now }),
        ]);
        const secondFactor = person !== undefined && person.factorSecret !== null;
        const places = placesOf(record, { secondFactor, since: Number.POSITIVE_INFINITY });
        const standing = places.find((place) => place.organisation.id === organisation)?.standing;
        const may =
          standing?.withheld === null &&
          standing.scopes.has('user.reset-second-factor') &&
          reachesMember(standing.reach, member) &&
          mayGive(standing, target);
        return may ? [id] : [];
      }),
    );
    return judged.flat();
  }

  async #stop(person: PersonRow, steps: readonly Step[], visitor: Visitor): Promise<boolean> {
    const { id } = person;
    const { done } = await this.#parts.store.change({
      steps: [
        ...steps,
        step('stopFactorReset', { person: id }),
        step('endFactorVotes', { person: id }),
        step('endKeepLinks', { person: id }),
        // Whoever asked for it had the password and no more.
        step('endPendingSessions', { person: id }),
      ],
      audit: [visitor.entry({ ...about(person), action: 'second-factor.stop-reset' })],
    });
    return done;
  }

  #to(person: PersonRow, { source }: Visitor) {
    return { to: addressOf(person), at: this.#parts.now(), source };
  }
}

/** Keeps a link by which the owner stops it. */
function keepLinkSteps(person: string, { hash, expires }: { hash: Buffer; expires: number }): Step[] {
  return [
    step('addLink', { secretHash: hash, person, purpose: 'keep-second-factor', expires, organisation: null }),
  ];
}
