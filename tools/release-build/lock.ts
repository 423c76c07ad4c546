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

interface Entry {
  readonly name?: string;
  readonly version?: string;
  readonly integrity?: string;
  readonly license?: string;
  readonly link?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

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

  /** The folders of what the package in `folder` depends on, as Node finds them from there; what is not installed is left out. */
  dependenciesOf(folder: string): string[] {
    const { dependencies = {}, optionalDependencies = {} } = this.#entries[folder] ?? {};
    const found = Object.keys({ ...dependencies, ...optionalDependencies }).map((name) =>
      this.#find(name, folder),
    );
    return found.filter((each) => each !== undefined);
  }

  #find(name: string, from: string): string | undefined {
    const parts = from.split('/');
    for (let depth = parts.length; depth >= 0; depth -= 1) {
      const folder = [...parts.slice(0, depth), 'node_modules', name].join('/');
      if (Object.hasOwn(this.#entries, folder)) return folder;
    }
    return undefined;
  }
}
