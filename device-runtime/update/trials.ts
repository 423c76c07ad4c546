import { clearStaging, confirm, readBootState, startTrial } from '../slots/index.ts';
import { guarded } from './guarded.ts';
import { type Happening, type Installed, isHealthy, type Stage } from './machine.ts';
import type { UpdateMemory } from './memory.ts';
import type { Offer } from './offer.ts';
import type { Surroundings } from './surroundings.ts';

/** Milliseconds of silence from the radio after which no frames are expected of the next release either. */
const latelyMilliseconds = 10 * 60_000;

type Trying = Extract<Stage, { kind: 'trying' }>;

/** What passes between two runs, and the launcher, of a trial: what it needs, what it has shown, and that it is in force. */
export class Trials {
  readonly #surroundings: Surroundings;
  readonly #memory: UpdateMemory;
  readonly #happened: (happening: Happening) => void;
  #frames = 0;
  #heardAt = Number.NEGATIVE_INFINITY;
  #confirming = false;

  /** @param happened takes `switch-failed` and `confirmed` */
  constructor(surroundings: Surroundings, memory: UpdateMemory, happened: (happening: Happening) => void) {
    this.#surroundings = surroundings;
    this.#memory = memory;
    this.#happened = happened;
  }

  /** The trial that this run is; undefined where it is none. */
  async underWay(): Promise<Trying | undefined> {
    const { options, layout, slot } = this.#surroundings;
    const { trial } = await readBootState(layout);
    if (trial === undefined || trial.slot !== slot) return undefined;
    const noted = this.#memory.value.trial;
    const expectsFrames = noted?.id === trial.id && noted.expectsFrames;
    const until = options.monotonic() + trial.seconds * 1000;
    return {
      kind: 'trying',
      trial: { id: trial.id, release: options.running, until, expectsFrames },
      proof: { acknowledged: false, heard: false },
    };
  }

  /** @returns whether frames have come since it was asked last */
  hasHeard(): boolean {
    const { monotonic, frames } = this.#surroundings.options;
    const heard = frames();
    if (heard <= this.#frames) return false;
    this.#frames = heard;
    this.#heardAt = monotonic();
    return true;
  }

  /** Tells the launcher to try what lies in a slot, and ends this run. */
  async begin({ id, release }: Offer, { slot, healthSeconds }: Installed): Promise<void> {
    const { log, monotonic, flush, onSwitch } = this.#surroundings.options;
    try {
      const expectsFrames = monotonic() - this.#heardAt < latelyMilliseconds;
      const proof = { acknowledged: false, heard: false };
      const fault = await this.#memory.change({ trial: { id, expectsFrames, proof } });
      if (fault !== undefined) throw new Error(fault);
      await flush();
      await startTrial(this.#surroundings.layout, { slot, seconds: healthSeconds, id });
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

  /** Notes what it has shown: where the launcher goes back, that is said of it. */
  noteProof({ trial: { id, expectsFrames }, proof }: Trying): void {
    void this.#memory.change({ trial: { id, expectsFrames, proof } });
  }

  /**
   * Tells the launcher that it is in force, if it is healthy. Until the launcher goes back, that is tried again where the disk does
   * not take it.
   */
  async confirm({ trial, proof }: Trying): Promise<void> {
    const { options, layout, slot } = this.#surroundings;
    if (slot === null || this.#confirming || !isHealthy(trial, proof)) return;
    this.#confirming = true;
    await guarded(options.log, 'confirm', async () => {
      await confirm(layout, slot);
      this.#happened({ kind: 'confirmed' });
      await this.#memory.change({ trial: null, confirmed: trial.id });
      await clearStaging(layout);
    });
    this.#confirming = false;
  }
}
