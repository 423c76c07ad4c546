import type { OrganisationScope } from '@loadline/sdk/api';
import { type Keyring, makeSecret } from '../keys/index.ts';
import { type Refusal, type Result, refused } from '../people/index.ts';
import type { Directory } from '../router/index.ts';
import { type ApplicationKeyRow, type ApplicationRow, type Store, step } from '../store/index.ts';
import type { Applications } from './applications.ts';
import { iso, json, type Restriction, reachesFurther } from './gifts.ts';
import { lastsUntil, type Maker, tooMuch } from './maker.ts';

/** What every application key opens, of the devices and tags that it may follow. */
export const applicationScopes: ReadonlySet<OrganisationScope> = new Set(['live.get', 'events.get']);

const dayMs = 86_400_000;
const noSuchKey = () => refused('not-found', 'there is no such key');

/** What is asked for. */
export interface WantedKey extends Restriction {
  readonly name: string;
  /** MQTT filters below `v1/org/<organisation>/`. */
  readonly topics: readonly string[] | null;
  /** Null: until it is revoked. */
  readonly days: number | null;
}

interface ApplicationKeysParts {
  readonly store: Store;
  readonly keys: Keyring;
  readonly applications: Applications;
  readonly directory: Directory;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** The keys of applications: made, listed, switched off and on, revoked. */
export class ApplicationKeys {
  readonly #parts: ApplicationKeysParts;

  constructor(parts: ApplicationKeysParts) {
    this.#parts = parts;
  }

  /** Makes a key; its `secret` is to be shown this once. Made by a token, it ends with that token at the latest. */
  async create(
    maker: Maker,
    application: string,
    wanted: WantedKey,
  ): Promise<Result<{ key: ApplicationKeyRow; secret: string }>> {
    const of = await this.#parts.applications.application(maker, application);
    if (of === undefined) return noSuchApplication();
    const { id, version, secret } = makeSecret(this.#parts.keys, 'application-secret');
    const target = { kind: 'application-key', id };
    const refusal = this.#refusal(maker, of, wanted);
    if (refusal !== undefined) return await tooMuch(this.#parts.store, maker, target, refusal);
    const latest = await lastsUntil(this.#parts.store, maker);
    const created = this.#parts.now();
    const ends = Math.min(
      wanted.days === null ? Number.POSITIVE_INFINITY : created + wanted.days * dayMs,
      latest,
    );
    const expires = Number.isFinite(ends) ? ends : null;
    const { name, devices, tags, topics } = wanted;
    const row = { id, application, name, version, created, expires };
    const lists = { devices: json(devices), tags: json(tags), topics: json(topics) };
    const changed = await this.#parts.store.change({
      steps: [step('addApplicationKey', { ...row, ...lists })],
      audit: [
        maker.entry({
          target,
          after: {
            application,
            name,
            devices,
            tags,
            topics,
            expires: expires === null ? null : iso(expires),
          },
        }),
      ],
    });
    if (!changed.done) return noSuchApplication();
    const key = { ...row, devices, tags, topics, status: 'active', used: null } as const;
    return { kind: 'done', value: { key, secret } };
  }

  /** A page of an application's keys, in the order they were made. */
  async list(
    maker: Maker,
    application: string,
    page: { readonly after: { created: number; id: string } | undefined; readonly limit: number },
  ): Promise<Result<{ readonly items: ApplicationKeyRow[]; readonly more: boolean }>> {
    if ((await this.#parts.applications.application(maker, application)) === undefined)
      return noSuchApplication();
    const { created: afterCreated, id: afterId } = page.after ?? { created: -1, id: '' };
    const limit = page.limit + 1;
    const items = await this.#parts.store.read('applicationKeys', {
      application,
      afterCreated,
      afterId,
      limit,
    });
    return { kind: 'done', value: { items: items.slice(0, page.limit), more: items.length > page.limit } };
  }

  async key(maker: Maker, application: string, id: string): Promise<Result<ApplicationKeyRow>> {
    const found = await this.#find(maker, application, id);
    return found === undefined ? noSuchKey() : { kind: 'done', value: found.row };
  }

  /** Renames it, switches it off or on. What was revoked stays so. */
  async patch(
    maker: Maker,
    { application, id }: { readonly application: string; readonly id: string },
    change: { readonly name?: string | undefined; readonly status?: 'active' | 'inactive' | undefined },
  ): Promise<Result<ApplicationKeyRow>> {
    const found = await this.#find(maker, application, id);
    if (found === undefined) return noSuchKey();
    const { row, of } = found;
    const target = { kind: 'application-key', id };
    const revoked = refused('conflict', 'it was revoked, and stays so: make another one');
    if (row.status === 'revoked') return revoked;
    if (change.status === 'active' && row.status !== 'active') {
      const refusal = this.#refusal(maker, of, row);
      if (refusal !== undefined) return await tooMuch(this.#parts.store, maker, target, refusal);
    }
    const { name = row.name, status = row.status } = change;
    const changed = await this.#parts.store.change({
      steps: [step('setApplicationKey', { application, id, name, status }, 'some')],
      audit: [
        maker.entry({ target, before: { name: row.name, status: row.status }, after: { name, status } }),
      ],
    });
    return changed.done ? { kind: 'done', value: { ...row, name, status } } : revoked;
  }

  /** Ends it for good, and its links with it; no more than that where it was revoked already. */
  async revoke(maker: Maker, application: string, id: string): Promise<Result<undefined>> {
    const found = await this.#find(maker, application, id);
    if (found === undefined) return noSuchKey();
    const { name, status } = found.row;
    await this.#parts.store.change({
      steps: [step('revokeApplicationKey', { application, id }, 'some')],
      audit: [
        maker.entry({
          target: { kind: 'application-key', id },
          before: { name, status },
          after: { status: 'revoked' },
        }),
      ],
    });
    return { kind: 'done', value: undefined };
  }

  async #find(
    maker: Maker,
    application: string,
    id: string,
  ): Promise<{ readonly row: ApplicationKeyRow; readonly of: ApplicationRow } | undefined> {
    const of = await this.#parts.applications.application(maker, application);
    if (of === undefined) return undefined;
    const row = await this.#parts.store.read('applicationKey', { application, id });
    return row && { row, of };
  }

  /** Why somebody may not give this away, if he may not. A key follows no more than its application does. */
  #refusal({ standing }: Maker, of: ApplicationRow, { devices, tags }: Restriction): Refusal | undefined {
    if (![...applicationScopes].every((one) => standing.scopes.has(one))) {
      const needed = [...applicationScopes].join(' and ');
      return refused('more-than-own', `a key opens ${needed}: you have not got both yourself`);
    }
    const foreign = of.devices === null ? undefined : devices?.find((one) => !of.devices?.includes(one));
    if (foreign !== undefined) {
      return refused('more-than-own', `body/devices: ${foreign} is not among the application's devices`);
    }
    return reachesFurther(standing, { devices: devices ?? of.devices, tags }, this.#parts.directory);
  }
}

function noSuchApplication(): Refusal {
  return refused('not-found', 'there is no such application');
}
