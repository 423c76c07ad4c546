import type { Disk } from './disks.ts';
import type { Outcome } from './outcome.ts';
import type { Progress } from './progress.ts';
import type { ReadBack } from './target.ts';

/** What a flashing does, in this order, `place` where there is a site; `send` is over a serial line. */
export type Step = 'capacity' | 'write' | 'verify' | 'place' | 'finish' | 'send';

/** What is told while a card is written; with `--json` each is a line, and `result` is the last. */
export type FlashEvent =
  | { readonly event: 'disks'; readonly disks: readonly Disk[] }
  | {
      readonly event: 'image';
      readonly path: string;
      readonly blockMap: string | null;
      readonly imageBytes: number | null;
      readonly mappedBytes: number | null;
    }
  | { readonly event: 'step'; readonly step: Step; readonly state: 'begun' | 'done'; readonly says: string }
  | ({ readonly event: 'progress'; readonly step: Step } & Progress)
  | { readonly event: 'note'; readonly says: string }
  | ResultEvent;

export interface ResultEvent {
  readonly event: 'result';
  readonly result: Outcome;
  /** What the command ends with. */
  readonly exitCode: number;
  readonly to: string | null;
  readonly bytesWritten: number | null;
  readonly seconds: number | null;
  readonly readBack: ReadBack | null;
  /** The gateway whose site is on the card. */
  readonly site: string | null;
  /** The release that runs on the board of this serial number, where it was brought over a serial line. */
  readonly release: string | null;
  readonly serialNumber: string | null;
  /** What was wrong; null where nothing was. */
  readonly says: string | null;
  /** What to do; null where nothing is. */
  readonly act: string | null;
}

export type Report = (event: FlashEvent) => void;
