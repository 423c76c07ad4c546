import { limits } from '@loadline/sdk/contract';
import { clip } from '../downlink/index.ts';
import { clearResult, readResult } from '../slots/index.ts';
import { remembered, type Update } from './machine.ts';
import type { UpdateMemory } from './memory.ts';
import { fellBack, wentBack } from './result.ts';
import type { Surroundings } from './surroundings.ts';

/**
 * Milliseconds in which what runs after a rollback reaches the cloud, or the network was away for the one before, too: as it is
 * for configurations.
 */
const awayMilliseconds = 120_000;

/** What the launcher did by itself, and which offers are not tried again, or once more, since it did. */
export class Rollbacks {
  readonly #surroundings: Surroundings;
  readonly #memory: UpdateMemory;
  readonly #openedAt: number;
  /** An offer that was gone back from without having reached the cloud. */
  #doubted: string | undefined;

  constructor(surroundings: Surroundings, memory: UpdateMemory) {
    this.#surroundings = surroundings;
    this.#memory = memory;
    this.#openedAt = surroundings.options.monotonic();
  }

  /**
   * What the launcher did by itself is told once: remembered, in the journal, and only then forgotten by the launcher.
   *
   * @param become takes how far the update is by that
   */
  async tell(update: Update, become: (update: Update) => void): Promise<void> {
    const { options, layout } = this.#surroundings;
    const { onEvent, flush } = options;
    const result = await readResult(layout);
    if (result === undefined) return;
    const { trial, confirmed, triedAgain } = this.#memory.value;
    let fault: string | undefined;
    if (result.kind === 'rolled-back') {
      const { id } = result;
      const proof = trial?.id === id ? trial.proof : undefined;
      const detail = wentBack(result, proof);
      if (result.reason === 'deadline' && proof?.acknowledged === false && id !== triedAgain)
        this.#doubted = id;
      const how = { state: 'rolled-back', detail } as const;
      const ended = remembered(update.ended, id, how);
      become({ ...update, ended, stage: { kind: 'ended', id, how } });
      fault = await this.#remember(ended);
      onEvent({ code: 'release-rolled-back', subject: '', detail: clip(detail, limits.eventDetailBytes) });
    } else {
      const detail = fellBack(result);
      // Installed anew, it would die as it did.
      if (result.reason === 'deaths' && confirmed !== null) {
        const ended = remembered(update.ended, confirmed, { state: 'rolled-back', detail });
        become({ ...update, ended });
        fault = await this.#remember(ended);
      }
      onEvent({ code: 'release-fell-back', subject: '', detail });
    }
    await flush();
    // Told twice is better than tried again, and again.
    if (fault === undefined) await clearResult(layout);
  }

  /**
   * There is a link, and where there was none for long it was not the release's fault that it had none: once more.
   *
   * @returns how far the update is by that
   */
  linked(update: Update): Update {
    const { monotonic, log } = this.#surroundings.options;
    const id = this.#doubted;
    this.#doubted = undefined;
    if (id === undefined || monotonic() - this.#openedAt < awayMilliseconds) return update;
    const { stage, ended } = update;
    if (stage.kind !== 'ended' || stage.id !== id) return update;
    const others = ended.filter((one) => one.id !== id);
    void this.#memory.change({ ended: others, triedAgain: id });
    log.info('release-tried-again', { offer: id, reason: 'the network was away' });
    return { ...update, stage: { kind: 'idle' }, ended: others };
  }

  /** Resolves with the reason why it is not on disk, where it is not. */
  async #remember(ended: Update['ended']): Promise<string | undefined> {
    return await this.#memory.change({ ended: [...ended], trial: null });
  }
}
