import { z } from 'zod';
import type { ChainPlace } from './entry.ts';

/** A head of a chain as it once was, kept apart from the chain. */
export interface Witness extends ChainPlace {
  /** Whose chain; null for the fleet's. */
  readonly organisation: string | null;
}

/** Name of the log line in which a cloud tells the head of a chain. */
export const witnessEvent = 'audit-head';

const witnessLine = z.object({
  event: z.literal(witnessEvent),
  organisation: z.string().nullable(),
  sequence: z.int().min(0),
  hash: z.string(),
});

/** The witness in a line of a cloud's log; undefined where it is a line of something else. */
export function witnessIn(line: string): Witness | undefined {
  if (!line.includes(witnessEvent)) return undefined;
  try {
    const said = witnessLine.safeParse(JSON.parse(line)).data;
    return said && { organisation: said.organisation, sequence: said.sequence, hash: said.hash };
  } catch {
    return undefined;
  }
}

/** Those of one chain. */
export function witnessesOf(witnesses: readonly Witness[], organisation: string | null): ChainPlace[] {
  return witnesses.filter((witness) => witness.organisation === organisation);
}
