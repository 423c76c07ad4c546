import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type SlotName, slotName } from '@loadline/sdk/contract';
import {
  type FlashBody,
  type FlashQuestionName,
  type FlashReply,
  type FlashState,
  flashQuestions,
} from '@loadline/sdk/flashing';
import { type Log, makePrivateFolder } from '@loadline/sdk/platform';
import { ReleaseError, type ReleaseTarget, releaseTarget } from '@loadline/sdk/release';
import type { Time } from '../clock/index.ts';
import {
  clearResult,
  clearStaging,
  confirm,
  type InstallResult,
  type Layout,
  layoutOf,
  readBootState,
  readInstallResult,
  readResult,
  startTrial,
} from '../slots/index.ts';
import { fetchRelease, NoRoom, UpdateMemory, wentBack } from '../update/index.ts';
import { type FlashNote, readFlashNote, writeFlashNote } from './flash-note.ts';
import { type Ask, LineSource } from './line-source.ts';
import { FlashRefused } from './refused.ts';

export interface FlasherOptions {
  /** `LOADLINE_SLOT`, by the launcher; and where an installation has what, where that is moved. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Version of the release that runs, and when it was made, ms since 1970. */
  readonly running: string;
  readonly built: number;
  readonly time: () => Time;
  readonly monotonic: () => number;
  readonly log: Log;
  readonly gateway: FlashedGateway;
  /** Another release is to be tried: this process is to end, in order, with code 0. */
  readonly onSwitch: () => void;
}

/** The gateway that works here, as far as a release from the line touches it. */
export interface FlashedGateway {
  /** Whether it is somebody's: then it confirms a new release itself, once its cloud has acknowledged something. */
  isProvisioned(): boolean;
  /**
   * Keeps updates over the air from beginning, or lets them begin again. Resolves when nothing of them is under way any
   * more; with false where one is in a slot already, or on trial.
   */
  holdUpdates(why: string | undefined): Promise<boolean>;
  /** Bytes of the disk that the journal may still take. */
  journalRoom(): number;
}

type Under = Exclude<FlashState, { state: 'idle' }>;

/** Milliseconds between two looks whether root's installer has answered, and in which it must have. */
const lookMilliseconds = 250;
const installerMilliseconds = 15 * 60_000;
/** Milliseconds from `switching` to the end of this process: the tool has heard of it by then. */
const switchMilliseconds = 1500;
/** Bytes of the disk that are the journal's at most. */
const mostReserved = 256 * 1024 * 1024;
const held = 'a release comes over the serial line';

/**
 * Releases over a serial line, as far as the gateway goes: one at a time, fetched from whoever asked last. Into the same staging
 * folder as updates over the air, believed as those are, and put into a slot by the same installer.
 */
export class Flasher {
  readonly #options: FlasherOptions;
  readonly #layout: Layout;
  readonly #slot: SlotName | null;
  readonly #target: ReleaseTarget | null;
  readonly #folder: string;
  readonly #noteFile: string;
  #under: Under | undefined;
  #fetching: { readonly stop: AbortController; readonly done: Promise<void> } | undefined;
  /** What begins and what confirms, one after the other. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: FlasherOptions) {
    const { environment } = options;
    this.#options = options;
    this.#layout = layoutOf(environment);
    this.#slot = slotName.safeParse(environment.LOADLINE_SLOT).data ?? null;
    this.#target = releaseTarget.safeParse(`linux-${process.arch}`).data ?? null;
    this.#folder = join(dirname(this.#layout.boot.folder), 'updates');
    this.#noteFile = join(this.#folder, 'flash.json');
  }

  /**
   * Answers a question of a tool.
   *
   * @param ask asks that tool
   * @throws FlashRefused
   */
  async answer(question: FlashQuestionName, body: unknown, ask: Ask): Promise<unknown> {
    const { data, error } = flashQuestions[question].body.safeParse(body ?? {});
    if (error) {
      const [issue] = error.issues;
      throw new FlashRefused('flash-malformed', `${question}: ${issue?.path.join('.')} ${issue?.message}`);
    }
    return await this.#inTurn(async () =>
      question === 'flash-begin'
        ? await this.#begin(data as FlashBody<'flash-begin'>, ask)
        : await this.#state(),
    );
  }

  /** Lets go of everything. What was fetched stays, and is gone on with. */
  async stop(): Promise<void> {
    await this.#stopFetching('the gateway stops');
  }

  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => {});
    return done;
  }

  async #begin(wanted: FlashBody<'flash-begin'>, ask: Ask): Promise<FlashReply<'flash-begin'>> {
    const { gateway, log } = this.#options;
    if (this.#slot === null) {
      throw new FlashRefused('flash-no-launcher', 'no launcher started this gateway: nobody could go back');
    }
    if (wanted.target !== this.#target) {
      throw new FlashRefused(
        'flash-other-target',
        `the release is for ${wanted.target}, and this is linux-${process.arch}`,
      );
    }
    const root = await readFile(this.#layout.trustedRoot, 'utf8').catch((cause: Error) => {
      throw new FlashRefused('flash-no-root', `${this.#layout.trustedRoot}: ${cause.message}`);
    });
    const state = this.#under?.state;
    if (state === 'installing' || state === 'switching') {
      throw new FlashRefused('flash-busy', `${this.#under?.release} is being put into a slot`);
    }
    const { trial } = await readBootState(this.#layout);
    if (trial !== undefined) throw new FlashRefused('flash-busy', `slot ${trial.slot} is on trial`);
    // Whoever asks now has the line; the one before may be waiting for an answer that never comes.
    await this.#stopFetching('it was begun anew');
    if (!(await gateway.holdUpdates(held))) {
      throw new FlashRefused('flash-busy', 'an update over the air is being put into a slot');
    }
    const note = await this.#noted(wanted).catch(async (cause: Error) => {
      await gateway.holdUpdates(undefined);
      throw new FlashRefused('flash-disk-failed', cause.message);
    });
    log.info('flash-begun', { release: wanted.release, id: note.id });
    const stop = new AbortController();
    this.#under = { state: 'fetching', id: note.id, release: note.release, done: 0, total: 0 };
    this.#fetching = { stop, done: this.#run(note, root, ask, stop.signal) };
    return { id: note.id };
  }

  /** What is to come is on disk, by the name of what it goes on with. */
  async #noted(wanted: FlashBody<'flash-begin'>): Promise<FlashNote> {
    await makePrivateFolder(this.#folder);
    const before = await readFlashNote(this.#noteFile);
    const goesOn = before?.release === wanted.release && before.ended === null;
    const note: FlashNote = { id: goesOn ? before.id : randomUUID(), ...wanted, ended: null };
    await writeFlashNote(this.#noteFile, note);
    return note;
  }

  async #stopFetching(why: string): Promise<void> {
    this.#fetching?.stop.abort(new ReleaseError('source-failed', why));
    await this.#fetching?.done;
    this.#fetching = undefined;
  }

  /** Does not throw: how it ended is asked for. */
  async #run(note: FlashNote, root: string, ask: Ask, signal: AbortSignal): Promise<void> {
    const { id, release } = note;
    const { log, gateway } = this.#options;
    try {
      await this.#fetch(note, root, ask, signal);
      this.#under = { state: 'installing', id, release };
      const answer = await this.#installed(id, signal);
      if (answer.outcome === 'refused') {
        return await this.#ended(note, { state: 'refused', code: answer.code, detail: answer.detail });
      }
      const { slot, healthSeconds: seconds } = answer;
      await startTrial(this.#layout, { slot, seconds, id });
      this.#under = { state: 'switching', id, release, slot, seconds };
      log.info('flash-switch', { release, slot, seconds });
      setTimeout(() => this.#options.onSwitch(), switchMilliseconds);
    } catch (error) {
      const { code, detail } = failureOf(error);
      log.warn('flash-not-done', { release, code, reason: detail });
      await gateway.holdUpdates(undefined);
      this.#under = { state: 'refused', id, release, code, detail };
      // What the line lost is gone on with by the same name; what else was wrong is over.
      if (code !== 'source-failed') {
        await this.#ended(note, { state: 'refused', code, detail }).catch(() => {});
      }
    }
  }

  async #fetch(
    { id, release, target }: FlashNote,
    root: string,
    ask: Ask,
    signal: AbortSignal,
  ): Promise<void> {
    const { time, built, log, monotonic, gateway } = this.#options;
    // Needed on few days of a gateway's life.
    const { TrustedReleases } = await import('../update/trusted.ts');
    const source = new LineSource(ask, signal);
    const folder = join(this.#folder, 'trust');
    await fetchRelease({
      offer: { id, release },
      target,
      layout: this.#layout,
      parts: join(this.#folder, 'parts'),
      source,
      trust: () => TrustedReleases.open({ folder, root, source, time: time(), built, log }),
      reserve: () => Math.min(mostReserved, gateway.journalRoom()),
      // The line is pace enough.
      pace: async () => {},
      monotonic,
      onProgress: (done, total) => {
        if (!signal.aborted) this.#under = { state: 'fetching', id, release, done, total };
      },
      stallMilliseconds: installerMilliseconds,
      signal,
    });
  }

  /** What root's installer says of it. */
  async #installed(id: string, signal: AbortSignal): Promise<InstallResult> {
    const { monotonic } = this.#options;
    const until = monotonic() + installerMilliseconds;
    for (;;) {
      const answer = await readInstallResult(this.#layout);
      if (answer?.id === id) return answer;
      if (monotonic() > until) {
        throw new ReleaseError(
          'storage-failed',
          'the installer does not answer: is loadline-update.path enabled?',
        );
      }
      await delay(lookMilliseconds, undefined, { signal });
    }
  }

  async #ended(note: FlashNote, ended: NonNullable<FlashNote['ended']>): Promise<void> {
    const { gateway } = this.#options;
    const { id, release } = note;
    this.#under = { ...ended, id, release };
    await writeFlashNote(this.#noteFile, { ...note, ended });
    await clearStaging(this.#layout);
    await gateway.holdUpdates(undefined);
  }

  async #state(): Promise<FlashReply<'flash-state'>> {
    const { running } = this.#options;
    return {
      running: { release: running, slot: this.#slot, target: this.#target },
      flash: clipped((await this.#sinceStart()) ?? { state: 'idle' }),
    };
  }

  /** What was under way in this process, or what became of what was under way in the one before. */
  async #sinceStart(): Promise<FlashState | undefined> {
    if (this.#under !== undefined) return this.#under;
    const note = await readFlashNote(this.#noteFile);
    if (note === undefined) return undefined;
    const { id, release, ended } = note;
    if (ended !== null) return { ...ended, id, release };
    const { current, trial } = await readBootState(this.#layout);
    if (trial?.id === id) {
      if (trial.slot !== this.#slot)
        return { state: 'switching', id, release, slot: trial.slot, seconds: trial.seconds };
      if (this.#options.gateway.isProvisioned()) {
        return { state: 'trying', id, release, slot: trial.slot, seconds: trial.seconds };
      }
      // Nobody's gateway has no cloud that could acknowledge anything. What it is there for is to answer here, and it does.
      await confirm(this.#layout, trial.slot);
      await this.#ended(note, { state: 'confirmed' });
      return { state: 'confirmed', id, release };
    }
    const back = await this.#wentBack(id);
    if (back !== undefined) {
      await this.#ended(note, { state: 'rolled-back', detail: back });
      return this.#under;
    }
    if (current === this.#slot && this.#options.running === release) {
      await this.#ended(note, { state: 'confirmed' });
      return this.#under;
    }
    return undefined;
  }

  /** Why the launcher went back from it: its own word, or what was kept of that, where the gateway has told its cloud already. */
  async #wentBack(id: string): Promise<string | undefined> {
    const { log, gateway } = this.#options;
    const result = await readResult(this.#layout);
    if (result?.kind === 'rolled-back' && result.id === id) {
      if (!gateway.isProvisioned()) await clearResult(this.#layout);
      return wentBack(result, undefined);
    }
    const { ended } = await new UpdateMemory(join(this.#folder, 'updates.json'), log).open();
    return ended.find((one) => one.id === id)?.how.detail;
  }
}

function failureOf(error: unknown): { readonly code: string; readonly detail: string } {
  const { message } = error as Error;
  if (error instanceof ReleaseError) return { code: error.code, detail: message };
  if (error instanceof NoRoom) return { code: 'no-room', detail: message };
  const isDisk = (error as NodeJS.ErrnoException).syscall !== undefined;
  return { code: isDisk ? 'storage-failed' : 'source-failed', detail: message };
}

/** Details may quote what somebody else wrote. */
function clipped(state: FlashState): FlashState {
  return 'detail' in state ? { ...state, detail: state.detail.slice(0, 400) } : state;
}
