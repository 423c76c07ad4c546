import { open, readdir, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { flashRead } from '@loadline/sdk/flashing';
import { compareVersions, type ReleaseTarget, releaseVersion, repository } from '@loadline/sdk/release';
import { LinkError } from '@loadline/sdk/serial-link';
import { CalledWrongly } from '../cloud/outcome.ts';

/** A repository of signed releases in a folder, as `loadline release` makes it. */
export interface ReleaseFolder {
  /** Versions that it has for a target. */
  versions(target: ReleaseTarget): Promise<string[]>;
  /** Answers a gateway that asks for a part of a file of it. Nothing outside the folder is ever told. */
  read(body: unknown): Promise<unknown>;
}

const folders = {
  metadata: repository.metadata,
  target: repository.targets,
  blob: repository.blobs,
} as const;

/** @throws CalledWrongly where it is no repository */
export async function openReleaseFolder(folder: string): Promise<ReleaseFolder> {
  const isSigned = await stat(join(folder, repository.metadata, 'timestamp.json')).then(
    (found) => found.isFile(),
    () => false,
  );
  if (!isSigned) {
    throw new CalledWrongly(
      `${folder} has no ${repository.metadata}/timestamp.json: name a repository of signed releases (loadline release sign)`,
    );
  }
  return {
    versions: async (target) => {
      const base = join(folder, repository.targets, 'releases');
      const found: string[] = [];
      for (const version of await readdir(base).catch(() => [])) {
        const names = await readdir(join(base, version, target)).catch(() => []);
        if (
          releaseVersion.safeParse(version).success &&
          names.some((name) => name.endsWith('.manifest.json'))
        )
          found.push(version);
      }
      return found.sort(compareVersions);
    },
    read: (body) => readPart(folder, body),
  };
}

async function readPart(folder: string, body: unknown): Promise<unknown> {
  const asked = flashRead.body.safeParse(body);
  if (!asked.success) {
    throw new LinkError(
      'flash-malformed',
      'it asks for what is no file of a repository',
      'update the gateway',
    );
  }
  const { kind, name, from, most } = asked.data;
  const path = join(folder, folders[kind], name);
  if (relative(join(folder, folders[kind]), path).startsWith('..')) return null;
  const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR' || error.code === 'EISDIR') return undefined;
    throw error;
  });
  if (file === undefined) return null;
  try {
    const stats = await file.stat();
    if (!stats.isFile()) return null;
    const { buffer, bytesRead } = await file.read(Buffer.alloc(most), 0, most, from);
    // Plain bytes: what is a Buffer here is nothing else there.
    return { bytes: new Uint8Array(buffer.subarray(0, bytesRead)), total: stats.size };
  } finally {
    await file.close();
  }
}
