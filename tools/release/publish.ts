import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { releasePartBytes } from '@loadline/sdk/api';
import { type CloudClient, CloudError } from '@loadline/sdk/client';
import { blobPath, repository as places } from '@loadline/sdk/release';
import { readRepositoryFolder, readSignedManifest, readTargets } from '@loadline/sdk/release/repository';
import { Command } from 'commander';
import { answer, teller } from '../ca/ceremony.ts';
import { withCloud } from '../cloud/connection.ts';
import { attempt, CalledWrongly } from '../cloud/outcome.ts';
import { missingOf, signedManifestBytes } from './built-release.ts';
import { withRepository } from './telling.ts';

/** Digests that are asked about at a time. */
const askedFiles = 2000;

/** How often a file is begun again that somebody else sends at the same time. */
const attempts = 5;

interface Waiting {
  readonly path: string;
  readonly length: number;
}

/** `loadline release publish`: what a repository has, to the cloud that one is logged in at. */
export function publishCommand(): Command {
  return withRepository(new Command('publish'))
    .description(
      'bring signed releases to the cloud, which judges them, signs that they are the newest, and can roll them out',
    )
    .option('--json', 'one line of JSON on standard output; progress is on standard error', false)
    .addHelpText(
      'after',
      `
As whoever is logged in ('loadline login'). Only what the cloud does not have is sent; what was
cut short goes on where it was. The releases that it has are from then on those of this repository, and no others.`,
    )
    .action((flags: { repository: string; json: boolean }) =>
      attempt('release publish', async () => {
        const { roots, root, targets } = await readRepositoryFolder(flags.repository);
        if (root === undefined || targets === undefined) {
          throw new CalledWrongly(
            `${flags.repository} holds nothing that is signed: 'loadline release sign' first`,
          );
        }
        const files = await filesOf(flags.repository, targets);
        await withCloud(async (cloud) => {
          const sent = await sendMissing(cloud, files, teller(true));
          const added = await cloud.addReleases({ body: { roots: [...roots], targets } });
          const words = added.changed ? 'are in force' : 'were in force already';
          teller(flags.json)(
            `${added.releases} releases of targets ${added.targets} ${words}; ${sent} bytes were sent.`,
          );
          answer(flags.json, { ...added, sentBytes: sent });
        });
      }),
    );
}

/** All files of the releases that are signed, by digest. */
async function filesOf(repository: string, targets: string): Promise<Map<string, Waiting>> {
  const files = new Map<string, Waiting>();
  for (const signed of readTargets(targets).releases) {
    const manifest = readSignedManifest(signed, await signedManifestBytes(repository, signed));
    files.set(signed.sha256, { path: join(repository, places.targets, signed.path), length: signed.length });
    for (const { packed } of manifest.files) {
      files.set(packed.sha256, { path: join(repository, blobPath(packed.sha256)), length: packed.length });
    }
  }
  return files;
}

async function sendMissing(
  cloud: CloudClient,
  files: ReadonlyMap<string, Waiting>,
  tell: (line: string) => void,
): Promise<number> {
  const digests = [...files.keys()];
  let sent = 0;
  for (let start = 0; start < digests.length; start += askedFiles) {
    const asked = digests.slice(start, start + askedFiles);
    for (let attempt = 1; ; attempt++) {
      const { missing } = await cloud.beginUpload({ body: { files: asked } });
      if (missing.length === 0) break;
      if (attempt > attempts)
        throw new Error('the cloud still asks for what it was sent: is somebody else sending it?');
      tell(`${missing.length} files to send`);
      try {
        for (const { sha256, from } of missing)
          sent += await send(cloud, sha256, files.get(sha256), from, tell);
      } catch (error) {
        // Somebody else sends it, too, or the cloud had less of it than it said.
        if (!(error instanceof CloudError) || error.status !== 409) throw error;
      }
    }
  }
  return sent;
}

async function send(
  cloud: CloudClient,
  sha256: string,
  file: Waiting | undefined,
  begin: number,
  tell: (line: string) => void,
): Promise<number> {
  if (file === undefined) throw new Error(`the cloud asks for ${sha256}, which nobody offered`);
  const { path, length } = file;
  const handle = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'ENOENT' ? missingOf(path) : error;
  });
  try {
    const buffer = Buffer.alloc(releasePartBytes);
    let from = begin;
    let told = Date.now();
    // Also where nothing is left to send: with the last part the cloud checks the digest.
    do {
      const { bytesRead } = await handle.read(buffer, 0, releasePartBytes, from);
      if (bytesRead === 0 && from < length)
        throw new Error(`${path} is shorter than was signed: fetch it again`);
      const data = buffer.subarray(0, bytesRead).toString('base64');
      await cloud.putReleasePart({ file: sha256, body: { from, length, data } });
      from += bytesRead;
      if (Date.now() - told < 5000) continue;
      told = Date.now();
      tell(`${sha256.slice(0, 12)}… ${Math.floor((from / length) * 100)} % of ${Math.ceil(length / 1e6)} MB`);
    } while (from < length);
    return length - begin;
  } finally {
    await handle.close();
  }
}
