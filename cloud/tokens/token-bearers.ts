import { expandScopes } from '@loadline/sdk/api';
import { narrowed, standingOf, type TokenPrincipal } from '../access/index.ts';
import type { Authentication, Authentications } from '../audit/index.ts';
import type { Guard } from '../guard/index.ts';
import type { ApiTokenRow, MembershipRow, PersonRow, Store } from '../store/index.ts';
import { tagNumbers } from './gifts.ts';
import { Sightings } from './sightings.ts';
import { readToken, type TokenClaims, type TokenFault, type TokenRealm } from './token.ts';
import type { Uses } from './uses.ts';

/** Why a token opens nothing: what it says itself, or what became of it. For the audit log only. */
type Fault = TokenFault | 'unknown' | 'inactive' | 'revoked' | 'cut-off' | 'creator-gone';

/** What came of a token that was shown. Who showed it learns nothing of why it is not good. */
export type Shown =
  | { readonly kind: 'principal'; readonly principal: TokenPrincipal }
  | { readonly kind: 'refused' }
  /** And so often that it is to stay away: `retryAfterSeconds` is whole, at least 1. */
  | { readonly kind: 'held'; readonly retryAfterSeconds: number };

/** What is known of a token and its creator by now. */
interface Record {
  readonly row: ApiTokenRow | undefined;
  readonly person: PersonRow | undefined;
  readonly memberships: readonly MembershipRow[];
}

/** Who shows an API token, and what that opens now. */
export class TokenBearers {
  readonly #realm: TokenRealm;
  readonly #store: Store;
  readonly #guard: Guard;
  readonly #uses: Uses;
  readonly #authentications: Authentications;
  readonly #sightings = new Sightings();

  constructor(parts: {
    realm: TokenRealm;
    store: Store;
    guard: Guard;
    uses: Uses;
    authentications: Authentications;
  }) {
    this.#realm = parts.realm;
    this.#store = parts.store;
    this.#guard = parts.guard;
    this.#uses = parts.uses;
    this.#authentications = parts.authentications;
  }

  /**
   * Asked at every request: what has become of the token, and of its creator, holds at the next one. One that is good is
   * held up by nothing, however many requests it makes at once, and whatever others try.
   */
  async principal(value: string, { source }: { readonly source: string }): Promise<Shown> {
    const reading = await readToken(this.#realm, value);
    if (reading.kind === 'refused') return this.#refuse(reading.fault, undefined, source);
    const { claims } = reading;
    const judged = judge(claims, await this.#record(claims), this.#realm.now());
    if (typeof judged === 'string') return this.#refuse(judged, claims, source);
    const { id } = claims;
    this.#uses.note({ kind: 'token', id });
    if (this.#sightings.isNews(id, source, this.#realm.now())) {
      this.#authentications.add({ ...use(claims, source), actor: { kind: 'token', id }, code: null });
    }
    return { kind: 'principal', principal: judged };
  }

  async #record({ id, creator }: TokenClaims): Promise<Record> {
    const [row, person, { memberships }] = await Promise.all([
      this.#store.read('apiToken', { id }),
      this.#store.read('person', { id: creator }),
      this.#store.read('standings', { person: creator, now: this.#realm.now() }),
    ]);
    return { row, person, memberships };
  }

  /** Counts it as a failure. What cannot be opened names nobody; what can be is no guess, and counts by itself only. */
  #refuse(fault: Fault, claims: TokenClaims | undefined, source: string): Shown {
    const subject = { kind: 'token', name: claims?.id ?? '' } as const;
    const answer = this.#guard.ask({ subject, source, ...(claims && { seal: 'holds' }) });
    if (answer.go) this.#guard.failed(answer.permit);
    const code = answer.go ? fault : 'too-many-attempts';
    this.#authentications.add({ ...use(claims, source), code });
    if (answer.go) return { kind: 'refused' };
    return { kind: 'held', retryAfterSeconds: answer.retryAfterSeconds };
  }
}

/** A token as it was shown; of one that cannot be opened nothing is known. */
function use(claims: TokenClaims | undefined, source: string): Omit<Authentication, 'code'> {
  return {
    organisation: claims?.organisation ?? null,
    channel: 'https',
    action: 'token.use',
    target: claims === undefined ? null : { kind: 'token', id: claims.id },
    source,
    persons: claims === undefined ? [] : [claims.creator],
  };
}

/**
 * What a token opens: what its creator is by membership now, cut down to what the token says and to what its row says.
 * What a fleet operator is by a grant carries no token. A standing that is withheld withholds its tokens.
 */
function judge(
  claims: TokenClaims,
  { row, person, memberships }: Record,
  now: number,
): TokenPrincipal | Fault {
  if (row === undefined || row.organisation !== claims.organisation || row.person !== claims.creator)
    return 'unknown';
  if (row.status !== 'active') return row.status;
  if (row.expires <= now) return 'expired';
  const membership = memberships.find(({ organisation }) => organisation.id === row.organisation);
  // Who left and came back is there anew: what he made before has ended.
  if (person === undefined || membership === undefined || membership.created > row.created)
    return 'creator-gone';
  const cuts = [person.cutOff, membership.organisation.cutOff, membership.memberCutOff];
  if (cuts.some((cut) => cut !== null && row.created <= cut)) return 'cut-off';
  const standing = standingOf(membership, { secondFactor: person.factorSecret !== null });
  const own = narrowed(standing, {
    scopes: expandScopes(claims.scopes),
    devices: claims.devices ?? null,
    tags: tagNumbers(claims.tags ?? null),
  });
  const kept = {
    scopes: expandScopes(row.scopes),
    devices: row.devices,
    tags: tagNumbers(row.tags),
  };
  const { id, name, expires } = row;
  return { kind: 'token', id, name, creator: person.id, expires, standing: narrowed(own, kept) };
}
