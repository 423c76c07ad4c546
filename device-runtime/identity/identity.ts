import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import type { RequestOptions, request } from 'node:https';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { TLSSocket } from 'node:tls';
import type { Log } from '@loadline/sdk/platform';
import { type Backoff, backoffDelay, readIfThere, removeWhole, writeWhole } from '@loadline/sdk/platform';
import type { Time } from '../clock/index.ts';
import type { Config } from '../config/index.ts';
import { connectSecure } from '../uplink/index.ts';

/** Who this gateway is: its key, made here, and the certificate it was given for it. PEM. */
export interface Identity {
  readonly privateKeyPem: string;
  readonly chainPem: string;
}

export interface IdentityOptions {
  readonly config: Config;
  readonly authorityPem: string;
  /** What is known of the time: a first start may well be in 1970. */
  readonly time: () => Time;
  readonly log: Log;
  /** A number 0 <= n < 1, for the jitter. */
  readonly random: () => number;
  /** Ends the attempts. */
  readonly signal: AbortSignal;
}

/** There is no certificate and no way to one: somebody has to act. */
export class IdentityMissing extends Error {
  override readonly name = 'IdentityMissing';
}

const backoff: Backoff = { base: 1000, cap: 60_000 };
const enrolMilliseconds = 15_000;

/**
 * The gateway's identity out of its state folder (`gateway.key`, `gateway.crt`). On the first start the key is made
 * there, and never leaves; the certificate is enrolled for, however long the network takes to come.
 *
 * @throws IdentityMissing where there is no certificate and no `[enrolment]`; the abort reason when aborted.
 */
export async function loadIdentity(options: IdentityOptions): Promise<Identity> {
  const { config, log } = options;
  const { id, state } = config.gateway;
  await mkdir(state, { recursive: true, mode: 0o700 });
  const keyFile = join(state, 'gateway.key');
  const chainFile = join(state, 'gateway.crt');
  let privateKeyPem = await readIfThere(keyFile);
  if (privateKeyPem === undefined) {
    const { generateKeyPair } = await identityTools();
    privateKeyPem = (await generateKeyPair()).privateKeyPem;
    await writeWhole(keyFile, privateKeyPem, 0o600);
    log.info('key-made', { file: keyFile });
  }
  const stored = await readIfThere(chainFile);
  const unusable = stored === undefined ? 'there is none yet' : whyUnusable(stored, id, privateKeyPem);
  if (stored !== undefined && unusable === undefined) return { privateKeyPem, chainPem: stored };
  if (config.enrolment === undefined) {
    throw new IdentityMissing(
      `no certificate to use in ${chainFile} (${unusable}): configure [enrolment], or put one there for the key beside it`,
    );
  }
  log.info('enrolling', { url: config.enrolment.url, reason: unusable });
  const chainPem = await enrolPatiently(options, privateKeyPem);
  await writeWhole(chainFile, chainPem, 0o644);
  // It authorises one enrolment, and that one is on disk now.
  await removeWhole(config.enrolment.secret_file);
  log.info('enrolled', { file: chainFile });
  return { privateKeyPem, chainPem };
}

/** node-forge is a third of the bundle, and needed on a gateway's first day only. */
const identityTools = () => import('@loadline/sdk/identity');

/** Times are not judged: the clock may not be set yet, and the cloud judges them anyway. */
function whyUnusable(chainPem: string, id: string, privateKeyPem: string): string | undefined {
  try {
    const certificate = new X509Certificate(chainPem);
    if (certificate.subject !== `CN=${id}`) return `it is for ${certificate.subject}, not for CN=${id}`;
    if (!certificate.checkPrivateKey(createPrivateKey(privateKeyPem))) return 'it is for another key';
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

async function enrolPatiently(options: IdentityOptions, privateKeyPem: string): Promise<string> {
  const { config, authorityPem, time, log, random, signal } = options;
  const { id } = config.gateway;
  const { url, secret_file } = config.enrolment as NonNullable<Config['enrolment']>;
  const { createSigningRequest, enrol, softwareSigner } = await identityTools();
  const requestPem = createSigningRequest({ commonName: id, signer: softwareSigner(privateKeyPem) });
  for (let failures = 1; ; failures++) {
    signal.throwIfAborted();
    try {
      // Read anew each time: whoever sees it refused puts another one there.
      const secret = (await readIfThere(secret_file))?.trim();
      if (!secret) throw new Error(`there is no enrolment secret in ${secret_file}`);
      const limit = AbortSignal.any([signal, AbortSignal.timeout(enrolMilliseconds)]);
      const { hostname, port } = new URL(url);
      const socket = await connectSecure({
        host: hostname.replace(/^\[|\]$/g, ''),
        port: Number(port || 443),
        authorityPem,
        time: time(),
        proxy: config.uplink.proxy,
        signal: limit,
      });
      try {
        const asked = { url, gatewayId: id, secret, requestPem, authorityPem };
        const enrolment = await enrol({ ...asked, request: over(socket), signal: limit });
        return enrolment.chainPem;
      } finally {
        socket.destroy();
      }
    } catch (error) {
      const wait = Math.round(backoffDelay(backoff, failures, random()));
      log.warn('enrolment-failed', { reason: (error as Error).message, failures, retryMs: wait });
      await delay(wait, undefined, { signal });
    }
  }
}

/** A request over a connection whose far end was judged already. */
function over(socket: TLSSocket): typeof request {
  const https = process.getBuiltinModule('node:https');
  const overIt = (url: URL, options: RequestOptions) =>
    https.request(url, { ...options, agent: undefined, createConnection: () => socket });
  return overIt as typeof request;
}
