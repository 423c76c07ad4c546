import type { JournalFolder } from './folder.ts';
import type { Found } from './opening.ts';
import { mergedName } from './segment.ts';

/** The file that is being made. One that a power cut left is worth nothing: what it was made of is still there. */
export const mergingName = 'merging';
/** Small files there may be: each opening without an uplink leaves one. */
const smallFiles = 32;

/**
 * Puts neighbouring small files together, as they are, where there are many: thousands of openings without an uplink
 * would make each opening slower than the one before. The new file has its name, for good, before the old ones go; where
 * both are found, what they have is there twice, and counted once. A disk that does not take it costs nothing.
 *
 * @param found in the order of the files
 * @param segmentBytes about so large a file may become
 * @returns the same, where it is now
 */
export async function mergeSmall(
  folder: JournalFolder,
  found: readonly Found[],
  segmentBytes: number,
): Promise<Found[]> {
  await folder.remove(mergingName).catch(() => {});
  const files = [...Map.groupBy(found, ({ name }) => name).values()];
  const isSmall = (file: readonly Found[]) => bytesOf(file) < segmentBytes / 2;
  // What is damaged among merged ones is left behind.
  const isWorthIt = files.filter(isSmall).length > smallFiles || files.some(isHoled);
  if (!isWorthIt) return [...found];
  const result: Found[] = [];
  for (const group of groupsOf(files, (file) => isSmall(file) || isHoled(file), segmentBytes)) {
    const parts = group.flat();
    const isLeft = group.length === 1 && !isHoled(parts);
    result.push(...(isLeft ? parts : await merge(folder, parts).catch(() => parts)));
  }
  return result;
}

/** Damage lies between segments that are whole. */
function isHoled(file: readonly Found[]): boolean {
  return file.slice(0, -1).some(({ cut }) => cut);
}

function bytesOf(file: readonly Found[]): number {
  return file.reduce((sum, { end }) => sum + end, 0);
}

/** Neighbours that are to be put together; every other file is alone. */
function groupsOf(
  files: readonly (readonly Found[])[],
  isPart: (file: readonly Found[]) => boolean,
  most: number,
): (readonly Found[])[][] {
  const groups: (readonly Found[])[][] = [];
  let open: { readonly group: (readonly Found[])[]; bytes: number } | undefined;
  for (const file of files) {
    const bytes = bytesOf(file);
    if (open !== undefined && isPart(file) && open.bytes + bytes <= most) {
      open.group.push(file);
      open.bytes += bytes;
      continue;
    }
    const group = [file];
    groups.push(group);
    open = isPart(file) ? { group, bytes } : undefined;
  }
  return groups;
}

async function merge(folder: JournalFolder, parts: readonly Found[]): Promise<Found[]> {
  const { sequence, header } = parts[0] as Found;
  const name = mergedName(sequence, header.epoch);
  const merged: Found[] = [];
  const images: Buffer[] = [];
  let at = 0;
  for (const part of parts) {
    const image = folder.readSync(part.name, part.at, part.end);
    if (image.length < part.end) throw new Error(`${part.name} has become shorter`);
    images.push(image);
    merged.push({ ...part, name, sequence, at });
    at += image.length;
  }
  const file = await folder.open(mergingName);
  try {
    await file.truncate(0);
    await file.write(Buffer.concat(images), 0);
    await file.sync();
  } finally {
    await file.close();
  }
  await folder.rename(mergingName, name);
  const old = new Set(parts.map((part) => part.name));
  old.delete(name);
  try {
    await folder.sync();
    for (const each of old) await folder.remove(each);
  } catch {
    // What stays is found again, and counted once.
  }
  return merged;
}
