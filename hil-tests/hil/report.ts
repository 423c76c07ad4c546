import type { Outcome, PlayedStep, StepKind } from '../scenario/play.ts';

/** What a process that plays a scenario tells of it, one after the other. */
export type Report =
  | {
      readonly report: 'scenario';
      readonly about: string;
      readonly timeLimitMs: number;
      readonly bench: string;
    }
  | { readonly report: 'begun'; readonly kind: StepKind; readonly words: string }
  | { readonly report: 'played'; readonly step: PlayedStep }
  | { readonly report: 'end'; readonly outcome: Outcome };

/** Whether a message is what `play.ts` tells, and not something else that its process sent. */
export function isReport(message: unknown): message is Report {
  return typeof message === 'object' && message !== null && 'report' in message;
}

/** What became of one scenario. */
export interface ScenarioResult {
  readonly name: string;
  readonly about: string;
  readonly outcome: Outcome;
  readonly seconds: number;
  readonly steps: readonly PlayedStep[];
  /** What its process printed. */
  readonly output: string;
  /** Folder of its logs and recordings, and how those are played again; of one that failed. */
  readonly artefacts?: { readonly folder: string; readonly replay: readonly string[] };
}
