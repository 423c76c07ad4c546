import type { JournalFile, JournalFolder } from './folder.ts';

/** Bytes the disk writes as one: of a write that was not synced, any subset of these may have arrived. */
const sectorBytes = 512;

type Change =
  | { readonly kind: 'write'; readonly bytes: Buffer; readonly position: number }
  | { readonly kind: 'truncate'; readonly length: number };

/** Contents of a file: what lasts, and what was done since. */
interface Inode {
  synced: Buffer;
  changes: Change[];
}

type Naming =
  | { readonly kind: 'link'; readonly name: string; readonly inode: Inode }
  | { readonly kind: 'rename'; readonly from: string; readonly to: string }
  | { readonly kind: 'unlink'; readonly name: string };

/** `ignored` is the control: a disk that says it has synced and has not. Whatever relies on syncs must fail on it. */
export type Syncs = 'honoured' | 'ignored';

/**
 * A folder in memory that keeps what is synced apart from what is not. A power cut leaves what was synced, and any
 * subset of the rest: writes in pieces of a sector, lengths, names made, changed and removed. Test support: under the
 * journal it shows what a process that is only killed never can.
 */
export class PowerLossFolder implements JournalFolder {
  readonly #syncs: Syncs;
  /** Names that last, those in force, and what was done in between. */
  #durable = new Map<string, Inode>();
  #names = new Map<string, Inode>();
  #namings: Naming[] = [];
  /** After a cut, what a process of before still does reaches nothing. */
  #isCut = false;
  /** Called before every operation that changes something; throws what the disk is to say. */
  onChange: (
    operation: 'write' | 'sync' | 'create' | 'truncate' | 'rename' | 'remove',
    name: string,
  ) => void = () => {};

  constructor(syncs: Syncs = 'honoured') {
    this.#syncs = syncs;
  }

  /**
   * The power fails now.
   *
   * @param random 0 <= n < 1: what of the unsynced is left
   * @returns the folder as the next boot finds it; this one is dead
   */
  cut(random: () => number): PowerLossFolder {
    this.#isCut = true;
    const names = new Map(this.#durable);
    for (const naming of this.#namings) {
      if (random() < 0.5) apply(names, naming);
    }
    const next = new PowerLossFolder(this.#syncs);
    const survivors = new Map<Inode, Inode>();
    for (const [name, inode] of names) {
      const survivor = survivors.get(inode) ?? { synced: torn(inode, random), changes: [] };
      survivors.set(inode, survivor);
      next.#durable.set(name, survivor);
      next.#names.set(name, survivor);
    }
    return next;
  }

  /** The folder as another process finds it after this one was killed: nothing is lost. */
  killed(): PowerLossFolder {
    this.#isCut = true;
    const next = new PowerLossFolder(this.#syncs);
    next.#durable = this.#durable;
    next.#names = new Map(this.#names);
    next.#namings = [...this.#namings];
    return next;
  }

  async take(): Promise<void> {}

  async release(): Promise<void> {}

  async list(): Promise<readonly string[]> {
    return [...this.#names.keys()];
  }

  async size(name: string): Promise<number> {
    return contents(this.#inode(name)).length;
  }

  async read(name: string): Promise<Buffer> {
    return Buffer.from(contents(this.#inode(name)));
  }

  readSync(name: string, offset: number, length: number): Buffer {
    return Buffer.from(contents(this.#inode(name)).subarray(offset, offset + length));
  }

  async create(name: string): Promise<JournalFile> {
    await this.#change('create', name);
    if (this.#names.has(name)) throw Object.assign(new Error(`${name} exists`), { code: 'EEXIST' });
    const inode: Inode = { synced: Buffer.alloc(0), changes: [] };
    this.#name({ kind: 'link', name, inode });
    return this.#file(name, inode);
  }

  async open(name: string): Promise<JournalFile> {
    const inode = this.#names.get(name);
    return inode === undefined ? this.create(name) : this.#file(name, inode);
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#change('rename', from);
    this.#inode(from);
    this.#name({ kind: 'rename', from, to });
  }

  async remove(name: string): Promise<void> {
    await this.#change('remove', name);
    if (this.#names.has(name)) this.#name({ kind: 'unlink', name });
  }

  async sync(): Promise<void> {
    await this.#change('sync', '.');
    if (this.#syncs === 'ignored' || this.#isCut) return;
    this.#durable = new Map(this.#names);
    this.#namings = [];
  }

  #file(name: string, inode: Inode): JournalFile {
    return {
      write: async (bytes, position) => {
        await this.#change('write', name);
        if (!this.#isCut) inode.changes.push({ kind: 'write', bytes: Buffer.from(bytes), position });
      },
      truncate: async (length) => {
        await this.#change('truncate', name);
        if (!this.#isCut) inode.changes.push({ kind: 'truncate', length });
      },
      sync: async () => {
        await this.#change('sync', name);
        if (this.#syncs === 'ignored' || this.#isCut) return;
        inode.synced = contents(inode);
        inode.changes = [];
      },
      close: async () => {},
    };
  }

  /** Every operation takes a turn of its own, so that a cut may fall between any two of them. */
  async #change(operation: Parameters<PowerLossFolder['onChange']>[0], name: string): Promise<void> {
    await Promise.resolve();
    this.onChange(operation, name);
  }

  #name(naming: Naming): void {
    if (this.#isCut) return;
    apply(this.#names, naming);
    this.#namings.push(naming);
  }

  #inode(name: string): Inode {
    const inode = this.#names.get(name);
    if (inode === undefined) throw Object.assign(new Error(`${name} is not there`), { code: 'ENOENT' });
    return inode;
  }
}

function apply(names: Map<string, Inode>, naming: Naming): void {
  switch (naming.kind) {
    case 'link':
      names.set(naming.name, naming.inode);
      return;
    case 'unlink':
      names.delete(naming.name);
      return;
    case 'rename': {
      const inode = names.get(naming.from);
      if (inode === undefined) return;
      names.delete(naming.from);
      names.set(naming.to, inode);
    }
  }
}

function contents({ synced, changes }: Inode): Buffer {
  return changes.reduce(changed, synced);
}

function changed(bytes: Buffer, change: Change): Buffer {
  const length = change.kind === 'write' ? change.position + change.bytes.length : change.length;
  if (change.kind === 'truncate' && length <= bytes.length) return bytes.subarray(0, length);
  const result = Buffer.alloc(Math.max(length, bytes.length));
  bytes.copy(result);
  if (change.kind === 'write') change.bytes.copy(result, change.position);
  return result;
}

/** What a power cut leaves of a file: each change, or each sector of a write, arrived or did not. */
function torn(inode: Inode, random: () => number): Buffer {
  let bytes = inode.synced;
  for (const change of inode.changes) {
    if (change.kind === 'truncate') {
      if (random() < 0.5) bytes = changed(bytes, change);
      continue;
    }
    // Mostly all of a write, or nothing: the cases between are the rarer ones on a real disk, and only of large ones.
    const whole = random() < 0.5;
    for (let at = 0; at < change.bytes.length; at += sectorBytes) {
      if (!whole && random() < 0.5) continue;
      const end = Math.min(at + sectorBytes, change.bytes.length);
      const some = !whole && random() < 0.3 ? at + Math.floor(random() * (end - at)) : end;
      bytes = changed(bytes, {
        kind: 'write',
        bytes: change.bytes.subarray(at, some),
        position: change.position + at,
      });
    }
  }
  // The length may be there before the data is.
  if (inode.changes.length > 0 && random() < 0.3) {
    const full = contents(inode).length;
    if (full > bytes.length) bytes = changed(bytes, { kind: 'truncate', length: full });
  }
  return bytes;
}
