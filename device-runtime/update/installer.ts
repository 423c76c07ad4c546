import { readInstallResult, requestInstall } from '../slots/index.ts';
import type { Happening, Stage } from './machine.ts';
import type { Surroundings } from './surroundings.ts';

/** Milliseconds after which the installer is asked once more: on a slow card it takes minutes. */
const askAgainMilliseconds = 30 * 60_000;

/** Root's installer, as far as the gateway sees it: what it answers, and being asked once more where it does not. */
export class Installer {
  readonly #surroundings: Surroundings;
  #askedAgainAt = Number.NEGATIVE_INFINITY;

  constructor(surroundings: Surroundings) {
    this.#surroundings = surroundings;
  }

  /** What it answered to what it was asked; undefined where it has not answered that yet. */
  async answerTo(asked: Extract<Stage, { kind: 'installing' }>): Promise<Happening | undefined> {
    const answer = await readInstallResult(this.#surroundings.layout);
    if (answer?.id !== asked.offer.id) {
      await this.#askAgain(asked);
      return undefined;
    }
    const { id } = answer;
    if (answer.outcome === 'refused') {
      const { code, detail } = answer;
      return { kind: 'install-refused', id, code, detail };
    }
    const { slot, healthSeconds } = answer;
    return { kind: 'installed', id, answer: { slot, healthSeconds } };
  }

  /** Whoever was to install it was perhaps killed. */
  async #askAgain({ offer, since }: Extract<Stage, { kind: 'installing' }>): Promise<void> {
    const { options, layout, target } = this.#surroundings;
    const now = options.monotonic();
    const askedAt = Math.max(since, this.#askedAgainAt);
    if (now - askedAt < askAgainMilliseconds || target === undefined) return;
    this.#askedAgainAt = now;
    await requestInstall(layout, { id: offer.id, release: offer.release, target });
  }
}
