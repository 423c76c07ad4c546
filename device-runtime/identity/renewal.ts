import { stat } from 'node:fs/promises';
import { type EventCode, limits } from '@loadline/sdk/contract';
import type { Log } from '@loadline/sdk/platform';
import { type Backoff, backoffDelay, removeWhole } from '@loadline/sdk/platform';
import type { Time } from '../clock/index.ts';
import { clip } from '../downlink/index.ts';
import { isExpiring, isTurnedDown, type Life, type Refusals, type Standing, standingOf } from './due.ts';
import { type Est, makeKey, type Proof } from './est.ts';
import { type Identity, termOf } from './identity.ts';
import type { Found, IdentityFiles } from './identity-files.ts';
import { readSecret } from './load.ts';
import type { Trust } from './trust.ts';

type RenewalEvent = Extract<EventCode, `certificate-${string}` | 'trust-changed'>;

export interface RenewalOptions {
  readonly files: IdentityFiles;
  /** The identity at the start. */
  readonly found: Extract<Found, { kind: 'identity' }>;
  /** Undefined where the configuration names no EST server: then nothing can be renewed. */
  readonly est: Est | undefined;
  /** Where somebody puts a one-time secret for a gateway whose certificate opens nothing any more. */
  readonly secretFile: string | undefined;
  readonly trust: Trust;
  readonly time: () => Time;
  /** Milliseconds. */
  readonly monotonic: () => number;
  /** A number 0 <= n < 1, for the jitter. */
  readonly random: () => number;
  /** How the links are: whether one stands, and how many in a row the cloud, believed, has refused. */
  readonly links: { readonly isConnected: boolean; readonly refusals: Refusals };
  /** Goes on with another identity, over one new connection. */
  readonly takeOver: (identity: Identity) => void;
  readonly onEvent: (code: RenewalEvent, detail: string) => void;
  readonly log: Log;
}

/** Waits between failed attempts, in milliseconds: an hour at most, of the ten days that are left of thirty. */
const backoff: Backoff = { base: 1000, cap: 3_600_000 };
/** The same where the gateway is shut out until it succeeds. */
const shutOutBackoff: Backoff = { base: 1000, cap: 300_000 };
/** Milliseconds between two looks at the fleet's authorities; less for certificates that live for less than a month. */
const lookMilliseconds = 86_400_000;
const looksInLife = 30;

/**
 * Keeps the gateway's certificate alive: another one, for another key, at two thirds of its life; and the authorities that
 * it believes, as the fleet goes from one to the next. Where the certificate has ended, it asks by that certificate
 * all the same, or by a one-time secret that somebody puts there, for as long as it takes.
 *
 *     keys and certificate of `found` -> due -> cacerts, trust -> renewal.key -> simplereenroll -> renewal.crt
 *       -> takeOver (one new connection) -> connected: settled, the cloud ends the old one
 *                                        -> refused by the cloud: back to the old one, while that is good
 *
 * It does nothing by itself: `tick` is its clock.
 */
export class Renewal {
  readonly #options: RenewalOptions;
  readonly #stopping = new AbortController();
  #identity: Identity;
  /** Good until the cloud has seen the one that follows it. */
  #previous: Identity | undefined;
  #isSettled: boolean;
  #life: Life;
  #jitter: number;
  #failures = 0;
  /** Monotonic milliseconds before which nothing is attempted; and before which nobody looks at the authorities. */
  #notBefore = Number.NEGATIVE_INFINITY;
  #lookAfter: number;
  #work: Promise<void> | undefined;
  /** What was said of this certificate already. */
  readonly #said = new Set<string>();
  /** When the secret that was tried last was put there, ms since 1970. */
  #secretTried: number | undefined;

  constructor(options: RenewalOptions) {
    const { found, monotonic, random } = options;
    this.#options = options;
    this.#identity = found.identity;
    this.#previous = found.previous;
    this.#isSettled = found.isSettled;
    const { notBefore, notAfter } = termOf(found.identity.chainPem);
    this.#life = { since: notBefore, notAfter };
    this.#jitter = random();
    this.#lookAfter = monotonic() + random() * this.#lookInterval;
  }

  /** The identity to connect with. */
  get identity(): Identity {
    return this.#identity;
  }

  /** Looks whether anything is to be done, and begins it. To be called every few seconds. */
  tick(): void {
    if (this.#work !== undefined || this.#stopping.signal.aborted) return;
    const { time, monotonic, links, est } = this.#options;
    if (!this.#isSettled && this.#previous !== undefined && isTurnedDown(links.refusals)) {
      this.#begin(this.#goBack(this.#previous));
      return;
    }
    const standing = standingOf(this.#life, this.#jitter, time(), links.refusals);
    if (standing === 'ended') {
      this.#say('certificate-expired', this.#withRemedy(`it ended at ${iso(this.#life.notAfter)}`));
    }
    if (est === undefined) {
      if (standing !== 'good') this.#failed(new Error('`enrolment.url` is not configured'), standing);
    } else if (standing === 'good') {
      if (links.isConnected && monotonic() >= this.#lookAfter) this.#begin(this.#look(est));
    } else if (monotonic() >= this.#notBefore) this.#begin(this.#renew(est, standing));
    else if (standing !== 'due') this.#begin(this.#lookForSecret());
  }

  /** A link stands that was made with this identity. */
  connected(identity: Identity): void {
    if (identity !== this.#identity || this.#isSettled) return;
    const { onEvent, log, files } = this.#options;
    this.#isSettled = true;
    this.#previous = undefined;
    this.#failures = 0;
    this.#said.clear();
    onEvent('certificate-renewed', `it is good until ${iso(this.#life.notAfter)}`);
    // After a cut in between the newest is found all the same.
    void files
      .settle(identity)
      .catch((error: Error) => log.warn('identity-not-settled', { reason: error.message }));
  }

  /** Begins nothing more, and waits for what is under way. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#options.trust.stop();
    await this.#work;
  }

  get #lookInterval(): number {
    const { since, notAfter } = this.#life;
    return Math.min(lookMilliseconds, (notAfter - since) / looksInLife);
  }

  #begin(work: Promise<void>): void {
    this.#work = work
      .catch((error: Error) => this.#options.log.error('renewal-lost', { reason: error.message }))
      .finally(() => {
        this.#work = undefined;
      });
  }

  /** Asks what the fleet's authorities are now. */
  async #look(est: Est): Promise<void> {
    const { trust, onEvent, monotonic, random, log } = this.#options;
    this.#lookAfter = monotonic() + this.#lookInterval * (0.5 + random());
    try {
      const changed = await trust.hear(await est.authorities());
      if (changed !== undefined) onEvent('trust-changed', clip(changed, limits.eventDetailBytes));
    } catch (error) {
      // Whoever cannot be reached for this is not reached for a certificate either, and says so then.
      log.warn('authorities-not-told', { reason: (error as Error).message });
    }
  }

  async #renew(est: Est, standing: Exclude<Standing, 'good'>): Promise<void> {
    const { files, time, log } = this.#options;
    try {
      if (!this.#isSettled) await files.settle(this.#identity);
      await this.#look(est);
      const privateKeyPem = await files.nextKey(this.#identity, makeKey);
      const chainPem = await this.#certificate(est, privateKeyPem, standing);
      const { notBefore, notAfter } = termOf(chainPem);
      const now = time();
      if (now.wall > notAfter)
        throw new Error(`the certificate that was given ended at ${iso(notAfter)} already`);
      await files.keepNext(chainPem);
      // The next run finds it.
      if (this.#stopping.signal.aborted) return;
      log.info('certificate-given', { until: iso(notAfter), reason: standing });
      // Until a link stands by it, it is an attempt like any other: a cloud that gives what it does not take is not asked on and on.
      this.#wait(standing);
      this.#previous = standing === 'due' ? this.#identity : undefined;
      this.#isSettled = false;
      this.#go({ privateKeyPem, chainPem }, now.kind === 'known' ? Math.max(now.wall, notBefore) : notBefore);
    } catch (error) {
      if (!this.#stopping.signal.aborted) this.#failed(error as Error, standing);
    }
  }

  /** By the certificate; where that is refused and somebody has put a secret there, by that. */
  async #certificate(est: Est, privateKeyPem: string, standing: Standing): Promise<string> {
    const ask = (proof: Proof) => est.certificate(privateKeyPem, proof);
    try {
      return await ask({ kind: 'certificate', identity: this.#identity });
    } catch (error) {
      const { secretFile } = this.#options;
      if (!isRefusal(error) || standing === 'due' || secretFile === undefined) throw error;
      this.#secretTried = await writtenAt(secretFile);
      const secret = await readSecret(secretFile);
      if (secret === undefined) throw error;
      const chainPem = await ask({ kind: 'secret', secret });
      await removeWhole(secretFile);
      return chainPem;
    }
  }

  /** A secret that somebody has put there meanwhile is tried at once. */
  async #lookForSecret(): Promise<void> {
    const { secretFile } = this.#options;
    const written = secretFile === undefined ? undefined : await writtenAt(secretFile);
    if (written === undefined || written === this.#secretTried) return;
    this.#secretTried = written;
    this.#notBefore = Number.NEGATIVE_INFINITY;
  }

  /** The cloud takes no links by the certificate that it gave: the one before it is good still. */
  async #goBack(previous: Identity): Promise<void> {
    await this.#options.files.forgetNext();
    this.#previous = undefined;
    this.#isSettled = true;
    this.#go(previous, termOf(previous.chainPem).notBefore);
    this.#failed(new Error('the cloud refuses links by the certificate that it gave'), 'due');
  }

  #go(identity: Identity, since: number): void {
    this.#identity = identity;
    this.#life = { since, notAfter: termOf(identity.chainPem).notAfter };
    this.#jitter = this.#options.random();
    this.#options.takeOver(identity);
  }

  #failed(error: Error, standing: Standing): void {
    const { log, time } = this.#options;
    const wait = this.#wait(standing);
    const { message: reason } = error;
    if (this.#options.est !== undefined) {
      log.warn('renewal-failed', { reason, failures: this.#failures, retryMs: wait });
    }
    if (isRefusal(error)) this.#say('certificate-refused', this.#withRemedy(reason));
    else if (isExpiring(this.#life, time())) {
      this.#say(
        'certificate-expiring',
        `it ends at ${iso(this.#life.notAfter)}, and is not renewed: ${reason}`,
      );
    }
  }

  /** Another attempt is made after this many milliseconds. */
  #wait(standing: Standing): number {
    const { monotonic, random } = this.#options;
    this.#failures++;
    const wait = Math.round(
      backoffDelay(standing === 'due' ? backoff : shutOutBackoff, this.#failures, random()),
    );
    this.#notBefore = monotonic() + wait;
    return wait;
  }

  /** What is wrong, and what somebody must do for this very gateway; in as few bytes as an event has. */
  #withRemedy(what: string): string {
    const { secretFile } = this.#options;
    const remedy =
      secretFile === undefined
        ? 'Provision it again, or name a file with a new enrolment secret in enrolment.secret_file'
        : `Put a new enrolment secret into ${secretFile}: it is taken up within seconds`;
    return `${clip(what, limits.eventDetailBytes - Buffer.byteLength(remedy) - 2)}. ${remedy}`;
  }

  /** Once of each certificate; a refusal, once for each reason. */
  #say(code: RenewalEvent, detail: string): void {
    const words = code === 'certificate-refused' ? `${code} ${detail.replaceAll(/\d+/g, '')}` : code;
    if (this.#said.has(words)) return;
    this.#said.add(words);
    this.#options.onEvent(code, clip(detail, limits.eventDetailBytes));
  }
}

/** Whether the cloud says that it will not, and trying again is no help until somebody acts. */
function isRefusal(error: unknown): boolean {
  return (error as { code?: unknown }).code === 'enrolment-refused';
}

async function writtenAt(file: string): Promise<number | undefined> {
  return await stat(file).then(
    ({ mtimeMs }) => mtimeMs,
    () => undefined,
  );
}

const iso = (wall: number): string => new Date(wall).toISOString();
