import { createHash } from 'node:crypto';
import type { CredentialKind, CredentialRow, Store } from '../store/index.ts';

/** A row as it is now. */
export type Credential = { -readonly [K in keyof CredentialRow]: CredentialRow[K] };

/** SHA-256 of a token: it has 256 random bits, and needs no slower hash. */
export function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

/** What devices prove themselves by, in memory: every delivery of a device that keeps no link asks here. */
export class CredentialBook {
  readonly #byId = new Map<string, Credential>();
  readonly #byHash = new Map<string, Credential>();
  readonly #ofDevice = new Map<number, Credential[]>();

  static async load(store: Store): Promise<CredentialBook> {
    const book = new CredentialBook();
    for (const row of await store.read('deviceCredentials', {})) book.add(row);
    return book;
  }

  add(row: CredentialRow): Credential {
    const credential = { ...row };
    this.#byId.set(row.id, credential);
    if (row.hash !== null) this.#byHash.set(nameOf(row.hash), credential);
    const others = this.#ofDevice.get(row.device);
    if (others === undefined) this.#ofDevice.set(row.device, [credential]);
    else others.push(credential);
    return credential;
  }

  /** The one of a kind that has this id. */
  withId(kind: CredentialKind, id: string): Credential | undefined {
    const found = this.#byId.get(id);
    return found?.kind === kind ? found : undefined;
  }

  /** The one of a kind whose token this is. The hash is looked up, not the token: how long that takes tells nothing. */
  withToken(kind: CredentialKind, token: string): Credential | undefined {
    const found = this.#byHash.get(nameOf(hashOf(token)));
    return found?.kind === kind ? found : undefined;
  }

  /** Those of a device, by its row number, in the order they were made. */
  ofDevice(device: number): readonly Credential[] {
    return this.#ofDevice.get(device) ?? [];
  }

  /** The one of a device that has this id, of whatever kind. */
  ofDeviceWithId(device: number, id: string): Credential | undefined {
    const found = this.#byId.get(id);
    return found?.device === device ? found : undefined;
  }
}

function nameOf(hash: Uint8Array): string {
  return Buffer.from(hash.buffer, hash.byteOffset, hash.byteLength).toString('latin1');
}
