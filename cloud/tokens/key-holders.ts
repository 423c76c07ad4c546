import type { Secret } from '@loadline/sdk/platform';
import { type ApplicationPrincipal, narrowed } from '../access/index.ts';
import type { Authentications } from '../audit/index.ts';
import type { Guard } from '../guard/index.ts';
import { isSecret, type Keyring } from '../keys/index.ts';
import type { HeldKeyRow, Store } from '../store/index.ts';
import { applicationScopes } from './application-keys.ts';
import { tagNumbers } from './gifts.ts';
import type { Uses } from './uses.ts';

/** Why a key opens nothing. For the audit log only. */
type Fault = 'unknown' | 'secret' | 'inactive' | 'revoked' | 'expired' | 'key';

/** A key that is good, and when it ends by itself, ms since 1970; null: never. */
export interface Held {
  readonly principal: ApplicationPrincipal;
  readonly expires: number | null;
}

interface KeyHoldersParts {
  readonly store: Store;
  readonly keys: Keyring;
  readonly guard: Guard;
  readonly uses: Uses;
  readonly authentications: Authentications;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Who shows an application key and its secret, and what that opens now. */
export class KeyHolders {
  readonly #parts: KeyHoldersParts;

  constructor(parts: KeyHoldersParts) {
    this.#parts = parts;
  }

  /**
   * Whom a key and secret prove at the MQTT door; undefined where nobody, whatever the reason. For a key that there is
   * not it does what it does for one whose secret is wrong: one look into the store, one secret derived. A refusal is
   * told of here; what becomes of a link whose key is good, by the door.
   */
  async authenticate(
    key: string,
    secret: Secret,
    { source }: { readonly source: string },
  ): Promise<Held | undefined> {
    const [row] = await this.#parts.store.read('heldKeys', { ids: [key] });
    const right = isSecret(this.#parts.keys, 'application-secret', row, secret.reveal());
    const fault = right ? this.#fault(row) : row === undefined ? 'unknown' : 'secret';
    if (fault !== undefined || row === undefined) {
      this.#refuse(fault ?? 'unknown', { key, row, right, source });
      return undefined;
    }
    this.#parts.uses.note({ kind: 'application-key', id: row.id });
    return { principal: principalOf(row), expires: row.expires };
  }

  /** What those of these keys open now that are good still. */
  async again(keys: readonly string[]): Promise<Map<string, Held>> {
    const rows = await this.#parts.store.read('heldKeys', { ids: keys });
    const good = rows.filter((row) => this.#fault(row) === undefined);
    return new Map(good.map((row) => [row.id, { principal: principalOf(row), expires: row.expires }]));
  }

  /** Counts it as a failure. Whoever has the secret does not guess: 256 bits are not guessed. */
  #refuse(
    fault: Fault,
    { key, row, right, source }: { key: string; row: HeldKeyRow | undefined; right: boolean; source: string },
  ): void {
    const subject = { kind: 'application-key', name: key } as const;
    const answer = this.#parts.guard.ask({ subject, source, ...(right && { seal: 'holds' }) });
    if (answer.go) this.#parts.guard.failed(answer.permit);
    this.#parts.authentications.add({
      organisation: row?.organisation ?? null,
      channel: 'mqtt',
      action: 'session.create',
      target: row === undefined ? null : { kind: 'application-key', id: row.id },
      code: answer.go ? fault : 'too-many-attempts',
      source,
      persons: [],
    });
  }

  #fault(row: HeldKeyRow | undefined): Fault | undefined {
    if (row === undefined) return 'unknown';
    if (row.status !== 'active') return row.status;
    if (row.expires !== null && row.expires <= this.#parts.now()) return 'expired';
    // Who forgets a version after a leak ends the keys that were made with it.
    if (this.#parts.keys.version('application-secret', row.version) === undefined) return 'key';
    return undefined;
  }
}

/** A key is its application's, and no person's: it follows what both may, whoever made them. */
function principalOf(row: HeldKeyRow): ApplicationPrincipal {
  const whole = { departments: 'all', customer: null, devices: null, tags: null } as const;
  const standing = narrowed(
    { organisation: { id: row.organisation }, scopes: applicationScopes, reach: whole, withheld: null },
    { scopes: applicationScopes, devices: row.applicationDevices, tags: null },
  );
  return {
    kind: 'application-key',
    id: row.id,
    application: row.application,
    standing: narrowed(standing, {
      scopes: applicationScopes,
      devices: row.devices,
      tags: tagNumbers(row.tags),
    }),
    topics: row.topics,
  };
}
