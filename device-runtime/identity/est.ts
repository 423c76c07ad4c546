import type { TLSSocket } from 'node:tls';
import { presentedChain, type Told } from '@loadline/sdk/trust';
import type { Time } from '../clock/index.ts';
import type { Config } from '../config/index.ts';
import { connectSecure } from '../uplink/index.ts';
import type { Identity } from './identity.ts';

/** What proves to the cloud that a certificate may be given. */
export type Proof =
  | { readonly kind: 'secret'; readonly secret: string }
  | { readonly kind: 'certificate'; readonly identity: Identity };

export interface EstOptions {
  /** `enrolment.url` of the configuration. */
  readonly url: string;
  readonly gatewayId: string;
  /** The authorities trusted now, PEM. */
  readonly authorityPem: () => string;
  /** What is known of the time: a first start may well be in 1970. */
  readonly time: () => Time;
  readonly proxy: () => Config['uplink']['proxy'];
  /** Ends all of it. */
  readonly signal: AbortSignal;
}

/** Milliseconds that one exchange may take. */
const exchangeMilliseconds = 15_000;

/** node-forge is a third of the bundle, and needed on few days of a gateway's life. */
const identityTools = () => import('@loadline/sdk/identity');

/** Makes a private key, PKCS#8 in PEM. */
export async function makeKey(): Promise<string> {
  const { generateKeyPair } = await identityTools();
  return (await generateKeyPair()).privateKeyPem;
}

/**
 * The cloud's EST server, as this gateway reaches it: over connections that `connectSecure` makes, through the same proxy and
 * judged by the same trust and time as links are.
 */
export class Est {
  readonly #options: EstOptions;

  constructor(options: EstOptions) {
    this.#options = options;
  }

  get url(): string {
    return this.#options.url;
  }

  /** What the cloud says of its authorities, and how it was believed. Throws IdentityError. */
  async authorities(): Promise<Omit<Told, 'roots'>> {
    const { caCertificates } = await identityTools();
    const { time } = this.#options;
    let how: Pick<Told, 'presented' | 'host'> = { presented: [], host: '' };
    const told = await caCertificates(
      await this.#server(undefined, (socket, host) => {
        how = { presented: presentedChain(socket), host };
      }),
    );
    return { ...how, told, time: time() };
  }

  /**
   * A certificate for a key.
   *
   * @returns the chain without its root, PEM
   * @throws IdentityError
   */
  async certificate(privateKeyPem: string, proof: Proof): Promise<string> {
    const { createSigningRequest, enrol, reenrol, softwareSigner } = await identityTools();
    const { gatewayId } = this.#options;
    const requestPem = createSigningRequest({ commonName: gatewayId, signer: softwareSigner(privateKeyPem) });
    const server = await this.#server(proof.kind === 'certificate' ? proof.identity : undefined);
    const wanted = { ...server, gatewayId, requestPem };
    const { chainPem } =
      proof.kind === 'certificate' ? await reenrol(wanted) : await enrol({ ...wanted, secret: proof.secret });
    return chainPem;
  }

  async #server(client: Identity | undefined, onConnected?: (socket: TLSSocket, host: string) => void) {
    const { url, authorityPem: trusted, time, proxy, signal: stopped } = this.#options;
    const signal = AbortSignal.any([stopped, AbortSignal.timeout(exchangeMilliseconds)]);
    const authorityPem = trusted();
    const { request } = await import('node:https');
    return {
      url,
      authorityPem,
      request,
      signal,
      connect: async (host: string, port: number): Promise<TLSSocket> => {
        const destination = { host, port, authorityPem, time: time(), proxy: proxy(), signal };
        const socket = await connectSecure({ ...destination, ...(client && { client }) });
        onConnected?.(socket, host);
        return socket;
      },
    };
  }
}
