import { statfs } from 'node:fs/promises';
import { limits } from '@loadline/sdk/contract';
import type { Store } from '../store/index.ts';

/** Why a cloud takes no deliveries just now. */
export type Unready =
  /** It is being ended. */
  | 'draining'
  /** It is a restored copy that nobody has promoted. */
  | 'fenced'
  /** Nothing can be written any more, or nothing has been for as long as a delivery may wait. */
  | 'writer-failed'
  | 'writer-stalled'
  /** The disk has less room than `leastDiskBytes`. */
  | 'disk-full'
  /** The disk does not say how much room it has. */
  | 'disk-unknown';

/** Bytes that must be free: a start after a crash, a backup and the log of an hour fit into it. */
const leastDiskBytes = 256 * 1024 * 1024;

/** Milliseconds for which an answer about the disk stands: anybody may ask, and as often as he likes. */
const diskMilliseconds = 1000;

export interface ReadinessParts {
  /** The state folder. */
  readonly folder: string;
  readonly store: Pick<Store, 'writing'>;
  /** Whether this is a restored copy that nobody has promoted. */
  readonly isFenced: () => boolean;
  /** Milliseconds, monotonic. */
  readonly monotonic: () => number;
}

/** Whether the cloud can take deliveries, and why not. */
export class Readiness {
  readonly #parts: ReadinessParts;
  #draining = false;
  #disk: { at: number; free: Promise<number | undefined> } | undefined;

  constructor(parts: ReadinessParts) {
    this.#parts = parts;
  }

  /** It is being ended: not ready from now on. */
  drain(): void {
    this.#draining = true;
  }

  /** Bytes free on the disk of the state folder; undefined where it does not say. */
  diskFree(): Promise<number | undefined> {
    const { folder, monotonic } = this.#parts;
    const now = monotonic();
    if (this.#disk === undefined || now - this.#disk.at > diskMilliseconds) {
      const free = statfs(folder).then(
        ({ bavail, bsize }) => bavail * bsize,
        () => undefined,
      );
      this.#disk = { at: now, free };
    }
    return this.#disk.free;
  }

  /** All that keeps it from taking deliveries; nothing where it is ready. */
  async reasons(): Promise<Unready[]> {
    const { store, isFenced } = this.#parts;
    const { stalledMilliseconds, failure } = store.writing;
    const free = await this.diskFree();
    const found: [Unready, boolean][] = [
      ['draining', this.#draining],
      ['fenced', isFenced()],
      ['writer-failed', failure !== undefined],
      ['writer-stalled', stalledMilliseconds > limits.commitMilliseconds],
      ['disk-full', free !== undefined && free < leastDiskBytes],
      ['disk-unknown', free === undefined],
    ];
    return found.filter(([, is]) => is).map(([reason]) => reason);
  }
}
