import { readRegular, writeWhole } from '@loadline/sdk/platform';
import { releaseTarget, releaseVersion } from '@loadline/sdk/release';
import * as z from 'zod';

const flashNote = z.object({
  version: z.literal(1),
  id: z.uuid(),
  release: releaseVersion,
  target: releaseTarget,
  /** How it ended, where that is known; null while it is under way. */
  ended: z
    .discriminatedUnion('state', [
      z.object({ state: z.literal('confirmed') }),
      z.object({ state: z.literal('rolled-back'), detail: z.string() }),
      z.object({ state: z.literal('refused'), code: z.string(), detail: z.string() }),
    ])
    .nullable(),
});

/** What outlives a process of the release that came over the line last. */
export type FlashNote = Omit<z.output<typeof flashNote>, 'version'>;

const mostBytes = 8192;

/** Undefined where there is none, or none that can be read. */
export async function readFlashNote(path: string): Promise<FlashNote | undefined> {
  try {
    const bytes = await readRegular(path, mostBytes);
    return bytes && flashNote.parse(JSON.parse(bytes.toString('utf8')));
  } catch {
    return undefined;
  }
}

export async function writeFlashNote(path: string, note: FlashNote): Promise<void> {
  await writeWhole(path, `${JSON.stringify({ version: 1, ...note })}\n`, 0o600);
}
