import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { limits } from '@loadline/sdk/contract';
import { openRegular, readRegular } from '@loadline/sdk/platform';
import { type ReleaseFile, type ReleaseManifest, readManifest } from '@loadline/sdk/release';
import { readBootState } from './boot-state.ts';
import { type Layout, slotFolder } from './layout.ts';

/**
 * Slots whose files a new release may be made of: the one that is current, and what came with image or package. Not
 * the one that the new release will take the place of: it goes first where there is no room for both.
 */
export async function sourcesOf(layout: Layout): Promise<readonly string[]> {
  const { current } = await readBootState(layout);
  return current === 'factory'
    ? [layout.factory]
    : [slotFolder(layout, current), slotFolder(layout, 'factory')];
}

/** The manifest of a release tree; undefined where there is none that can be read. */
export async function manifestIn(folder: string): Promise<ReleaseManifest | undefined> {
  try {
    const bytes = await readRegular(join(folder, 'manifest.json'), limits.releaseManifestBytes);
    return bytes === undefined ? undefined : readManifest(bytes);
  } catch {
    return undefined;
  }
}

/** Where files of this content say they lie, by digest. Nobody has looked whether they still are what they were. */
export async function claimsOf(sources: readonly string[]): Promise<Map<string, string>> {
  const claims = new Map<string, string>();
  // The first one that has it counts.
  for (const folder of sources) {
    for (const { path, sha256 } of (await manifestIn(folder))?.files ?? []) {
      if (!claims.has(sha256)) claims.set(sha256, join(folder, path));
    }
  }
  return claims;
}

/**
 * The files of a release whose blobs have to travel: those that no slot has. Each one that a slot has is read through, so a
 * file that a disk spoiled travels again. The installer takes files from the same places.
 */
export async function filesToFetch(layout: Layout, manifest: ReleaseManifest): Promise<ReleaseFile[]> {
  const claims = await claimsOf(await sourcesOf(layout));
  const held = new Map<string, boolean>();
  for (const { sha256, length } of manifest.files) {
    const path = claims.get(sha256);
    if (!held.has(sha256)) held.set(sha256, path !== undefined && (await isWhole(path, sha256, length)));
  }
  const asked = new Set<string>();
  return manifest.files.filter(({ sha256, packed }) => {
    if (held.get(sha256) || asked.has(packed.sha256)) return false;
    asked.add(packed.sha256);
    return true;
  });
}

/** Whether each file of a release tree is what its manifest says. */
export async function isTreeWhole(folder: string, { files }: ReleaseManifest): Promise<boolean> {
  for (const { path, sha256, length } of files) {
    if (!(await isWhole(join(folder, path), sha256, length))) return false;
  }
  return true;
}

async function isWhole(path: string, sha256: string, length: number): Promise<boolean> {
  const file = await openRegular(path, length).catch(() => undefined);
  if (file === undefined) return false;
  const hash = createHash('sha256');
  try {
    for await (const chunk of file.createReadStream({ highWaterMark: 256 * 1024 })) hash.update(chunk);
  } catch {
    return false;
  }
  return hash.digest('hex') === sha256;
}
