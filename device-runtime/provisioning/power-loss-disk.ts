import { basename, dirname } from 'node:path';
import type { SiteDisk } from './disk.ts';

/** `ignored` is the control: a disk that says it has synced and has not. Whatever relies on syncs must fail on it. */
export type Syncs = 'honoured' | 'ignored';

type Node = File | Folder | Pointer;

interface File {
  readonly kind: 'file';
  readonly content: string;
}

interface Pointer {
  readonly kind: 'pointer';
  readonly target: string;
}

interface Folder {
  readonly kind: 'folder';
  /** Names in force, and those that last: a name that was not synced may be either after a cut. */
  readonly names: Map<string, Node>;
  readonly durable: Map<string, Node>;
}

/** What every operation throws from the cut on. */
export class PowerCut extends Error {
  override readonly name = 'PowerCut';
}

/**
 * A disk in memory on which the power can be cut at any operation, for tests of `SiteStore`. What was synced lasts; of
 * each name that was not, the old or the new is there; a file that was being written is there in any part.
 */
export class PowerLossDisk implements SiteDisk {
  readonly #root: Folder;
  readonly #syncs: Syncs;
  readonly #random: () => number;
  #left: number;
  /** Operations that changed something. */
  operations = 0;

  /** @param cutAfter operations until the power goes; Infinity for never */
  constructor(options: { root?: Folder; syncs?: Syncs; random: () => number; cutAfter?: number }) {
    const { root, syncs = 'honoured', random, cutAfter = Number.POSITIVE_INFINITY } = options;
    this.#root = root ?? emptyFolder();
    this.#syncs = syncs;
    this.#random = random;
    this.#left = cutAfter;
  }

  /** The disk as the next boot finds it. */
  rebooted(cutAfter = Number.POSITIVE_INFINITY): PowerLossDisk {
    return new PowerLossDisk({
      root: survived(this.#root, this.#random),
      syncs: this.#syncs,
      random: this.#random,
      cutAfter,
    });
  }

  /** The disk as another process finds it after this one was killed: what was written is there. */
  killed(cutAfter = Number.POSITIVE_INFINITY): PowerLossDisk {
    return new PowerLossDisk({ root: this.#root, syncs: this.#syncs, random: this.#random, cutAfter });
  }

  async list(folder: string): Promise<readonly string[]> {
    const found = this.#find(folder);
    return found?.kind === 'folder' ? [...found.names.keys()] : [];
  }

  async read(file: string): Promise<string | undefined> {
    const found = this.#find(file);
    return found?.kind === 'file' ? found.content : undefined;
  }

  async makeFolder(folder: string): Promise<void> {
    this.#spend();
    if (this.#find(folder) === undefined) this.#set(folder, emptyFolder());
  }

  async write(file: string, content: string): Promise<void> {
    this.#spend(() => {
      const torn = content.slice(0, Math.floor(this.#random() * content.length));
      this.#set(file, { kind: 'file', content: torn });
    });
    this.#set(file, { kind: 'file', content });
  }

  async link(file: string, name: string): Promise<void> {
    this.#spend();
    const found = this.#find(file);
    if (found === undefined || this.#find(name) !== undefined) throw new Error(`cannot link ${name}`);
    this.#set(name, found);
  }

  async pointer(link: string): Promise<string | undefined> {
    const found = this.#find(link);
    return found?.kind === 'pointer' ? found.target : undefined;
  }

  async point(link: string, target: string): Promise<void> {
    this.#spend();
    if (this.#find(link) !== undefined) throw new Error(`${link} is there`);
    this.#set(link, { kind: 'pointer', target });
  }

  async rename(from: string, to: string): Promise<void> {
    this.#spend();
    const found = this.#find(from);
    if (found === undefined) throw new Error(`${from} is not there`);
    this.#set(to, found);
    this.#parent(from).names.delete(basename(from));
  }

  async remove(path: string): Promise<void> {
    const found = this.#find(path);
    if (found === undefined) return;
    if (found.kind === 'folder') {
      for (const name of [...found.names.keys()]) await this.remove(`${path}/${name}`);
    }
    this.#spend();
    this.#parent(path).names.delete(basename(path));
  }

  async sync(folder: string): Promise<void> {
    this.#spend();
    const found = this.#find(folder);
    if (found?.kind !== 'folder') throw new Error(`${folder} is no folder`);
    if (this.#syncs === 'ignored') return;
    found.durable.clear();
    for (const [name, node] of found.names) found.durable.set(name, node);
  }

  /** One operation more, unless the power goes in it. */
  #spend(half: () => void = () => {}): void {
    this.operations++;
    if (this.#left-- > 0) return;
    if (this.#left === -1) half();
    throw new PowerCut('the power is gone');
  }

  #set(path: string, node: Node): void {
    this.#parent(path).names.set(basename(path), node);
  }

  #parent(path: string): Folder {
    const found = this.#find(dirname(path));
    if (found?.kind !== 'folder') throw new Error(`${dirname(path)} is no folder`);
    return found;
  }

  #find(path: string): Node | undefined {
    let node: Node | undefined = this.#root;
    for (const name of path.split('/').filter((part) => part !== '')) {
      node = node?.kind === 'folder' ? node.names.get(name) : undefined;
    }
    return node;
  }
}

function emptyFolder(): Folder {
  return { kind: 'folder', names: new Map(), durable: new Map() };
}

/** Of each name that is not synced, the old or the new. */
function survived(folder: Folder, random: () => number): Folder {
  const after = emptyFolder();
  for (const name of new Set([...folder.names.keys(), ...folder.durable.keys()])) {
    const now = folder.names.get(name);
    const before = folder.durable.get(name);
    const node = now === before || random() < 0.5 ? now : before;
    if (node === undefined) continue;
    const left = node.kind === 'folder' ? survived(node, random) : node;
    after.names.set(name, left);
    after.durable.set(name, left);
  }
  return after;
}
