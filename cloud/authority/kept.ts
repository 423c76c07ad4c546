/**
 * What the authority keeps, in one file, so that every change of it is whole or not there: roots, cross certificates,
 * issuing certificates, and the request that waits for its certificate. The newest of each is first.
 *
 *     authority.json   0600   {"format":1,"roots":[…],"crosses":[…],"issuers":[…],"request":null}
 *
 * Private keys in it are sealed with `keys.json` (`cloud/keys`), which is in no backup of the database.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { isExposed, readIfThere, writeWhole } from '@loadline/sdk/platform';
import { z } from 'zod';
import { type Certificate, readCertificate } from './certificates.ts';
import { AuthorityError } from './errors.ts';

/** `since`: ms since 1970 when it came here. `logged`: whether the log of issuances has it. */
const entry = { certificate: z.string(), since: z.int().nonnegative(), logged: z.boolean() };

const schema = z.strictObject({
  format: z.literal(1),
  retired: z.array(z.string().regex(/^[0-9a-f]{64}$/)),
  roots: z.array(z.strictObject({ ...entry, key: z.string().nullable() })),
  crosses: z.array(z.strictObject(entry)),
  issuers: z.array(
    z.strictObject({ ...entry, key: z.string().nullable(), distrusted: z.int().nonnegative().nullable() }),
  ),
  request: z
    .strictObject({
      key: z.string(),
      publicKeyPem: z.string(),
      request: z.string(),
      made: z.int().nonnegative(),
    })
    .nullable(),
});

type File = z.infer<typeof schema>;

type Entry = Certificate & { readonly since: number; readonly logged: boolean };

/** A root. `key`: its sealed private key where it is here; null where it is kept offline. */
export type Root = Entry & { readonly key: string | null };

/** The key of one root, certified by another (RFC 4210, section 4.4: NewWithOld, OldWithNew). */
export type Cross = Entry;

/** A certificate that issues others. `key`: sealed; null of one that was replaced: its key is destroyed then. */
export type Issuing = Entry & { readonly key: string | null; readonly distrusted: number | null };

/** What the folder holds; the newest first. */
export interface Kept {
  /** Fingerprints of roots that are trusted no more. */
  readonly retired: readonly string[];
  readonly roots: readonly Root[];
  readonly crosses: readonly Cross[];
  /** The first one issues; it is the one that has a key. */
  readonly issuers: readonly Issuing[];
  readonly request: File['request'];
}

/** What a folder holds before it was first opened. */
export const nothing: Kept = { roots: [], crosses: [], issuers: [], retired: [], request: null };

/** The names in an authority's folder. */
export const keptFiles = {
  all: 'authority.json',
  /** The root that this cloud's own certificate comes from: what gateways are given to trust. Not secret. */
  root: 'authority.pem',
  server: 'server.json',
  voucher: 'voucher.json',
  /** From before keys were sealed; taken over, and removed. */
  old: { key: 'authority.key.pem', server: 'server.pem' },
} as const;

/** The authority's folder in a cloud's state folder. */
export function authorityFolder(state: string): string {
  return join(state, 'authority');
}

/** Whether there is anything in the folder that was sealed, and opens with no other keys. */
export function hasSealed(folder: string): boolean {
  return existsSync(join(folder, keptFiles.all));
}

/**
 * Reads what the folder holds; undefined where there is nothing yet.
 * @throws AuthorityError `authority-key-exposed`, `authority-unreadable`
 */
export async function readKept(folder: string): Promise<Kept | undefined> {
  const path = join(folder, keptFiles.all);
  const text = await readIfThere(path);
  if (text === undefined) return undefined;
  if (await isExposed(path)) throw exposed(path);
  try {
    return fromFile(schema.parse(JSON.parse(text)));
  } catch (cause) {
    // Not the parser's words: they quote the file.
    throw new AuthorityError(
      'authority-unreadable',
      `${path} is not what the cloud wrote: restore it from the backup of the keys`,
      { cause: cause instanceof z.ZodError ? undefined : cause },
    );
  }
}

/** Writes all of it, or nothing; then the root that is to be trusted, which can be written again at any time. */
export async function writeKept(folder: string, kept: Kept): Promise<void> {
  await writeWhole(join(folder, keptFiles.all), `${JSON.stringify(toFile(kept), undefined, 2)}\n`, 0o600);
}

export function exposed(path: string): AuthorityError {
  return new AuthorityError(
    'authority-key-exposed',
    `other users may read ${path}: run 'chmod 600 ${path}', and if others were on this machine, begin a new authority`,
  );
}

function fromFile({ roots, crosses, issuers, retired, request }: File): Kept {
  const read = <T extends { certificate: string }>({ certificate, ...rest }: T) => ({
    ...rest,
    ...readCertificate(certificate),
  });
  return { roots: roots.map(read), crosses: crosses.map(read), issuers: issuers.map(read), retired, request };
}

function toFile({ roots, crosses, issuers, retired, request }: Kept): File {
  const common = ({ pem, since, logged }: Entry) => ({ certificate: pem, since, logged });
  return {
    format: 1,
    retired: [...retired],
    roots: roots.map((root) => ({ ...common(root), key: root.key })),
    crosses: crosses.map(common),
    issuers: issuers.map((issuer) => ({
      ...common(issuer),
      ...{ key: issuer.key, distrusted: issuer.distrusted },
    })),
    request,
  };
}
