import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readIfThere, removeWhole, writeWhole } from '@loadline/sdk/platform';
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
        const kept = await mailsIn(folder);
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
    forget: async (address) => {
      for (const name of await mailsIn(folder)) {
        const file = join(folder, name);
        if (recipientOf((await readIfThere(file)) ?? '') === address.toLowerCase()) await removeWhole(file);
      }
    },
  };
}

/** The mails of the folder, the oldest first. */
async function mailsIn(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter((name) => name.endsWith('.eml')).sort();
}

/** Whom a message of ours is for: the address that its one `To` ends with; lines may be folded (RFC 5322, 2.2.3). */
function recipientOf(message: string): string | undefined {
  const [head = ''] = message.split('\r\n\r\n', 1);
  const to = /^to:(.*)$/im.exec(head.replace(/\r\n(?=[ \t])/g, ''))?.[1];
  return to
    ?.trim()
    .match(/([^\s<]+?)>?$/)?.[1]
    ?.toLowerCase();
}
