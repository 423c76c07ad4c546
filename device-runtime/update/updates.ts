import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { limits } from '@loadline/sdk/contract';
import { makePrivateFolder } from '@loadline/sdk/platform';
import { parseWindow } from '../config/index.ts';
import { clip, Trickle } from '../downlink/index.ts';
import { clearStaging, confirmLauncher } from '../slots/index.ts';
import { Download } from './download.ts';
import { guarded } from './guarded.ts';
import { Installer } from './installer.ts';
import { type Act, type Circumstances, type Happening, step, type Update } from './machine.ts';
import { UpdateMemory } from './memory.ts';
import { readOffer } from './offer.ts';
import { type ReleaseStatus, Reports } from './reports.ts';
import { Rollbacks } from './rollbacks.ts';
import { incapacity, type Surroundings, surroundingsOf, type UpdatesOptions } from './surroundings.ts';
import { Trials } from './trials.ts';
import { gateOf } from './window.ts';

const usualLookMilliseconds = 1000;
/** Milliseconds that this run has to last for the launcher that started it to be a good one. */
const launchedMilliseconds = 60_000;

/**
 * Updates over the air, as far as the gateway goes: what is offered is fetched and staged, root's installer is asked, the
 * launcher told; and in the run after that, whether the new release is healthy. Whatever fails in here, readings go on:
 * nothing of it throws, or is waited for.
 */
export class Updates {
  readonly #options: UpdatesOptions;
  readonly #surroundings: Surroundings;
  readonly #memory: UpdateMemory;
  readonly #download: Download;
  readonly #installer: Installer;
  readonly #trials: Trials;
  readonly #rollbacks: Rollbacks;
  readonly #reports: Reports;
  readonly #trickle = new Trickle();
  readonly #stopping = new AbortController();
  readonly #openedAt: number;
  #update: Update = { stage: { kind: 'idle' }, wish: null, ended: [] };
  /** What says whose releases are believed. */
  #root: string | undefined;
  /** Why nothing may begin. */
  #held: string | undefined;
  #launcherConfirmed = false;
  #looking = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: UpdatesOptions) {
    const surroundings = surroundingsOf(options);
    const happened = (happening: Happening) => this.#happened(happening);
    this.#options = options;
    this.#surroundings = surroundings;
    this.#memory = new UpdateMemory(join(surroundings.folder, 'updates.json'), options.log);
    const { signal: stopping } = this.#stopping;
    this.#download = new Download(surroundings, { root: () => this.#root, happened, stopping });
    this.#installer = new Installer(surroundings);
    this.#trials = new Trials(surroundings, this.#memory, happened);
    this.#rollbacks = new Rollbacks(surroundings, this.#memory);
    this.#reports = new Reports(surroundings);
    this.#openedAt = options.monotonic();
  }

  /** Finds out what this run is, a trial or not, and what became of the last one. Does not throw. */
  async open(): Promise<void> {
    const { layout, slot, folder } = this.#surroundings;
    const { log, lookMilliseconds } = this.#options;
    if (slot === null) return;
    this.#root = await readFile(layout.trustedRoot, 'utf8').catch(() => undefined);
    await guarded(log, 'memory', async () => {
      await makePrivateFolder(folder);
      const { ended } = await this.#memory.open();
      this.#update = { ...this.#update, ended };
    });
    // Whatever of that the disk does not do: a trial has to be confirmed all the same.
    await guarded(log, 'result', () =>
      this.#rollbacks.tell(this.#update, (update) => {
        this.#update = update;
      }),
    );
    await guarded(log, 'trial', async () => {
      const stage = await this.#trials.underWay();
      if (stage !== undefined) this.#update = { ...this.#update, stage };
    });
    this.#timer = setInterval(() => void this.#look(), lookMilliseconds ?? usualLookMilliseconds).unref();
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
    this.#update = this.#rollbacks.linked(this.#update);
    this.#happened({ kind: 'connected' });
    this.#reports.tell(this.#update, 'again');
  }

  /** The cloud has acknowledged something. */
  acknowledged(): void {
    if (this.#update.stage.kind === 'trying') this.#happened({ kind: 'acknowledged' });
  }

  /**
   * Keeps updates from beginning, since a release comes by another way into the same folders, or lets them begin again. One
   * that lies in a slot and waits for its window makes way: whoever stands beside the gateway need not wait for that.
   *
   * @returns false where one is being put into a slot, switched to or on trial; otherwise when nothing of one is under way any more
   */
  async hold(why: string | undefined): Promise<boolean> {
    this.#held = why;
    this.#happened({ kind: why === undefined ? 'looked' : 'displaced' });
    await this.#download.over;
    const { kind } = this.#update.stage;
    const isFree = kind !== 'installing' && kind !== 'switching' && kind !== 'trying';
    if (!isFree) this.#held = undefined;
    return isFree;
  }

  /** What runs, and how far it is with what was offered. */
  status(): ReleaseStatus {
    return this.#reports.statusOf(this.#update);
  }

  /** Lets go of everything. What was fetched stays, and is gone on with. */
  stop(): void {
    this.#stopping.abort(new Error('the gateway is stopping'));
    clearInterval(this.#timer);
    this.#memory.stop();
  }

  /** A look around, now and then. */
  async #look(): Promise<void> {
    if (this.#looking || this.#stopping.signal.aborted) return;
    this.#looking = true;
    const { monotonic, environment, log } = this.#options;
    const { layout } = this.#surroundings;
    await guarded(log, 'look', async () => {
      if (this.#trials.hasHeard() && this.#update.stage.kind === 'trying') this.#happened({ kind: 'heard' });
      if (!this.#launcherConfirmed && monotonic() - this.#openedAt >= launchedMilliseconds) {
        await confirmLauncher(layout, environment);
        this.#launcherConfirmed = true;
      }
      await this.#readAnswer();
      this.#happened({ kind: 'looked' });
      await this.#tryToConfirm();
    });
    this.#looking = false;
  }

  async #readAnswer(): Promise<void> {
    const { stage } = this.#update;
    if (stage.kind !== 'installing') return;
    const answer = await this.#installer.answerTo(stage);
    if (answer === undefined) return;
    this.#happened(answer);
    // The installer changes nothing in a folder that is not root's.
    if (this.#update.stage.kind !== 'installing') await clearStaging(this.#surroundings.layout);
  }

  async #tryToConfirm(): Promise<void> {
    const { stage } = this.#update;
    if (stage.kind === 'trying') await this.#trials.confirm(stage);
  }

  #happened(happening: Happening): void {
    if (this.#stopping.signal.aborted) return;
    const before = this.#update.stage;
    const { update, acts } = step(this.#update, happening, this.#circumstances());
    this.#update = update;
    for (const act of acts) this.#do(act);
    const { stage } = update;
    if (stage.kind === 'trying' && before.kind === 'trying' && stage.proof !== before.proof) {
      this.#trials.noteProof(stage);
    }
    this.#reports.tell(this.#update, 'changes');
  }

  #circumstances(): Circumstances {
    const { config, time, monotonic, running } = this.#options;
    const { enabled, window } = config().update;
    const terms = { enabled, window: window === undefined ? undefined : parseWindow(window) };
    const gate = this.#held === undefined ? gateOf(terms, time()) : { open: false as const, why: this.#held };
    return { gate, now: monotonic(), running, incapable: incapacity(this.#surroundings, this.#root) };
  }

  #do(act: Act): void {
    switch (act.act) {
      case 'fetch': {
        const { stage } = this.#update;
        this.#download.begin(act.offer, stage.kind === 'downloading' ? stage.failures : 0);
        return;
      }
      case 'stop-fetching':
        this.#download.stop();
        return;
      case 'switch':
        void this.#trials.begin(act.offer, act.answer);
        return;
      case 'confirm':
        void this.#tryToConfirm();
        return;
      case 'remember':
        void this.#memory.change({ ended: [...this.#update.ended] });
        void this.#download.clear();
        return;
      case 'tell': {
        const { event } = act;
        this.#options.onEvent({ ...event, detail: clip(event.detail, limits.eventDetailBytes) });
        return;
      }
    }
  }
}
