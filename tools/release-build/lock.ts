import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** One package as package-lock.json has it. */
export interface LockedPackage {
  readonly name: string;
  readonly version: string;
  /** Subresource integrity of its tarball: `sha512-…`. A package of the workspace has none. */
  readonly integrity: string | undefined;
  /** SPDX expression, as the package says. */
  readonly license: string | undefined;
  /** Where it is installed, relative to the root: `node_modules/zod`. */
  readonly folder: string;
}

type Entry = { name?: string; version?: string; integrity?: string; license?: string; link?: boolean };

/** What package-lock.json says of each folder. */
export class Lock {
  readonly #entries: Readonly<Record<string, Entry>>;

  constructor(root: string) {
    const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, Entry>;
    };
    this.#entries = packages;
  }

  /** The package installed in `folder`. @throws Error where the lock has none there */
  at(folder: string): LockedPackage {
    const entry = this.#entries[folder];
    if (entry?.version === undefined || entry.link === true) {
      throw new Error(`package-lock.json has no version of ${folder}: run 'npm install' and commit it`);
    }
    const name = entry.name ?? folder.slice(folder.lastIndexOf('node_modules/') + 'node_modules/'.length);
    const { version, integrity, license } = entry;
    return { name, version, integrity, license, folder };
  }

  /** The package that the file at `path`, relative to the root, belongs to. */
  owning(path: string): LockedPackage {
    const folders = path.split('/').slice(0, -1);
    for (let depth = folders.length; depth > 0; depth -= 1) {
      const folder = folders.slice(0, depth).join('/');
      if (Object.hasOwn(this.#entries, folder)) return this.at(folder);
    }
    throw new Error(`package-lock.json has no package that ${path} belongs to`);
  }
}
