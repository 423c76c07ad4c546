import { join } from 'node:path';
import { isExposed, readIfThere, writeWhole } from '@loadline/sdk/platform';
import { z } from 'zod';
import { KeysError } from './errors.ts';
import { keyBytes, type RingName, ringNames } from './version.ts';

const versionSchema = z.strictObject({
  id: z.string().regex(/^[\w-]{8}$/),
  made: z.int().nonnegative(),
  key: z
    .base64url()
    .refine((text) => Buffer.from(text, 'base64url').length === keyBytes)
    .refine((text) => Buffer.from(text, 'base64url').toString('base64url') === text),
});

const ringSchema = z
  .array(versionSchema)
  .min(1)
  .refine((ring) => new Set(ring.map(({ id }) => id)).size === ring.length);

const fileSchema = z.strictObject({
  format: z.literal(1),
  rings: z.strictObject(
    Object.fromEntries(ringNames.map((name) => [name, ringSchema])) as Record<RingName, typeof ringSchema>,
  ),
});

/** A version as it is kept: `key` is base64url. */
export type KeptVersion = z.infer<typeof versionSchema>;

/** Every ring, the oldest version first. */
export type KeptRings = z.infer<typeof fileSchema>['rings'];

/** Where a cloud's state folder has its keys. */
export function keysFile(folder: string): string {
  return join(folder, 'keys.json');
}

/**
 * Reads the rings; undefined where there is no file.
 * @throws KeysError `keys-exposed`, `keys-unreadable`
 */
export async function readRings(path: string): Promise<KeptRings | undefined> {
  const text = await readIfThere(path);
  if (text === undefined) return undefined;
  if (await isExposed(path)) {
    throw new KeysError(
      'keys-exposed',
      `other users of this machine may read ${path}: take that away (chmod 600), and consider whether somebody has`,
    );
  }
  const parsed = fileSchema.safeParse(parse(text));
  // Neither the parser's words nor its cause: they quote the file.
  if (!parsed.success) {
    throw new KeysError(
      'keys-unreadable',
      `${path} is not what the cloud wrote: restore it from a backup, since nothing else opens what it sealed`,
    );
  }
  return parsed.data.rings;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Writes the rings, whole, for their owner alone. */
export async function writeRings(path: string, rings: KeptRings): Promise<void> {
  await writeWhole(path, `${JSON.stringify({ format: 1, rings }, undefined, 2)}\n`, 0o600);
}
