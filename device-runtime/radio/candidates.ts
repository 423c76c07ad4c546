// As a whole: an older Node has no globSync, and could not even say that it is too old.
import fs, { readdirSync, type Stats, statSync } from 'node:fs';
import { join } from 'node:path';

/** Where udev keeps a link for every serial adapter that says who it is. */
export const byIdFolder = '/dev/serial/by-id';

/** A device that a port may be. */
export interface Candidate {
  /** What is opened. */
  readonly path: string;
  /** The kernel's number of the device (st_rdev): however many links lead to it, it is one. */
  readonly device: number;
  /** This appearance of it: a device that was unplugged and comes again under its old number is another. */
  readonly appearance: string;
}

/** The devices that a path, or a pattern with `*`, leads to now: each once, by the first of its names. */
export function candidatesOf(path: string): Candidate[] {
  const paths = path.includes('*') ? fs.globSync(path).sort() : [path];
  const found = new Map<number, Candidate>();
  for (const each of paths) {
    const stats = statsOf(each);
    if (!stats?.isCharacterDevice() || found.has(stats.rdev)) continue;
    found.set(stats.rdev, candidateOf(each, stats));
  }
  return [...found.values()];
}

function candidateOf(path: string, { rdev, ino, ctimeMs }: Stats): Candidate {
  return { path, device: rdev, appearance: `${rdev}:${ino}:${ctimeMs}` };
}

/** The link in `folder` that names this device by who it is; undefined where there is none. */
export function byIdLinkOf(device: number, folder = byIdFolder): string | undefined {
  let names: string[];
  try {
    names = readdirSync(folder).sort();
  } catch {
    return undefined;
  }
  return names.map((name) => join(folder, name)).find((path) => statsOf(path)?.rdev === device);
}

function statsOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    // A link in a loop, or a folder that may not be looked into.
    return undefined;
  }
}
