import { randomBytes } from 'node:crypto';
import { type Keyring, makeSecret } from '../keys/index.ts';
import { type Result, refused } from '../people/index.ts';
import type { Device } from '../router/index.ts';
import { type CredentialKind, type CredentialRow, type Step, type Store, step } from '../store/index.ts';
import { lastsUntil, type Maker } from '../tokens/index.ts';
import { type Credential, type CredentialBook, hashOf } from './credential-book.ts';

const dayMs = 86_400_000;
const noSuchCredential = () => refused('not-found', 'there is no such credential');
const staysRevoked = () => refused('conflict', 'it was revoked, and stays so: make another one');
const isRevoked = ({ status }: Credential) => status === 'revoked';

/** What is asked for. */
export interface WantedCredential {
  readonly kind: CredentialKind;
  readonly name: string;
  /** Null: until it is revoked. */
  readonly days: number | null;
}

/** What is asked to become of one. */
interface CredentialChange {
  readonly name?: string | undefined;
  readonly status?: 'active' | 'inactive' | undefined;
}

/** What a device proves itself by: made, listed, switched off and on, revoked. */
export class CredentialDesk {
  readonly #store: Store;
  readonly #keys: Keyring;
  readonly #book: CredentialBook;
  readonly #now: () => number;
  /** One change at a time: each is of what the one before it left. */
  #changing: Promise<unknown> = Promise.resolve();

  /** `now`: ms since 1970. */
  constructor(parts: { store: Store; keys: Keyring; book: CredentialBook; now: () => number }) {
    this.#store = parts.store;
    this.#keys = parts.keys;
    this.#book = parts.book;
    this.#now = parts.now;
  }

  /**
   * Makes one; its `secret` is to be shown this once. Where the device has one of the kind, that one ends when the new
   * one is first used; another that was made for that and never used ends now. Made by an API token, it ends with that
   * token at the latest.
   */
  create(
    maker: Maker,
    device: Device,
    wanted: WantedCredential,
  ): Promise<Result<{ credential: CredentialRow; secret: string }>> {
    return this.#inTurn(() => this.#create(maker, device, wanted));
  }

  async #create(
    maker: Maker,
    device: Device,
    { kind, name, days }: WantedCredential,
  ): Promise<Result<{ credential: CredentialRow; secret: string }>> {
    const latest = await lastsUntil(this.#store, maker);
    const [working, ...unused] = this.#book
      .ofDevice(device.number)
      .filter((one) => one.kind === kind && one.status !== 'revoked');
    const created = this.#now();
    const ends = Math.min(days === null ? Number.POSITIVE_INFINITY : created + days * dayMs, latest);
    const { id, secret, hash, version } = this.#make(kind);
    const row = {
      ...{ id, device: device.number, kind, name, hash, version, created },
      replaces: working?.id ?? null,
      expires: Number.isFinite(ends) ? ends : null,
    };
    const { expires, replaces } = row;
    await this.#store.change({
      steps: [
        step('addDeviceCredential', row),
        ...unused.map((one) => step('revokeDeviceCredential', { id: one.id })),
      ],
      audit: [
        ...unused.map((one) => maker.entry(ended(one))),
        maker.entry({
          target: { kind: 'device-credential', id },
          after: {
            device: device.id,
            kind,
            name,
            replaces,
            expires: expires && new Date(expires).toISOString(),
          },
        }),
      ],
    });
    for (const one of unused) one.status = 'revoked';
    const credential = this.#book.add({ ...row, status: 'active', used: null, counter: -1 });
    return { kind: 'done', value: { credential, secret } };
  }

  /** Those of a device, in the order they were made. */
  list(device: Device): readonly CredentialRow[] {
    return this.#book.ofDevice(device.number);
  }

  get(device: Device, id: string): Result<CredentialRow> {
    const credential = this.#book.ofDeviceWithId(device.number, id);
    return credential === undefined ? noSuchCredential() : { kind: 'done', value: credential };
  }

  /** Renames it, switches it off or on. What was revoked stays so. */
  patch(maker: Maker, device: Device, id: string, change: CredentialChange): Promise<Result<CredentialRow>> {
    return this.#inTurn(() => this.#patch(maker, device, id, change));
  }

  async #patch(
    maker: Maker,
    device: Device,
    id: string,
    change: CredentialChange,
  ): Promise<Result<CredentialRow>> {
    const credential = this.#book.ofDeviceWithId(device.number, id);
    if (credential === undefined) return noSuchCredential();
    if (credential.status === 'revoked') return staysRevoked();
    const before = { name: credential.name, status: credential.status };
    const after = { name: change.name ?? before.name, status: change.status ?? before.status };
    const changed = await this.#store.change({
      steps: [step('setDeviceCredential', { id, ...after }, 'some')],
      audit: [maker.entry({ target: { kind: 'device-credential', id }, before, after })],
    });
    // It may have been revoked meanwhile, by somebody else or by the use of the one that takes its place.
    if (!changed.done || isRevoked(credential)) return staysRevoked();
    Object.assign(credential, after);
    return { kind: 'done', value: credential };
  }

  /** Ends it for good, and its links with it; no more than that where it was revoked already. */
  async revoke(maker: Maker, device: Device, id: string): Promise<Result<undefined>> {
    const credential = this.#book.ofDeviceWithId(device.number, id);
    if (credential === undefined) return noSuchCredential();
    await this.#store.change({
      steps: [step('revokeDeviceCredential', { id }, 'some')],
      audit: [maker.entry(ended(credential))],
    });
    credential.status = 'revoked';
    return { kind: 'done', value: undefined };
  }

  /** Everything a device has, ended for good: the step that does it, and what is to be said once it is taken. */
  ending({ number: device }: Device): { readonly step: Step; readonly taken: () => void } {
    return {
      step: step('revokeCredentialsOf', { device }),
      taken: () => {
        for (const one of this.#book.ofDevice(device)) (one as Credential).status = 'revoked';
      },
    };
  }

  #inTurn<T>(change: () => Promise<T>): Promise<T> {
    const done = this.#changing.then(change);
    this.#changing = done.catch(() => undefined);
    return done;
  }

  #make(kind: CredentialKind): {
    id: string;
    secret: string;
    hash: Uint8Array | null;
    version: string | null;
  } {
    switch (kind) {
      case 'token':
        return token('tok', 'lld');
      case 'socket-token':
        return token('stok', 'lls');
      case 'key':
        return { ...makeSecret(this.#keys, 'device-secret'), hash: null };
      case 'socket-key':
        return { ...makeSecret(this.#keys, 'socket-secret'), hash: null };
    }
  }
}

/** What the audit log says of one that is revoked. */
function ended({ id, name, status }: Credential) {
  return {
    action: 'device-credential.delete',
    target: { kind: 'device-credential', id },
    before: { name, status },
    after: { status: 'revoked' },
  };
}

/** A token of 256 random bits, under an id that may be shown. */
function token(idPrefix: string, prefix: string) {
  const secret = `${prefix}_${randomBytes(32).toString('base64url')}`;
  const id = `${idPrefix}_${randomBytes(18).toString('base64url')}`;
  return { id, secret, hash: hashOf(secret), version: null };
}
