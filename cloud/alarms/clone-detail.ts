import * as z from 'zod';

/**
 * How it is known that one identity is there twice.
 *
 * `came-back`: an epoch that another one had followed was shown again: two processes are alive. `one-parent`: two epochs
 * began from one state of one journal; whether both are alive is not known.
 */
export const cloneEvidence = z.enum(['came-back', 'one-parent']);
export type CloneEvidence = z.infer<typeof cloneEvidence>;

/** One process that showed the identity. */
const shownEpoch = z.object({
  epoch: z.string(),
  /** The address it came from; null where it is not known. */
  source: z.string().nullable(),
  /** The boot in which the epoch began; null where nothing of it was delivered yet. */
  boot: z.string().nullable(),
  /** When it was seen last, ms since 1970. */
  at: z.number(),
});
export type ShownEpoch = z.infer<typeof shownEpoch>;

/** What is kept of it, JSON in the column `detail`. */
export const cloneDetail = z.object({
  evidence: z.array(cloneEvidence),
  /** What was seen last stands last. */
  epochs: z.array(shownEpoch),
});
export type CloneDetail = z.infer<typeof cloneDetail>;

/** Epochs that are kept of one alarm, those that were seen last. */
const epochsKept = 8;

/** That two epochs showed one identity. */
export interface CloneSeen {
  readonly evidence: CloneEvidence;
  readonly epochs: readonly ShownEpoch[];
}

/** Whether this names no epoch, and no kind of evidence, that is not kept already. */
export function isKnown(detail: CloneDetail, { evidence, epochs }: CloneSeen): boolean {
  return (
    detail.evidence.includes(evidence) &&
    epochs.every(({ epoch }) => detail.epochs.some((one) => one.epoch === epoch))
  );
}

/** What is kept once this was seen too. What is not known of an epoch now, and was, stays. */
export function withSeen(detail: CloneDetail, { evidence, epochs }: CloneSeen): CloneDetail {
  const kept = new Map(detail.epochs.map((one) => [one.epoch, one]));
  for (const one of epochs) {
    const before = kept.get(one.epoch);
    kept.delete(one.epoch);
    kept.set(one.epoch, {
      epoch: one.epoch,
      source: one.source ?? before?.source ?? null,
      boot: one.boot ?? before?.boot ?? null,
      at: Math.max(one.at, before?.at ?? 0),
    });
  }
  return {
    evidence: [...new Set([...detail.evidence, evidence])],
    epochs: [...kept.values()].slice(-epochsKept),
  };
}

/** The addresses that are known, each once. */
export function sourcesOf({ epochs }: CloneDetail): string[] {
  return [...new Set(epochs.flatMap(({ source }) => source ?? []))];
}
