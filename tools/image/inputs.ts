import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ReleaseManifest, readManifest } from '@loadline/sdk/release';
import { readTrustedRoot } from '../release/root-files.ts';
import { readMaker } from '../release-build/given-files.ts';

/** What an image is made of, besides Debian. */
export interface Inputs {
  readonly release: ReleaseManifest;
  readonly releaseDigest: string;
  readonly maker: Buffer;
  readonly root: Buffer | undefined;
}

export function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Where they are. */
export interface InputFiles {
  /** The folder that `loadline release build` made. */
  readonly release: string;
  /** Whose vouchers its gateways take an owner by: certificate, PEM. */
  readonly maker: string;
  /** The root.json of the repository that they update from. Undefined where they take none, ever. */
  readonly releasesRoot: string | undefined;
}

/** @throws Error that says which file is not what it has to be */
export async function readInputs({ release: folder, maker, releasesRoot }: InputFiles): Promise<Inputs> {
  const bytes = await readFile(join(folder, 'manifest.json')).catch((cause: Error) => {
    throw new Error(`${folder} is no folder that 'loadline release build' made: ${cause.message}`, { cause });
  });
  const release = readManifest(bytes);
  if (release.target !== 'linux-arm64')
    throw new Error(`${folder} has a release for ${release.target}, and images are for linux-arm64`);
  const pem = await readMaker(maker);
  const root = releasesRoot === undefined ? undefined : Buffer.from(await readTrustedRoot(releasesRoot));
  return { release, releaseDigest: digestOf(bytes), maker: pem, root };
}
