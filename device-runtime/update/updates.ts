import { readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { limits, type SlotName, slotName, type UpdatingMessage } from '@loadline/sdk/contract';
import { type Backoff, backoffDelay, type Log, makePrivateFolder } from '@loadline/sdk/platform';
import { ReleaseError, type ReleaseTarget, releaseTarget } from '@loadline/sdk/release';
import type { EventWords } from '@loadline/sdk/telemetry';
import type { Time } from '../clock/index.ts';
import { type Config, parseWindow } from '../config/index.ts';
import { clip, Trickle } from '../downlink/index.ts';
import type { Identity } from '../identity/index.ts';
import {
  clearResult,
  clearStaging,
  confirm,
  confirmLauncher,
  type Layout,
  layoutOf,
  readBootState,
  readInstallResult,
  readResult,
  requestInstall,
  startTrial,
} from '../slots/index.ts';
import { Bucket } from './bucket.ts';
import { fetchRelease, NoRoom } from './fetch-release.ts';
import {
  type Act,
  type Circumstances,
  type Happening,
  type Installed,
  isHealthy,
  remembered,
  reportOf,
  step,
  type Update,
} from './machine.ts';
import { UpdateMemory } from './memory.ts';
import { type Offer, readOffer } from './offer.ts';
import { fellBack, wentBack } from './result.ts';
import { gateOf } from './window.ts';

export interface UpdatesOptions {
  /** `LOADLINE_SLOT`, by the launcher; and where an installation has what, where that is moved. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Version of the release that runs, and when it was made, ms since 1970. */
  readonly running: string;
  readonly built: number;
  /** The configuration in force. */
  readonly config: () => Pick<Config, 'update' | 'uplink'>;
  /** `enrolment.url`; undefined where there is none. */
  readonly url: string | undefined;
  readonly identity: () => Identity | undefined;
  readonly authorityPem: () => string;
  readonly time: () => Time;
  readonly monotonic: () => number;
  readonly random: () => number;
  /** Frames that this run has heard. */
  readonly frames: () => number;
  /** Entries of the journal that wait to be sent. */
  readonly unsent: () => number;
  /** Bytes of the disk that the journal may still take. */
  readonly journalRoom: () => number;
  /** Resolves once what was told is on disk. */
  readonly flush: () => Promise<void>;
  readonly publish: (json: string) => Promise<boolean>;
  readonly onEvent: (event: EventWords) => void;
  /** Another release is to be tried: this run is to end, in order, with code 0. */
  readonly onSwitch: () => void;
  readonly log: Log;
  /** Milliseconds between two looks around; a second where it is left out. */
  readonly lookMilliseconds?: number;
}

/** What `status` shows of releases. */
export type ReleaseStatus = Omit<UpdatingMessage, 'version'>;

const usualLookMilliseconds = 1000;
/** Milliseconds between two reports of how far a download is. */
const reportMilliseconds = 10_000;
/** Milliseconds of silence from the radio after which no frames are expected of the next release either. */
const latelyMilliseconds = 10 * 60_000;
/** Milliseconds that this run has to last for the launcher that started it to be a good one. */
const launchedMilliseconds = 60_000;
/** Milliseconds after which the installer is asked once more: on a slow card it takes minutes. */
const askAgainMilliseconds = 30 * 60_000;
/** Milliseconds without a byte after which a download is begun anew where it ended. */
const stallMilliseconds = 60_000;
/** The fleet comes for a release at one time, and may lose it at one. */
const backoff: Backoff = { base: 10_000, cap: 15 * 60_000 };
/**
 * Milliseconds in which what runs after a rollback reaches the cloud, or the network was away for the one before, too: as it is
 * for configurations.
 */
const awayMilliseconds = 120_000;
/** Attempts at what trying again seldom mends: a signature, a digest. */
const hardAttempts = 3;
/** Entries that wait to be sent from which on readings are behind, and what a download gets meanwhile, bytes a second. */
const behindEntries = 2000;
const behindRate = 8 * 1024;
/** Bytes of the disk that are the journal's at most: it may be allowed more than there is. */
const mostReserved = 256 * 1024 * 1024;

/** By which the launcher tries the other slot, where the release in force died: nobody offered that. */
const nobodysOffer = '00000000-0000-0000-0000-000000000000';

/** Refusals that trying again does not mend. */
const finalCodes: ReadonlySet<string> = new Set(['release-unknown', 'manifest-malformed']);
/** And those that it seldom mends. */
const hardCodes: ReadonlySet<string> = new Set(['metadata-refused', 'file-refused']);

/**
 * Updates over the air, as far as the gateway goes: what is offered is fetched and staged, root's installer is asked, the
 * launcher told; and in the run after that, whether the new release is healthy. Whatever fails in here, readings go on:
 * nothing of it throws, or is waited for.
 */
export class Updates {
  readonly #options: UpdatesOptions;
  readonly #layout: Layout;
  readonly #slot: SlotName | null;
  readonly #target: ReleaseTarget | undefined;
  /** The gateway's own folder of updates, beside `boot` and `staging`: parts, memory, what metadata it believes. */
  readonly #folder: string;
  readonly #parts: string;
  readonly #memory: UpdateMemory;
  readonly #bucket: Bucket;
  readonly #trickle = new Trickle();
  readonly #stopping = new AbortController();
  readonly #openedAt: number;
  #update: Update = { stage: { kind: 'idle' }, wish: null, ended: [] };
  #root: string | undefined;
  #fetching: AbortController | undefined;
  #fetched: Promise<void> = Promise.resolve();
  /** Why nothing may begin. */
  #held: string | undefined;
  #hardFailures = 0;
  /** An offer that was gone back from without having reached the cloud. */
  #doubted: string | undefined;
  #frames = 0;
  #heardAt = Number.NEGATIVE_INFINITY;
  #reported = '';
  #reportedAt = Number.NEGATIVE_INFINITY;
  #confirming = false;
  #askedAt = 0;
  #launcherConfirmed = false;
  #looking = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: UpdatesOptions) {
    const { environment, monotonic, log } = options;
    this.#options = options;
    this.#layout = layoutOf(environment);
    this.#slot = slotName.safeParse(environment.LOADLINE_SLOT).data ?? null;
    this.#target = releaseTarget.safeParse(`linux-${process.arch}`).data;
    this.#folder = join(dirname(this.#layout.boot.folder), 'updates');
    this.#parts = join(this.#folder, 'parts');
    this.#memory = new UpdateMemory(join(this.#folder, 'updates.json'), log);
    this.#bucket = new Bucket(monotonic);
    this.#openedAt = monotonic();
  }

  /** Finds out what this run is, a trial or not, and what became of the last one. Does not throw. */
  async open(): Promise<void> {
    if (this.#slot === null) return;
    this.#root = await readFile(this.#layout.trustedRoot, 'utf8').catch(() => undefined);
    await this.#guarded('memory', async () => {
      await makePrivateFolder(this.#folder);
      const { ended } = await this.#memory.open();
      this.#update = { ...this.#update, ended };
    });
    // Whatever of that the disk does not do: a trial has to be confirmed all the same.
    await this.#guarded('result', () => this.#tellResult());
    await this.#guarded('trial', () => this.#beginTrial());
    const every = this.#options.lookMilliseconds ?? usualLookMilliseconds;
    this.#timer = setInterval(() => void this.#look(), every).unref();
  }

  /** What the cloud offers. Whatever it is, it does not throw. */
  received(payload: Uint8Array): void {
    const { monotonic, log } = this.#options;
    const read = readOffer(payload);
    if (!read.ok) {
      const pass = this.#trickle.pass(monotonic());
      if (pass) log.warn('update-malformed', { reason: clip(read.fault, 200), unsaid: pass.held });
      return;
    }
    this.#happened({ kind: 'offered', offer: read.offer });
  }

  /** There is a link. */
  connected(): void {
    this.#doubt();
    this.#happened({ kind: 'connected' });
    this.#report('again');
  }

  /** The cloud has acknowledged something. */
  acknowledged(): void {
    if (this.#update.stage.kind === 'trying') this.#happened({ kind: 'acknowledged' });
  }

  /**
   * Keeps updates from beginning, since a release comes by another way into the same folders, or lets them begin again.
   *
   * @returns false where one is in a slot already, or on trial; otherwise when nothing of one is under way any more
   */
  async hold(why: string | undefined): Promise<boolean> {
    this.#held = why;
    this.#happened({ kind: 'looked' });
    await this.#fetched;
    const { kind } = this.#update.stage;
    const isFree = kind !== 'installing' && kind !== 'installed' && kind !== 'switching' && kind !== 'trying';
    if (!isFree) this.#held = undefined;
    return isFree;
  }

  /** What runs, and how far it is with what was offered. */
  status(): ReleaseStatus {
    const { running, monotonic } = this.#options;
    const { offer: about, progress } = reportOf(this.#update, monotonic());
    const offer = about === nobodysOffer ? null : about;
    return {
      running: { release: running, slot: this.#slot, target: this.#target ?? `linux-${process.arch}` },
      offer,
      progress: 'detail' in progress ? { ...progress, detail: clip(progress.detail, 300) } : progress,
    };
  }

  /** Lets go of everything. What was fetched stays, and is gone on with. */
  stop(): void {
    this.#stopping.abort(new Error('the gateway is stopping'));
    clearInterval(this.#timer);
    this.#memory.stop();
  }

  /** What the launcher did by itself is told once: remembered, in the journal, and only then forgotten by the launcher. */
  async #tellResult(): Promise<void> {
    const { onEvent, flush } = this.#options;
    const result = await readResult(this.#layout);
    if (result === undefined) return;
    const { trial, confirmed, ended, triedAgain } = this.#memory.value;
    let fault: string | undefined;
    if (result.kind === 'rolled-back') {
      const { id } = result;
      const proof = trial?.id === id ? trial.proof : undefined;
      const detail = wentBack(result, proof);
      if (result.reason === 'deadline' && proof?.acknowledged === false && id !== triedAgain)
        this.#doubted = id;
      const how = { state: 'rolled-back', detail } as const;
      fault = await this.#remember(remembered(ended, id, how));
      this.#update = { ...this.#update, stage: { kind: 'ended', id, how } };
      onEvent({ code: 'release-rolled-back', subject: '', detail: clip(detail, limits.eventDetailBytes) });
    } else {
      const detail = fellBack(result);
      // Installed anew, it would die as it did.
      if (result.reason === 'deaths' && confirmed !== null) {
        fault = await this.#remember(remembered(ended, confirmed, { state: 'rolled-back', detail }));
      }
      onEvent({ code: 'release-fell-back', subject: '', detail });
    }
    await flush();
    // Told twice is better than tried again, and again.
    if (fault === undefined) await clearResult(this.#layout);
  }

  /** There is a link, and where there was none for long it was not the release's fault that it had none: once more. */
  #doubt(): void {
    const id = this.#doubted;
    this.#doubted = undefined;
    if (id === undefined || this.#options.monotonic() - this.#openedAt < awayMilliseconds) return;
    const { stage, ended } = this.#update;
    if (stage.kind !== 'ended' || stage.id !== id) return;
    const others = ended.filter((one) => one.id !== id);
    this.#update = { ...this.#update, stage: { kind: 'idle' }, ended: others };
    void this.#memory.change({ ended: others, triedAgain: id });
    this.#options.log.info('release-tried-again', { offer: id, reason: 'the network was away' });
  }

  /** Resolves with the reason why it is not on disk, where it is not. */
  async #remember(ended: Update['ended']): Promise<string | undefined> {
    this.#update = { ...this.#update, ended };
    return await this.#memory.change({ ended: [...ended], trial: null });
  }

  async #beginTrial(): Promise<void> {
    const { running, monotonic } = this.#options;
    const { trial } = await readBootState(this.#layout);
    if (trial === undefined || trial.slot !== this.#slot) return;
    const noted = this.#memory.value.trial;
    const expectsFrames = noted?.id === trial.id && noted.expectsFrames;
    const until = monotonic() + trial.seconds * 1000;
    this.#update = {
      ...this.#update,
      stage: {
        kind: 'trying',
        trial: { id: trial.id, release: running, until, expectsFrames },
        proof: { acknowledged: false, heard: false },
      },
    };
  }

  /** A look around, now and then. */
  async #look(): Promise<void> {
    if (this.#looking || this.#stopping.signal.aborted) return;
    this.#looking = true;
    await this.#guarded('look', async () => {
      const { monotonic, frames } = this.#options;
      const now = monotonic();
      const heard = frames();
      if (heard > this.#frames) {
        this.#frames = heard;
        this.#heardAt = now;
        if (this.#update.stage.kind === 'trying') this.#happened({ kind: 'heard' });
      }
      if (!this.#launcherConfirmed && now - this.#openedAt >= launchedMilliseconds) {
        await confirmLauncher(this.#layout, this.#options.environment);
        this.#launcherConfirmed = true;
      }
      if (this.#update.stage.kind === 'installing') await this.#readAnswer();
      this.#happened({ kind: 'looked' });
      await this.#tryToConfirm();
    });
    this.#looking = false;
  }

  async #readAnswer(): Promise<void> {
    const { stage } = this.#update;
    if (stage.kind !== 'installing') return;
    const answer = await readInstallResult(this.#layout);
    if (answer?.id !== stage.offer.id) {
      await this.#askAgain(stage.offer);
      return;
    }
    const { id } = answer;
    if (answer.outcome === 'refused') {
      const { code, detail } = answer;
      this.#happened({ kind: 'install-refused', id, code, detail });
    } else {
      const { slot, healthSeconds } = answer;
      this.#happened({ kind: 'installed', id, answer: { slot, healthSeconds } });
    }
    // The installer changes nothing in a folder that is not root's.
    if (this.#update.stage.kind !== 'installing') await clearStaging(this.#layout);
  }

  /** Whoever was to install it was perhaps killed. */
  async #askAgain({ id, release }: Offer): Promise<void> {
    const now = this.#options.monotonic();
    if (now - this.#askedAt < askAgainMilliseconds || this.#target === undefined) return;
    this.#askedAt = now;
    await requestInstall(this.#layout, { id, release, target: this.#target });
  }

  #happened(happening: Happening): void {
    if (this.#stopping.signal.aborted) return;
    const before = this.#update.stage;
    const { update, acts } = step(this.#update, happening, this.#circumstances());
    this.#update = update;
    for (const act of acts) this.#do(act);
    const { stage } = update;
    if (stage.kind === 'trying' && before.kind === 'trying' && stage.proof !== before.proof) {
      const { id, expectsFrames } = stage.trial;
      void this.#memory.change({ trial: { id, expectsFrames, proof: stage.proof } });
    }
    this.#report('changes');
  }

  #circumstances(): Circumstances {
    const { config, time, monotonic, running } = this.#options;
    const { enabled, window } = config().update;
    const terms = { enabled, window: window === undefined ? undefined : parseWindow(window) };
    const gate = this.#held === undefined ? gateOf(terms, time()) : { open: false as const, why: this.#held };
    return { gate, now: monotonic(), running, incapable: this.#incapable() };
  }

  #incapable(): Circumstances['incapable'] {
    if (this.#slot === null) {
      const detail = 'no launcher started this gateway, so nobody could go back: update it by hand';
      return { code: 'no-launcher', detail };
    }
    if (this.#options.url === undefined) {
      const detail = 'its configuration has no `enrolment.url`: releases are fetched from that host';
      return { code: 'no-source', detail };
    }
    if (this.#target === undefined) {
      return { code: 'no-target', detail: `there are no releases for linux-${process.arch}` };
    }
    if (this.#root !== undefined) return undefined;
    const detail = `${this.#layout.trustedRoot} cannot be read: it says whose releases are believed`;
    return { code: 'no-trusted-root', detail };
  }

  #do(act: Act): void {
    switch (act.act) {
      case 'fetch': {
        const stopped = new AbortController();
        this.#fetching = stopped;
        // What was fetched before may still be on its way out, of the same folders.
        this.#fetched = this.#fetched.then(() => this.#fetch(act.offer, stopped));
        return;
      }
      case 'stop-fetching':
        this.#fetching?.abort(new Error('it is to be fetched no longer'));
        this.#fetching = undefined;
        return;
      case 'switch':
        void this.#switch(act.offer, act.answer);
        return;
      case 'confirm':
        void this.#tryToConfirm();
        return;
      case 'remember':
        void this.#memory.change({ ended: [...this.#update.ended] });
        void this.#guarded('clear', () => this.#clear());
        return;
      case 'tell': {
        const { event } = act;
        this.#options.onEvent({ ...event, detail: clip(event.detail, limits.eventDetailBytes) });
        return;
      }
    }
  }

  /** Fetches, and says how it went, unless it was told to stop meanwhile. */
  async #fetch(offer: Offer, stopped: AbortController): Promise<void> {
    const { log, monotonic, random } = this.#options;
    const signal = AbortSignal.any([this.#stopping.signal, stopped.signal]);
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
      this.#askedAt = monotonic();
      this.#happened({ kind: 'staged' });
    } catch (error) {
      if (signal.aborted) return;
      const failure = failureOf(error);
      log.warn('release-not-fetched', { release: offer.release, ...failure });
      // Somebody else needs the disk more.
      if (failure.code === 'storage-failed') await this.#guarded('clear', () => this.#clear());
      if (hardCodes.has(failure.code)) this.#hardFailures++;
      const isFinal =
        error instanceof NoRoom || finalCodes.has(failure.code) || this.#hardFailures >= hardAttempts;
      if (isFinal) this.#hardFailures = 0;
      const { stage } = this.#update;
      const failures = stage.kind === 'downloading' ? stage.failures + 1 : 1;
      const wait = isFinal ? undefined : backoffDelay(backoff, failures, 0.5 + random() / 2);
      this.#happened({ kind: 'failed', ...failure, wait });
    } finally {
      if (this.#fetching === stopped) this.#fetching = undefined;
    }
  }

  async #fetchInto(offer: Offer, signal: AbortSignal): Promise<void> {
    const { url, authorityPem, time, config, built, log, monotonic, journalRoom } = this.#options;
    const identity = this.#options.identity();
    const target = this.#target;
    const root = this.#root;
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
    const folder = join(this.#folder, 'trust');
    try {
      await fetchRelease({
        offer,
        target,
        layout: this.#layout,
        parts: this.#parts,
        source,
        trust: () => TrustedReleases.open({ folder, root, source, time: time(), built, log }),
        reserve: () => Math.min(mostReserved, journalRoom()),
        pace: (bytes, until) => this.#pace(bytes, until),
        monotonic,
        onProgress: (done, total) => {
          if (!signal.aborted) this.#happened({ kind: 'progressed', done, total });
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
    const { config, unsent } = this.#options;
    const said = config().update.bytes_per_second;
    const rate = unsent() > behindEntries ? Math.min(said ?? behindRate, behindRate) : said;
    const wait = this.#bucket.take(bytes, rate);
    if (wait > 0) await delay(wait, undefined, { signal });
  }

  /** What was fetched is of no use any more, or its room is needed. */
  async #clear(): Promise<void> {
    await clearStaging(this.#layout);
    await rm(this.#parts, { recursive: true, force: true });
  }

  async #switch({ id, release }: Offer, { slot, healthSeconds }: Installed): Promise<void> {
    const { log, monotonic, flush, onSwitch } = this.#options;
    try {
      const expectsFrames = monotonic() - this.#heardAt < latelyMilliseconds;
      const proof = { acknowledged: false, heard: false };
      const fault = await this.#memory.change({ trial: { id, expectsFrames, proof } });
      if (fault !== undefined) throw new Error(fault);
      await flush();
      await startTrial(this.#layout, { slot, seconds: healthSeconds, id });
      log.info('release-switch', { release, slot, expectsFrames, seconds: healthSeconds });
      onSwitch();
    } catch (error) {
      log.error('release-not-switched', { release, reason: (error as Error).message });
      this.#happened({
        kind: 'switch-failed',
        detail: `the launcher cannot be told: ${(error as Error).message}`,
      });
    }
  }

  /** Until the launcher goes back, it is tried again where the disk does not take it. */
  async #tryToConfirm(): Promise<void> {
    const { stage } = this.#update;
    if (stage.kind !== 'trying' || this.#slot === null || this.#confirming) return;
    const { trial, proof } = stage;
    if (!isHealthy(trial, proof)) return;
    this.#confirming = true;
    await this.#guarded('confirm', async () => {
      await confirm(this.#layout, this.#slot as SlotName);
      this.#happened({ kind: 'confirmed' });
      await this.#memory.change({ trial: null, confirmed: trial.id });
      await clearStaging(this.#layout);
    });
    this.#confirming = false;
  }

  /** Tells the cloud, where there is something new; `again`: or where it is another link. */
  #report(why: 'changes' | 'again'): void {
    const now = this.#options.monotonic();
    const status = this.status();
    const { progress } = status;
    // What counts down or up by itself is no change.
    const state = progress.state === 'downloading' || progress.state === 'trying' ? progress.state : progress;
    const key = JSON.stringify({ ...status, progress: state });
    const isDue = progress.state === 'downloading' && now - this.#reportedAt >= reportMilliseconds;
    if (why === 'changes' && key === this.#reported && !isDue) return;
    this.#reported = key;
    this.#reportedAt = now;
    void this.#options.publish(JSON.stringify({ version: 1, ...status } satisfies UpdatingMessage));
  }

  async #guarded(what: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#options.log.error('update-failed', { what, reason: (error as Error).message });
    }
  }
}

function failureOf(error: unknown): { readonly code: string; readonly detail: string } {
  const { message } = error as Error;
  if (error instanceof ReleaseError) return { code: error.code, detail: message };
  if (error instanceof NoRoom) return { code: 'no-room', detail: message };
  const isDisk = (error as NodeJS.ErrnoException).syscall !== undefined;
  return { code: isDisk ? 'storage-failed' : 'source-failed', detail: message };
}
