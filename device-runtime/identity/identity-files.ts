import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readIfThere, removeWhole, writeWhole } from '@loadline/sdk/platform';
import { type Identity, termOf, whyUnusable } from './identity.ts';

/** The files of an identity in a state folder. The last two are there while a renewal is under way. */
export const identityFiles = ['gateway.key', 'gateway.crt', 'renewal.key', 'renewal.crt'] as const;

/** What the files say of who the gateway is. */
export type Found =
  | {
      readonly kind: 'identity';
      readonly identity: Identity;
      /** The one before it, which may still be good, while it is not settled; undefined otherwise. */
      readonly previous: Identity | undefined;
      readonly isSettled: boolean;
    }
  /** `why` there is none, in words. */
  | { readonly kind: 'none'; readonly why: string };

/**
 * The gateway's keys and certificates on disk. A renewal writes its key, then its certificate, beside those in use; once
 * the cloud has seen the new one, it takes their place:
 *
 *     gateway.key      renewal.key           gateway.key    written anew with what renewal.key says
 *     gateway.crt   +  renewal.crt    ->     gateway.crt    likewise; then renewal.crt and renewal.key go
 *
 * Each file is written whole or not at all, and whichever certificate is newest and fits one of the keys is the
 * identity: so the power may be cut between any two of these, and it comes back as the old one or as the new one.
 */
export class IdentityFiles {
  readonly #state: string;
  readonly #gatewayId: string;

  constructor(state: string, gatewayId: string) {
    this.#state = state;
    this.#gatewayId = gatewayId;
  }

  /** Where a file of the folder is. */
  path(name: (typeof identityFiles)[number]): string {
    return join(this.#state, name);
  }

  async find(): Promise<Found> {
    const [key, certificate, nextKey, nextCertificate] = await Promise.all(
      identityFiles.map((name) => readIfThere(this.path(name))),
    );
    const keys = [nextKey, key].filter(isThere);
    const chains = [nextCertificate, certificate].filter(isThere);
    const usable = chains
      .flatMap((chainPem) => keys.map((privateKeyPem) => ({ privateKeyPem, chainPem })))
      .filter((one) => whyUnusable(one, this.#gatewayId) === undefined)
      // Of two of one second, the one that was written later comes first, and stays there.
      .sort((one, other) => beginOf(other) - beginOf(one));
    const [identity] = usable;
    if (identity === undefined) return { kind: 'none', why: this.#whyNone(certificate, key) };
    const isSettled = identity.privateKeyPem === key && identity.chainPem === certificate;
    const previous = usable.find(({ chainPem }) => chainPem !== identity.chainPem);
    return { kind: 'identity', identity, previous: isSettled ? undefined : previous, isSettled };
  }

  /** The key of the first certificate: the one that is there, or a new one by `make`. */
  async firstKey(
    make: () => Promise<string>,
  ): Promise<{ readonly privateKeyPem: string; readonly isNew: boolean }> {
    await mkdir(this.#state, { recursive: true, mode: 0o700 });
    return await this.#key('gateway.key', make);
  }

  async keepFirst(chainPem: string): Promise<void> {
    await writeWhole(this.path('gateway.crt'), chainPem, 0o644);
  }

  /**
   * The key of the next certificate: one that an earlier attempt has left, and for which it may have been given a
   * certificate that never came here, or a new one by `make`.
   */
  async nextKey({ privateKeyPem }: Identity, make: () => Promise<string>): Promise<string> {
    // A certificate of an attempt that was given up.
    await removeWhole(this.path('renewal.crt'));
    if ((await readIfThere(this.path('renewal.key'))) === privateKeyPem)
      await removeWhole(this.path('renewal.key'));
    return (await this.#key('renewal.key', make)).privateKeyPem;
  }

  /** The certificate for the next key: from here on it is the identity. */
  async keepNext(chainPem: string): Promise<void> {
    await writeWhole(this.path('renewal.crt'), chainPem, 0o644);
  }

  /** The identity takes the place of the one before it. */
  async settle({ privateKeyPem, chainPem }: Identity): Promise<void> {
    await writeWhole(this.path('gateway.key'), privateKeyPem, 0o600);
    await writeWhole(this.path('gateway.crt'), chainPem, 0o644);
    await this.forgetNext();
  }

  /** What was written beside the identity in use goes. */
  async forgetNext(): Promise<void> {
    await removeWhole(this.path('renewal.crt'));
    await removeWhole(this.path('renewal.key'));
  }

  async #key(name: 'gateway.key' | 'renewal.key', make: () => Promise<string>) {
    const kept = await readIfThere(this.path(name));
    if (kept !== undefined) return { privateKeyPem: kept, isNew: false };
    const privateKeyPem = await make();
    await writeWhole(this.path(name), privateKeyPem, 0o600);
    return { privateKeyPem, isNew: true };
  }

  #whyNone(chainPem: string | undefined, privateKeyPem: string | undefined): string {
    if (chainPem === undefined) return 'there is none yet';
    if (privateKeyPem === undefined) return 'the key beside it is gone';
    return whyUnusable({ chainPem, privateKeyPem }, this.#gatewayId) ?? 'there is none';
  }
}

const isThere = (text: string | undefined): text is string => text !== undefined;
const beginOf = ({ chainPem }: Identity): number => termOf(chainPem).notBefore;
