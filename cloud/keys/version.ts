import { createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';

/** The rings: versioned keys that are renewed, and forgotten, for reasons of their own. */
export const ringNames = ['token', 'seal', 'derive'] as const;

export type RingName = (typeof ringNames)[number];

/**
 * Every use of the keys, and the ring it draws from. No two uses share a key: the name goes into the derivation.
 * A name is never changed, or nothing that was made under it opens again.
 */
export const purposes = {
  'api-token': 'token',
  'sealed-value': 'seal',
  'private-key': 'seal',
  'application-secret': 'derive',
  'device-secret': 'derive',
  'socket-secret': 'derive',
  'device-cookie': 'derive',
} as const satisfies Record<string, RingName>;

export type Purpose = keyof typeof purposes;

/** Bytes of a key, and of every subkey. */
export const keyBytes = 32;

/** One version of a ring. Its key never leaves it: what is handed out is derived from it. */
export class KeyVersion {
  /** Random, printable: names the version in what is made with it (`kid`). */
  readonly id: string;
  /** ms since 1970. */
  readonly made: number;
  readonly #key: KeyObject;
  readonly #subkeys = new Map<Purpose, KeyObject>();

  /** `key`: 32 random bytes. */
  constructor(id: string, made: number, key: Uint8Array) {
    this.id = id;
    this.made = made;
    this.#key = createSecretKey(key);
  }

  /** The 256-bit key of one purpose. */
  subkey(purpose: Purpose): KeyObject {
    let subkey = this.#subkeys.get(purpose);
    if (subkey === undefined) {
      subkey = createSecretKey(this.derive(purpose, ''));
      this.#subkeys.set(purpose, subkey);
    }
    return subkey;
  }

  /**
   * 32 bytes that only who has this version can make again, others for each `context`: HKDF-SHA-256 (RFC 5869)
   * without salt, since the key is uniformly random (section 3.1), `info` = `loadline NUL purpose NUL context`.
   */
  derive(purpose: Purpose, context: string): Uint8Array {
    const info = `loadline\0${purpose}\0${context}`;
    return new Uint8Array(hkdfSync('sha256', this.#key, '', info, keyBytes));
  }
}

/** What sealing, tokens and secrets need of the keys. */
export interface Keyring {
  /** The version that new things are made with. */
  newest(purpose: Purpose): KeyVersion;
  /** A version by its id; undefined where it was never there or is forgotten. */
  version(purpose: Purpose, id: string): KeyVersion | undefined;
}
