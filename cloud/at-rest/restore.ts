import { existsSync } from 'node:fs';
import { mkdtemp, rename, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { copySynced, makePrivateFolder, syncFolder, writeWhole } from '@loadline/sdk/platform';
import { heldBy } from '../authority/index.ts';
import { opensWith, surveyDatabase, verifyAudit } from '../store/index.ts';
import { keyFiles, keyFolders, keyText, mustBeFree, removeEngineFiles, ringIds } from './backup.ts';
import { databaseFiles } from './files.ts';
import {
  backupNames,
  differences,
  fileDigest,
  type Manifest,
  readManifest,
  textDigest,
  unbalanced,
} from './manifest.ts';

/** Something that a restore looked at, in words, and whether it is as it was. */
export interface Proof {
  readonly what: string;
  readonly wrong: readonly string[];
}

export interface RestoreOptions {
  /** The folder of the backup. */
  readonly from: string;
  /** The key that the backup opens with. */
  readonly key: string;
  readonly told: (step: 'copy' | 'survey') => void;
}

/**
 * Makes a state folder of a backup: beside its place, synced, and renamed there when it is whole and proven. It is fenced.
 *
 * @param keys folder of `keys.json` and `authority/`, as `backup --keys-to` made it
 * @param keepKey whether the key is written into the folder; not where the cloud gets it by another way
 * @throws Error where the backup or the keys are not what they must be: then nothing is left behind
 */
export async function restoreBackup(
  options: RestoreOptions & { readonly state: string; readonly keys: string; readonly keepKey: boolean },
): Promise<{ readonly manifest: Manifest; readonly proofs: readonly Proof[] }> {
  const { from, state, keys, key, keepKey } = options;
  await mustBeFree(state);
  const manifest = await readManifest(from);
  await mustBeItsKeys(keys, manifest);
  const draft = `${resolve(state)}.unfinished`;
  await rm(draft, { recursive: true, force: true });
  for (const name of keyFolders) await makePrivateFolder(join(draft, name));
  await makePrivateFolder(draft);
  try {
    const proofs = await copyAndProve(options, manifest, databaseFiles(draft).database);
    mustBeProven(proofs);
    for (const name of keyFiles) {
      if (name !== 'database.key' && existsSync(join(keys, name)))
        await copySynced(join(keys, name), join(draft, name));
    }
    if (keepKey) await writeWhole(databaseFiles(draft).key, `${key}\n`, 0o600);
    await rm(state, { recursive: true, force: true });
    await rename(draft, state);
    await syncFolder(dirname(resolve(state)));
    return { manifest, proofs };
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    throw error;
  }
}

/** Restores into a folder within `within`, proves the copy, and removes it again, however that ends. */
export async function drillRestore(
  options: RestoreOptions & { readonly within: string },
): Promise<{ readonly manifest: Manifest; readonly proofs: readonly Proof[] }> {
  const manifest = await readManifest(options.from);
  const folder = await mkdtemp(join(options.within, 'loadline-drill-'));
  try {
    return { manifest, proofs: await copyAndProve(options, manifest, databaseFiles(folder).database) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function copyAndProve(
  { from, key, told }: RestoreOptions,
  manifest: Manifest,
  to: string,
): Promise<Proof[]> {
  const source = join(from, manifest.database.file);
  told('copy');
  await copySynced(source, to);
  const sum: Proof = {
    what: `${manifest.database.bytes} bytes of ${backupNames.database} have the checksum that the backup says`,
    wrong: (await fileDigest(to)) === manifest.database.sha256 ? [] : [`${source} is not as it was written`],
  };
  // Nothing more can be said of a file that is another one: the cipher would only say that it is damaged.
  if (sum.wrong.length > 0) return [sum];
  const options = { file: to, key };
  if (!opensWith(options))
    throw new Error(`${source} does not open with this key: give the key it was made with`);
  told('survey');
  const survey = surveyDatabase(options);
  const chains = verifyAudit(options, undefined, []);
  await removeEngineFiles(to);
  const tables = Object.values(survey.tables);
  const rows = tables.reduce((sum, table) => sum + table.rows, 0);
  const stored = survey.ledger.reduce((sum, { readings }) => sum + readings.stored, 0);
  return [
    sum,
    {
      what: `${rows} rows of ${tables.length} tables are those that were backed up, and every page is proven by the cipher`,
      wrong: differences(manifest.survey as typeof survey, survey),
    },
    {
      what: `the ledgers of ${survey.ledger.length} organisations are those that were backed up and balance: ${stored} readings stored`,
      wrong: unbalanced(survey),
    },
    {
      what: `${chains.length} chains of the audit log are whole`,
      wrong: chains.flatMap(({ span, verdict }) =>
        verdict.whole
          ? []
          : [
              `the chain of ${span.organisation ?? 'the fleet'} is not: entry ${verdict.sequence} is ${verdict.why}`,
            ],
      ),
    },
    {
      what: 'the copy is fenced: a cloud started on it lets nobody in before it is promoted',
      wrong: survey.fleet.fenced === null ? ['it is not fenced'] : [],
    },
  ];
}

function mustBeProven(proofs: readonly Proof[]): void {
  const wrong = proofs.flatMap((proof) => proof.wrong);
  if (wrong.length > 0) throw new Error(`the copy is not what was backed up: ${wrong.join('; ')}`);
}

/** Without these a restored cloud would void every second factor and secret, or be another one for every gateway. */
async function mustBeItsKeys(folder: string, { needs }: Manifest): Promise<void> {
  if (needs.keys !== null) {
    const path = join(folder, 'keys.json');
    if (!existsSync(path)) throw new Error(`${path} is missing: the backup needs the keys.json of its cloud`);
    const there = ringIds(await keyText(path));
    for (const [ring, ids] of Object.entries(needs.keys)) {
      const missing = ids.filter((id) => !there[ring]?.includes(id));
      if (missing.length > 0) {
        throw new Error(
          `${path} lacks the version ${missing.join(', ')} of the ring ${ring}, which the backup needs: it is too old, or of another cloud`,
        );
      }
    }
  }
  if (needs.authority !== null) {
    await mustBeItsAuthority(join(folder, 'authority'), needs);
  }
}

/** The root of the backup must be among its roots, and all that has issued certificates among its issuers. */
async function mustBeItsAuthority(
  folder: string,
  { authority, authorities = [] }: Manifest['needs'],
): Promise<void> {
  const path = join(folder, 'authority.pem');
  const { roots, issuers, retired } = await heldBy(folder);
  const isFromBefore = existsSync(join(folder, 'authority.key.pem'));
  if (!existsSync(path) || (roots.length === 0 && !isFromBefore)) {
    throw new Error(`${folder} has no authority: no gateway would know the cloud again`);
  }
  const digests = [await fileDigest(path), ...roots.map(({ pem }) => textDigest(pem))];
  if (!digests.includes(authority ?? '')) throw new Error(`${path} is the authority of another fleet`);
  const held = new Set([...retired, ...[...roots, ...issuers].map(({ details }) => details.fingerprint)]);
  const missing = isFromBefore ? [] : authorities.filter((fingerprint) => !held.has(fingerprint));
  if (missing.length > 0) {
    throw new Error(
      `${folder} lacks what has issued certificates since (${missing.map((one) => one.slice(0, 16)).join(', ')}): it is too old; ` +
        'give the newest copy of the keys',
    );
  }
}
