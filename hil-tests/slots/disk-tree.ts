import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { SeededRandom } from '../rig/random.ts';
import { FileModel, type Syncs, writeOf } from '../scenarios/power-cut.ts';
import { type CallEvent, otherPath } from '../scenarios/system-calls.ts';

/** A file as the disk has it; who may run it lasts with what it holds. */
class File {
  readonly content: FileModel;
  mode: number;
  durableMode: number;

  constructor(content: Buffer, mode: number) {
    this.content = new FileModel(content);
    this.mode = mode;
    this.durableMode = mode;
  }
}

/** Names in force, and those that last: each that was not synced may be either after a cut. */
class Folder {
  readonly names = new Map<string, Node>();
  durable: ReadonlyMap<string, Node> = new Map();
}

type Node = File | Folder;

/** Calls that change what is on a disk, or make it last. */
const changing =
  /^(openat|rename|renameat|renameat2|unlink|unlinkat|rmdir|mkdir|mkdirat|chmod|fchmod|fchmodat|ftruncate|\w*write\w*|fsync|fdatasync)$/;

/**
 * Folders of a disk that loses what was not synced, rebuilt from what strace saw of the processes that work in them, up to any
 * call. Harsher than POSIX: of a name that was not synced the old or the new may be there, each for itself, so a renaming
 * that was cut may leave both names or none.
 */
export class DiskTree {
  readonly #roots: ReadonlyMap<string, Folder>;
  readonly #syncs: Syncs;
  readonly #syncing = new Map<number, () => void>();

  /** @param roots folders of the disk, which are there, and synced as they are */
  constructor(roots: readonly string[], syncs: Syncs = 'honoured') {
    this.#roots = new Map(roots.map((root) => [root, folderFrom(root)]));
    this.#syncs = syncs;
  }

  /** Whether a call may change what is in these folders. */
  concerns({ call, target, rest }: CallEvent): boolean {
    if (!changing.test(call) || rest.startsWith('(deleted)')) return false;
    if (call === 'openat' && !/O_CREAT|O_TRUNC/.test(rest)) return false;
    return [target, otherPath(rest)].some((path) =>
      [...this.#roots.keys()].some((root) => path === root || path.startsWith(`${root}/`)),
    );
  }

  /** Takes the next call in that concerns it. @returns whether a cut may leave something else now than before it */
  take(event: CallEvent): boolean {
    const { kind, call, target, result } = event;
    const isDone = kind === 'returns' && result !== undefined && result >= 0;
    if (call === 'fsync' || call === 'fdatasync') {
      this.#sync(event);
      return isDone;
    }
    if (/write/.test(call)) {
      const file = this.#find(target);
      // From its beginning on any part of it may reach the disk.
      if (kind === 'returns' || !(file instanceof File)) return false;
      file.content.change(writtenBy(event, file));
      return true;
    }
    if (isDone) this.#change(event);
    return isDone;
  }

  #change({ call, target, rest }: CallEvent): void {
    switch (call) {
      case 'openat':
        this.#open(target, rest);
        return;
      case 'mkdir':
      case 'mkdirat':
        this.#folderOf(target)?.names.set(basename(target), new Folder());
        return;
      case 'rename':
      case 'renameat':
      case 'renameat2': {
        const node = this.#find(target);
        if (node === undefined) return;
        this.#folderOf(target)?.names.delete(basename(target));
        const to = otherPath(rest);
        this.#folderOf(to)?.names.set(basename(to), node);
        return;
      }
      case 'ftruncate': {
        const file = this.#find(target);
        if (!(file instanceof File)) return;
        file.content.change({ kind: 'truncate', length: Number(/^, (\d+)/.exec(rest)?.[1]) });
        return;
      }
      case 'chmod':
      case 'fchmod':
      case 'fchmodat': {
        const file = this.#find(target);
        if (file instanceof File) file.mode = modeIn(rest);
        return;
      }
      default:
        this.#folderOf(target)?.names.delete(basename(target));
    }
  }

  /** Puts what a power cut now may leave into other folders, by their place among the roots. */
  cut(places: readonly string[], random: SeededRandom): void {
    [...this.#roots.values()].forEach((root, index) => {
      leave(root, places[index] as string, random);
    });
  }

  #open(path: string, rest: string): void {
    const file = this.#find(path);
    if (file === undefined && /O_CREAT/.test(rest)) {
      this.#folderOf(path)?.names.set(basename(path), new File(Buffer.alloc(0), modeIn(rest)));
    } else if (file instanceof File && /O_TRUNC/.test(rest)) {
      file.content.change({ kind: 'truncate', length: 0 });
    }
  }

  #sync({ kind, target, thread, result }: CallEvent): void {
    if (this.#syncs === 'ignored') return;
    if (kind === 'returns') {
      if (result === 0) this.#syncing.get(thread)?.();
      this.#syncing.delete(thread);
      return;
    }
    const node = this.#find(target);
    if (node instanceof Folder) {
      const names = new Map(node.names);
      this.#syncing.set(thread, () => {
        node.durable = names;
      });
    } else if (node instanceof File) {
      const { pending } = node.content;
      const { mode } = node;
      this.#syncing.set(thread, () => {
        node.content.synced(pending);
        node.durableMode = mode;
      });
    }
  }

  #find(path: string): Node | undefined {
    for (const [root, folder] of this.#roots) {
      if (path === root) return folder;
      if (!path.startsWith(`${root}/`)) continue;
      let node: Node | undefined = folder;
      for (const name of path.slice(root.length + 1).split('/')) {
        node = node instanceof Folder ? node.names.get(name) : undefined;
      }
      return node;
    }
    return undefined;
  }

  #folderOf(path: string): Folder | undefined {
    const folder = this.#find(dirname(path));
    return folder instanceof Folder ? folder : undefined;
  }
}

function writtenBy({ call, target, rest }: CallEvent, { content }: File): ReturnType<typeof writeOf> {
  if (call === 'pwrite64') return writeOf(rest);
  if (call === 'write') return writeOf(rest, content.length);
  throw new Error(`${call} to ${target} cannot be modelled`);
}

/** The last octal number of a call's arguments. */
function modeIn(rest: string): number {
  return Number.parseInt(/, 0(\d{3,4})\) += /.exec(rest)?.[1] ?? '644', 8);
}

function folderFrom(path: string): Folder {
  const folder = new Folder();
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    const each = join(path, entry.name);
    if (entry.isDirectory()) folder.names.set(entry.name, folderFrom(each));
    else if (entry.isFile()) {
      folder.names.set(entry.name, new File(readFileSync(each), statSync(each).mode & 0o777));
    }
  }
  folder.durable = new Map(folder.names);
  return folder;
}

function leave(folder: Folder, to: string, random: SeededRandom): void {
  mkdirSync(to, { recursive: true });
  for (const name of new Set([...folder.durable.keys(), ...folder.names.keys()])) {
    const [before, now] = [folder.durable.get(name), folder.names.get(name)];
    const node = before === now || random.integer(0, 1) === 1 ? now : before;
    if (node instanceof Folder) leave(node, join(to, name), random);
    else if (node !== undefined) {
      const mode = random.integer(0, 1) === 1 ? node.mode : node.durableMode;
      writeFileSync(join(to, name), node.content.afterCut(random), { mode });
    }
  }
}
