import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import type { Survey } from '../store/index.ts';

/** The names in the folder of a backup. */
export const backupNames = { manifest: 'manifest.json', database: 'loadline.db' } as const;

const count = z.number().int().nonnegative();
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const counts = { received: count, stored: count, duplicate: count, rejected: count };

const survey = z.strictObject({
  schema: count,
  fleet: z.strictObject({
    generation: z.string().regex(/^[0-9a-f]{32}$/),
    counter: count,
    fenced: count.nullable(),
  }),
  tables: z.record(z.string(), z.strictObject({ rows: count, sha256 })),
  ledger: z.array(
    z.strictObject({
      organisation: z.string(),
      devices: count,
      deliveries: z.strictObject(counts),
      readings: z.strictObject({ ...counts, expired: count, deleted: count }),
    }),
  ),
  chains: z.array(z.strictObject({ organisation: z.string().nullable(), sequence: count, hash: sha256 })),
});

const manifestSchema = z.strictObject({
  format: z.literal(1),
  /** When the copy was whole, ISO 8601. */
  made: z.iso.datetime(),
  /** In words, for who finds it: what is inside, and what is not. */
  inside: z.array(z.string()),
  database: z.strictObject({
    file: z.literal(backupNames.database),
    bytes: count,
    sha256,
    /** Whether the key is that of the cloud, or another. */
    key: z.enum(['of-the-cloud', 'another']),
  }),
  survey,
  /** What must be there beside the database when it is restored. */
  needs: z.strictObject({
    /** Ids of versions in `keys.json`; null where there was no such file yet. */
    keys: z.record(z.string(), z.array(z.string())).nullable(),
    /** SHA-256 of `authority/authority.pem`; null where there was none yet. */
    authority: sha256.nullable(),
    /** Fingerprints of the roots and of what issued; not in backups from before these were kept. */
    authorities: z.array(sha256).optional(),
  }),
});

/** What a backup is, and what is in it: to be compared with what a restore makes of it. Nothing secret. */
export type Manifest = z.infer<typeof manifestSchema>;

export const inside: readonly string[] = [
  'loadline.db: the database, encrypted whole. Restored, it stays fenced until it is promoted.',
  'Not inside: database.key, which alone opens it; keys.json, without which tokens, second factors and application ' +
    'secrets are void; authority/, without which no gateway knows the cloud again. Keep those in another place: who ' +
    'has both has everything.',
  'Not inside: mails that wait (mail-queue/, outbox/).',
];

/** Reads the manifest of a backup. @throws Error where there is none, or it is not one */
export async function readManifest(backup: string): Promise<Manifest> {
  const path = join(backup, backupNames.manifest);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw new Error(`${backup} is no whole backup: ${(error as Error).message}`);
  }
  try {
    return manifestSchema.parse(JSON.parse(text));
  } catch (error) {
    throw new Error(`${path} is not the manifest of a backup that this version knows`, { cause: error });
  }
}

/** SHA-256 of a file, hex, without having it in memory. */
export async function fileDigest(path: string): Promise<string> {
  const digest = createHash('sha256');
  for await (const piece of createReadStream(path, { highWaterMark: 1024 * 1024 })) digest.update(piece);
  return digest.digest('hex');
}

/** SHA-256 of what a file of this text would hold, hex. */
export function textDigest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** What of two surveys differs, in words; none where they are equal. */
export function differences(was: Survey, is: Survey): string[] {
  const found: string[] = [];
  if (was.schema !== is.schema) found.push(`the schema was of version ${was.schema}, and is of ${is.schema}`);
  for (const table of new Set([...Object.keys(was.tables), ...Object.keys(is.tables)])) {
    const [before, after] = [was.tables[table], is.tables[table]];
    if (before === undefined || after === undefined) {
      found.push(`the table ${table} is only in ${before === undefined ? 'the copy' : 'the backup'}`);
    } else if (before.rows !== after.rows) {
      found.push(`the table ${table} had ${before.rows} rows, and has ${after.rows}`);
    } else if (before.sha256 !== after.sha256) {
      found.push(`the ${before.rows} rows of the table ${table} are not the same`);
    }
  }
  const others = [
    ['the ledgers', was.ledger, is.ledger],
    ['the ends of the audit log', was.chains, is.chains],
    ['the generation', was.fleet, is.fleet],
  ] as const;
  for (const [what, before, after] of others) {
    if (JSON.stringify(before) !== JSON.stringify(after)) found.push(`${what} differ`);
  }
  return found;
}

/** The ledgers in which received is not stored + duplicate + rejected, in words. */
export function unbalanced({ ledger }: Survey): string[] {
  return ledger.flatMap(({ organisation, ...sums }) =>
    (['deliveries', 'readings'] as const)
      .filter((of) => sums[of].received !== sums[of].stored + sums[of].duplicate + sums[of].rejected)
      .map((of) => `the ${of} of organisation ${organisation} do not balance: ${JSON.stringify(sums[of])}`),
  );
}
