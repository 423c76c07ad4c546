import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeWhole } from '../../platform/index.ts';
import { repository } from '../names.ts';
import { readMetadata } from './documents.ts';
import type { NamedMetadata } from './online.ts';

/** The metadata of a repository as it lies in its folder. */
export interface FolderMetadata {
  /** All of them, from the oldest that is there. Empty where there is no repository. */
  readonly roots: readonly string[];
  /** The newest of each role. */
  readonly root: string | undefined;
  readonly targets: string | undefined;
  readonly snapshot: string | undefined;
  readonly timestamp: string | undefined;
}

/**
 * Reads the metadata of a repository in a folder. The newest targets are those with the highest number, be they in a
 * snapshot yet or not: so a signing that was cut short goes on where it was.
 */
export async function readRepositoryFolder(folder: string): Promise<FolderMetadata> {
  const place = join(folder, repository.metadata);
  const names: string[] = await readdir(place).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const read = async (name: string): Promise<string | undefined> =>
    names.includes(name) ? await readFile(join(place, name), 'utf8') : undefined;
  const versions = (role: string): number[] =>
    names
      .map((name) => new RegExp(`^([1-9]\\d{0,15})\\.${role}\\.json$`).exec(name)?.[1])
      .filter((version) => version !== undefined)
      .map(Number)
      .sort((a, b) => a - b);
  const roots = await Promise.all(
    versions('root').map((version) => readFile(join(place, `${version}.root.json`), 'utf8')),
  );
  const timestamp = await read('timestamp.json');
  const told = timestamp && readMetadata('timestamp', timestamp).signed.snapshotMeta.version;
  return {
    roots,
    root: roots.at(-1),
    targets: await read(`${versions('targets').at(-1)}.targets.json`),
    snapshot: await read(`${told}.snapshot.json`),
    timestamp,
  };
}

/** Writes files of metadata into a repository's folder, one after the other, each whole and synced. */
export async function writeMetadataFiles(folder: string, files: readonly NamedMetadata[]): Promise<void> {
  const place = join(folder, repository.metadata);
  await mkdir(place, { recursive: true });
  for (const { name, content } of files) await writeWhole(join(place, name), content, 0o644);
}
