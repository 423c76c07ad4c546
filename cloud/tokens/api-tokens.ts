import { randomUUID } from 'node:crypto';
import { expandScopes } from '@loadline/sdk/api';
import { tagName } from '@loadline/sdk/t24';
import { mayGive, narrowed, type Standing } from '../access/index.ts';
import { type Refusal, type Result, refused } from '../people/index.ts';
import { actsForWhole } from '../people/rules.ts';
import type { Directory } from '../router/index.ts';
import { type ApiTokenRow, type Store, step } from '../store/index.ts';
import { iso, json, notAllReached, type Restriction, tagNumbers } from './gifts.ts';
import { lastsUntil, type Maker, tooMuch } from './maker.ts';
import { mintToken, type TokenRealm } from './token.ts';

/** What is asked for. */
export interface WantedToken extends Restriction {
  readonly name: string;
  /** Patterns. */
  readonly scopes: readonly string[];
  readonly days: number;
}

export type TokenStatus = 'active' | 'inactive';

const dayMs = 86_400_000;
const noSuchToken = () => refused('not-found', 'there is no such token');

/** The API tokens of organisations: made, listed, switched off and on, revoked. */
export class ApiTokens {
  readonly #realm: TokenRealm;
  readonly #store: Store;
  readonly #directory: Directory;

  constructor(parts: { realm: TokenRealm; store: Store; directory: Directory }) {
    this.#realm = parts.realm;
    this.#store = parts.store;
    this.#directory = parts.directory;
  }

  /**
   * Makes a token; `value` is to be shown this once. It can do no more than who makes it, lives no longer than the
   * organisation lets tokens live, and, where a token makes it, no longer than that one. Whoever's token makes it is
   * its creator.
   */
  async create(maker: Maker, wanted: WantedToken): Promise<Result<{ token: ApiTokenRow; value: string }>> {
    const { standing, person } = maker;
    const id = randomUUID();
    const target = { kind: 'token', id };
    const refusal = this.#refusal(standing, wanted);
    if (refusal !== undefined) return await tooMuch(this.#store, maker, target, refusal);
    const organisation = standing.organisation.id;
    const latest = await this.#latest(maker);
    const created = this.#realm.now();
    const expires = Math.min(created + wanted.days * dayMs, latest);
    const { name, scopes } = wanted;
    // A limit of the token that makes it becomes its own: it would not be known at its use.
    const devices = wanted.devices ?? listOf(standing.reach.devices);
    const tags = wanted.tags ?? listOf(standing.reach.tags)?.map(tagName) ?? null;
    const limits = { devices: devices ?? undefined, tags: tags ?? undefined };
    const minted = await this.#mint({ id, organisation, creator: person, scopes, ...limits, expires });
    if (minted === undefined) {
      return refused(
        'request-invalid',
        'body: a token cannot say so much: name fewer devices, tags or scopes',
      );
    }
    const row = { id, organisation, person, name, created, expires: minted.claims.expires };
    const lists = { scopes: JSON.stringify(scopes), devices: json(devices), tags: json(tags) };
    const changed = await this.#store.change({
      steps: [step('addApiToken', { ...row, ...lists }, 'some')],
      audit: [maker.entry({ target, after: { name, scopes, devices, tags, expires: iso(row.expires) } })],
    });
    if (!changed.done) return refused('more-than-own', 'tokens are for members of the organisation');
    const token = await this.#store.read('apiToken', { id });
    if (token === undefined) return noSuchToken();
    return { kind: 'done', value: { token, value: minted.token } };
  }

  /** A page of the tokens that somebody may see, in the order they were made. */
  async list(
    maker: Maker,
    filter: { readonly status?: string | undefined; readonly creator?: string | undefined },
    page: { readonly after: { created: number; id: string } | undefined; readonly limit: number },
  ): Promise<{ readonly items: ApiTokenRow[]; readonly more: boolean }> {
    const { organisation } = maker.standing;
    const { created: afterCreated, id: afterId } = page.after ?? { created: -1, id: '' };
    const creator = filter.creator ?? null;
    const only = actsForWhole(maker.standing) ? creator : maker.person;
    if (creator !== null && creator !== only) return { items: [], more: false };
    if (maker.token !== null && !actsForWhole(maker.standing)) {
      const own = await this.#store.read('apiToken', { id: maker.token });
      const fits = own && page.after === undefined && (filter.status ?? own.status) === own.status;
      return { items: fits ? [own] : [], more: false };
    }
    const items = await this.#store.read('apiTokens', {
      organisation: organisation.id,
      status: filter.status ?? null,
      creator: only,
      afterCreated,
      afterId,
      limit: page.limit + 1,
    });
    return { items: items.slice(0, page.limit), more: items.length > page.limit };
  }

  async token(maker: Maker, id: string): Promise<ApiTokenRow | undefined> {
    const row = await this.#store.read('apiToken', { id });
    return row !== undefined && maySee(maker, row) ? row : undefined;
  }

  /** Renames it, switches it off or on. What was revoked stays so. */
  async patch(
    maker: Maker,
    id: string,
    change: { readonly name?: string | undefined; readonly status?: TokenStatus | undefined },
  ): Promise<Result<ApiTokenRow>> {
    const row = await this.token(maker, id);
    if (row === undefined) return noSuchToken();
    const target = { kind: 'token', id };
    const revoked = refused('conflict', 'it was revoked, and stays so: make another one');
    if (row.status === 'revoked') return revoked;
    if (change.status === 'active' && row.status !== 'active') {
      const refusal = this.#refusal(maker.standing, row);
      if (refusal !== undefined) return await tooMuch(this.#store, maker, target, refusal);
    }
    const { name = row.name, status = row.status } = change;
    const { organisation } = row;
    const changed = await this.#store.change({
      steps: [step('setApiToken', { organisation, id, name, status }, 'some')],
      audit: [
        maker.entry({ target, before: { name: row.name, status: row.status }, after: { name, status } }),
      ],
    });
    return changed.done ? { kind: 'done', value: { ...row, name, status } } : revoked;
  }

  /** Ends it for good; no more than that where it was revoked already. */
  async revoke(maker: Maker, id: string): Promise<Result<undefined>> {
    const row = await this.token(maker, id);
    if (row === undefined) return noSuchToken();
    await this.#store.change({
      steps: [step('revokeApiToken', { organisation: row.organisation, id }, 'some')],
      audit: [
        maker.entry({
          target: { kind: 'token', id },
          before: { name: row.name, status: row.status },
          after: { status: 'revoked' },
        }),
      ],
    });
    return { kind: 'done', value: undefined };
  }

  /** The last moment at which what this maker makes may be good, ms since 1970. */
  async #latest(maker: Maker): Promise<number> {
    const { id } = maker.standing.organisation;
    const organisation = await this.#store.read('organisation', { id });
    const policy = this.#realm.now() + (organisation?.tokenDays ?? 0) * dayMs;
    return Math.min(policy, await lastsUntil(this.#store, maker));
  }

  /** Why somebody may not give this away, if he may not. Patterns are what they stand for now. */
  #refusal(
    standing: Standing,
    { scopes, devices, tags }: Restriction & { scopes: readonly string[] },
  ): Refusal | undefined {
    const expanded = expandScopes(scopes);
    const { reach } = narrowed(standing, { scopes: expanded, devices, tags: tagNumbers(tags) });
    if (!mayGive(standing, { scopes: expanded, reach })) {
      return refused(
        'more-than-own',
        'body/scopes: a token can have no scope that you have not got yourself',
      );
    }
    return notAllReached(standing, { devices, tags }, this.#directory);
  }

  async #mint(
    claims: Parameters<typeof mintToken>[1],
  ): Promise<Awaited<ReturnType<typeof mintToken>> | undefined> {
    try {
      return await mintToken(this.#realm, claims);
    } catch (error) {
      if (error instanceof RangeError) return undefined;
      throw error;
    }
  }
}

/** Everybody sees his own; those of others who acts for the whole organisation; a token that is limited itself alone. */
function maySee(maker: Maker, row: ApiTokenRow): boolean {
  if (row.organisation !== maker.standing.organisation.id) return false;
  if (actsForWhole(maker.standing)) return true;
  return maker.token === null ? row.person === maker.person : row.id === maker.token;
}

function listOf<T>(set: ReadonlySet<T> | null): T[] | null {
  return set === null ? null : [...set];
}
