import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '@loadline/sdk/platform';
import { type Backoff, backoffDelay, readIfThere, removeWhole } from '@loadline/sdk/platform';
import type { Config } from '../config/index.ts';
import { type Est, makeKey } from './est.ts';
import type { Found, IdentityFiles } from './identity-files.ts';

export interface LoadOptions {
  readonly files: IdentityFiles;
  readonly enrolment: Config['enrolment'];
  /** Undefined exactly where `enrolment` is. */
  readonly est: Est | undefined;
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

/**
 * The gateway's identity out of its state folder. On the first start the key is made there, and never leaves; the
 * certificate is enrolled for, however long the network takes to come.
 *
 * @throws IdentityMissing where there is no certificate and no way to one; the abort reason when aborted.
 */
export async function loadIdentity(options: LoadOptions): Promise<Extract<Found, { kind: 'identity' }>> {
  const { files, enrolment, est, log } = options;
  const found = await files.find();
  if (found.kind === 'identity') return found;
  const { privateKeyPem, isNew } = await files.firstKey(makeKey);
  if (isNew) log.info('key-made', { file: files.path('gateway.key') });
  const secretFile = enrolment?.secret_file;
  if (est === undefined || secretFile === undefined) {
    throw new IdentityMissing(
      `no certificate to use in ${files.path('gateway.crt')} (${found.why}): give [enrolment] a url and a ` +
        'secret_file, provision the gateway, or put a certificate there for the key beside it',
    );
  }
  log.info('enrolling', { url: est.url, reason: found.why });
  const chainPem = await enrolPatiently(options, est, { privateKeyPem, secretFile });
  await files.keepFirst(chainPem);
  // It authorises one enrolment, and that one is on disk now.
  await removeWhole(secretFile);
  log.info('enrolled', { file: files.path('gateway.crt') });
  return { kind: 'identity', identity: { privateKeyPem, chainPem }, previous: undefined, isSettled: true };
}

async function enrolPatiently(
  { log, random, signal }: LoadOptions,
  est: Est,
  { privateKeyPem, secretFile }: { readonly privateKeyPem: string; readonly secretFile: string },
): Promise<string> {
  for (let failures = 1; ; failures++) {
    signal.throwIfAborted();
    try {
      const secret = await readSecret(secretFile);
      if (secret === undefined) throw new Error(`there is no enrolment secret in ${secretFile}`);
      return await est.certificate(privateKeyPem, { kind: 'secret', secret });
    } catch (error) {
      const wait = Math.round(backoffDelay(backoff, failures, random()));
      log.warn('enrolment-failed', { reason: (error as Error).message, failures, retryMs: wait });
      await delay(wait, undefined, { signal });
    }
  }
}

/** Read anew each time: whoever sees it refused puts another one there. Undefined where there is none. */
export async function readSecret(file: string): Promise<string | undefined> {
  return (await readIfThere(file))?.trim() || undefined;
}
