import type { Lock, LockedPackage } from './lock.ts';

/** A package that something of is in a release. */
export interface Inside extends LockedPackage {
  readonly integrity: string;
  readonly license: string;
  /** Those of the others that it depends on: `name@version`. */
  readonly dependsOn: readonly string[];
}

/** What a package is called where two of one name are inside. */
export function idOf({ name, version }: LockedPackage): string {
  return `${name}@${version}`;
}

/**
 * The packages of others that the files at `paths`, relative to the root, come from: each once, by name and version.
 *
 * @throws Error where the lock does not say what a package is
 */
export function packagesInside(paths: readonly string[], lock: Lock): Inside[] {
  const folders = new Set(paths.map((path) => lock.owning(path).folder));
  const packages = new Map<string, Inside>();
  for (const folder of [...folders].filter((each) => each.includes('node_modules/')).sort()) {
    const locked = lock.at(folder);
    const { integrity, license } = locked;
    if (integrity === undefined || license === undefined) {
      throw new Error(
        `package-lock.json does not say ${integrity === undefined ? 'the integrity' : 'the licence'} of ${folder}`,
      );
    }
    const dependsOn = lock.dependenciesOf(folder).filter((each) => folders.has(each));
    const ids = dependsOn.map((each) => idOf(lock.at(each)));
    packages.set(idOf(locked), { ...locked, integrity, license, dependsOn: ids.sort() });
  }
  return [...packages.values()].sort((a, b) => (idOf(a) < idOf(b) ? -1 : 1));
}
