import type { UpdatingMessage } from '@loadline/sdk/contract';
import { clip } from '../downlink/index.ts';
import { reportOf, type Update } from './machine.ts';
import type { Surroundings } from './surroundings.ts';

/** What `status` shows of releases. */
export type ReleaseStatus = Omit<UpdatingMessage, 'version'>;

/** Milliseconds between two reports of how far a download is. */
const reportMilliseconds = 10_000;

/** By which the launcher tries the other slot, where the release in force died: nobody offered that. */
const nobodysOffer = '00000000-0000-0000-0000-000000000000';

/** What the cloud is told of updates, and when. */
export class Reports {
  readonly #surroundings: Surroundings;
  #reported = '';
  #reportedAt = Number.NEGATIVE_INFINITY;

  constructor(surroundings: Surroundings) {
    this.#surroundings = surroundings;
  }

  /** What runs, and how far it is with what was offered. */
  statusOf(update: Update): ReleaseStatus {
    const { options, slot, target } = this.#surroundings;
    const { offer: about, progress } = reportOf(update, options.monotonic());
    const offer = about === nobodysOffer ? null : about;
    return {
      running: { release: options.running, slot, target: target ?? `linux-${process.arch}` },
      offer,
      progress: 'detail' in progress ? { ...progress, detail: clip(progress.detail, 300) } : progress,
    };
  }

  /** Tells the cloud, where there is something new; `again`: or where it is another link. */
  tell(update: Update, why: 'changes' | 'again'): void {
    const { monotonic, publish } = this.#surroundings.options;
    const now = monotonic();
    const status = this.statusOf(update);
    const { progress } = status;
    // What counts down or up by itself is no change.
    const state = progress.state === 'downloading' || progress.state === 'trying' ? progress.state : progress;
    const key = JSON.stringify({ ...status, progress: state });
    const isDue = progress.state === 'downloading' && now - this.#reportedAt >= reportMilliseconds;
    if (why === 'changes' && key === this.#reported && !isDue) return;
    this.#reported = key;
    this.#reportedAt = now;
    void publish(JSON.stringify({ version: 1, ...status } satisfies UpdatingMessage));
  }
}
