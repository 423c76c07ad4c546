import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { removeWhole, writeWhole } from '@loadline/sdk/platform';
import type { Carrier } from './carrier.ts';

/** Files the folder may hold: the oldest is removed for the next. */
export const outboxFiles = 1000;

/**
 * Puts mails into a folder, for whoever runs a cloud without a mail server: whole files, for their owner alone, named
 * by time and kind. `folder` is there, and its owner's alone.
 */
export function outboxCarrier(folder: string): Carrier {
  return {
    deliver: async ({ id, kind, at, envelope }) => {
      const stamp = new Date(at).toISOString().replace(/[-:]|\.\d+/g, '');
      const file = `${stamp}-${kind}-${id.slice(0, 8)}.eml`;
      try {
        const kept = (await readdir(folder)).filter((name) => name.endsWith('.eml')).sort();
        for (const oldest of kept.slice(0, Math.max(0, kept.length - outboxFiles + 1))) {
          await removeWhole(join(folder, oldest));
        }
        await writeWhole(join(folder, file), envelope.message, 0o600);
        return { kind: 'delivered', file };
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        const obstacle = { reason: 'folder-not-writable', ...(code !== undefined && { code }) } as const;
        return { kind: 'later', obstacle, all: true };
      }
    },
  };
}
