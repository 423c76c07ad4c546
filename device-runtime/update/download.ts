import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Backoff, backoffDelay } from '@loadline/sdk/platform';
import { ReleaseError } from '@loadline/sdk/release';
import { clearStaging } from '../slots/index.ts';
import { Bucket } from './bucket.ts';
import { fetchRelease, NoRoom } from './fetch-release.ts';
import { guarded } from './guarded.ts';
import type { Happening } from './machine.ts';
import type { Offer } from './offer.ts';
import type { Surroundings } from './surroundings.ts';

/** Milliseconds without a byte after which a download is begun anew where it ended. */
const stallMilliseconds = 60_000;
/** The fleet comes for a release at one time, and may lose it at one. */
const backoff: Backoff = { base: 10_000, cap: 15 * 60_000 };
/** Attempts at what trying again seldom mends: a signature, a digest. */
const hardAttempts = 3;
/** Entries that wait to be sent from which on readings are behind, and what a download gets meanwhile, bytes a second. */
const behindEntries = 2000;
const behindRate = 8 * 1024;
/** Bytes of the disk that are the journal's at most: it may be allowed more than there is. */
const mostReserved = 256 * 1024 * 1024;

/** Refusals that trying again does not mend. */
const finalCodes: ReadonlySet<string> = new Set(['release-unknown', 'release-too-old', 'manifest-malformed']);
/** And those that it seldom mends. */
const hardCodes: ReadonlySet<string> = new Set(['metadata-refused', 'file-refused']);

/** What a download needs beside its surroundings. */
interface DownloadOptions {
  /** What says whose releases are believed; undefined where it cannot be read. */
  readonly root: () => string | undefined;
  /** Takes how it goes: `progressed`, `staged` and `failed`. */
  readonly happened: (happening: Happening) => void;
  /** The gateway is stopping. */
  readonly stopping: AbortSignal;
}

/** Fetches what is offered, one release at a time, no faster than it may, until it is told to stop. */
export class Download {
  readonly #surroundings: Surroundings;
  readonly #options: DownloadOptions;
  readonly #parts: string;
  readonly #bucket: Bucket;
  #fetching: AbortController | undefined;
  #fetched: Promise<void> = Promise.resolve();
  #hardFailures = 0;

  constructor(surroundings: Surroundings, options: DownloadOptions) {
    this.#surroundings = surroundings;
    this.#options = options;
    this.#parts = join(surroundings.folder, 'parts');
    this.#bucket = new Bucket(surroundings.options.monotonic);
  }

  /** Resolves when nothing is under way any more. */
  get over(): Promise<void> {
    return this.#fetched;
  }

  /**
   * Begins to fetch a release.
   *
   * @param failures attempts at it that failed, one after the other
   */
  begin(offer: Offer, failures: number): void {
    const stopped = new AbortController();
    this.#fetching = stopped;
    // What was fetched before may still be on its way out, of the same folders.
    this.#fetched = this.#fetched.then(() => this.#fetch(offer, failures, stopped));
  }

  /** Stops what is under way. What came stays, and is gone on with. */
  stop(): void {
    this.#fetching?.abort(new Error('it is to be fetched no longer'));
    this.#fetching = undefined;
  }

  /** What was fetched is of no use any more, or its room is needed. */
  async clear(): Promise<void> {
    const { options, layout } = this.#surroundings;
    await guarded(options.log, 'clear', async () => {
      await clearStaging(layout);
      await rm(this.#parts, { recursive: true, force: true });
    });
  }

  /** Fetches, and says how it went, unless it was told to stop meanwhile. */
  async #fetch(offer: Offer, failures: number, stopped: AbortController): Promise<void> {
    const { log, monotonic } = this.#surroundings.options;
    const { stopping, happened } = this.#options;
    const signal = AbortSignal.any([stopping, stopped.signal]);
    if (signal.aborted) return;
    const since = monotonic();
    try {
      await this.#fetchInto(offer, signal);
      if (signal.aborted) return;
      log.info('release-staged', {
        release: offer.release,
        seconds: Math.round((monotonic() - since) / 1000),
      });
      this.#hardFailures = 0;
      happened({ kind: 'staged' });
    } catch (error) {
      if (signal.aborted) return;
      const failure = failureOf(error);
      log.warn('release-not-fetched', { release: offer.release, ...failure });
      // Somebody else needs the disk more.
      if (failure.code === 'storage-failed') await this.clear();
      happened({ kind: 'failed', ...failure, wait: this.#waitAfter(error, failure.code, failures) });
    } finally {
      if (this.#fetching === stopped) this.#fetching = undefined;
    }
  }

  /** Milliseconds until it is tried again; undefined where that mends nothing. */
  #waitAfter(error: unknown, code: string, failures: number): number | undefined {
    if (hardCodes.has(code)) this.#hardFailures++;
    const isFinal = error instanceof NoRoom || finalCodes.has(code) || this.#hardFailures >= hardAttempts;
    if (isFinal) this.#hardFailures = 0;
    const { random } = this.#surroundings.options;
    return isFinal ? undefined : backoffDelay(backoff, failures + 1, 0.5 + random() / 2);
  }

  async #fetchInto(offer: Offer, signal: AbortSignal): Promise<void> {
    const { options, layout, target } = this.#surroundings;
    const { url, authorityPem, time, config, built, log, monotonic, journalRoom } = options;
    const identity = options.identity();
    const root = this.#options.root();
    if (url === undefined || target === undefined || root === undefined || identity === undefined) {
      throw new ReleaseError('source-failed', 'there is no certificate to fetch it by');
    }
    // Needed on few days of a gateway's life.
    const [{ CloudSource }, { TrustedReleases }] = await Promise.all([
      import('./cloud-source.ts'),
      import('./trusted.ts'),
    ]);
    const { proxy } = config().uplink;
    const source = new CloudSource({ url, identity, authorityPem: authorityPem(), time, proxy, signal });
    const folder = join(this.#surroundings.folder, 'trust');
    try {
      await fetchRelease({
        offer,
        target,
        layout,
        parts: this.#parts,
        source,
        trust: () => TrustedReleases.open({ folder, root, source, time: time(), built, log }),
        reserve: () => Math.min(mostReserved, journalRoom()),
        pace: (bytes, until) => this.#pace(bytes, until),
        monotonic,
        onProgress: (done, total) => {
          if (!signal.aborted) this.#options.happened({ kind: 'progressed', done, total });
        },
        stallMilliseconds,
        signal,
      });
    } finally {
      source.close();
    }
  }

  /** Readings first: while they are behind, a download trickles. */
  async #pace(bytes: number, signal: AbortSignal): Promise<void> {
    const { config, unsent } = this.#surroundings.options;
    const said = config().update.bytes_per_second;
    const rate = unsent() > behindEntries ? Math.min(said ?? behindRate, behindRate) : said;
    const wait = this.#bucket.take(bytes, rate);
    if (wait > 0) await delay(wait, undefined, { signal });
  }
}

function failureOf(error: unknown): { readonly code: string; readonly detail: string } {
  const { message } = error as Error;
  if (error instanceof ReleaseError) return { code: error.code, detail: message };
  if (error instanceof NoRoom) return { code: 'no-room', detail: message };
  const isDisk = (error as NodeJS.ErrnoException).syscall !== undefined;
  return { code: isDisk ? 'storage-failed' : 'source-failed', detail: message };
}
