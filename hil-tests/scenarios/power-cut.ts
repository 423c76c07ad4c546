import { readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { SeededRandom } from '../rig/random.ts';
import { type CallEvent, otherPath } from './system-calls.ts';

/** What a disk writes whole: of a write that the power is cut in, any of its sectors may be there. */
const sectorBytes = 512;

/** A change of a file that a power cut may take back. */
type Change =
  | { readonly kind: 'write'; readonly offset: number; readonly bytes: Uint8Array }
  | { readonly kind: 'truncate'; readonly length: number };

/** A file as the disk has it for sure, and what has been done to it since and not synced. */
export class FileModel {
  #durable: Buffer;
  #pending: Change[] = [];
  #length: number;

  constructor(content: Buffer) {
    this.#durable = content;
    this.#length = content.length;
  }

  change(change: Change): void {
    this.#pending.push(change);
    this.#length =
      change.kind === 'truncate'
        ? change.length
        : Math.max(this.#length, change.offset + change.bytes.length);
  }

  /** As the process sees it. */
  get length(): number {
    return this.#length;
  }

  /** How many changes a sync that begins now makes durable. */
  get pending(): number {
    return this.#pending.length;
  }

  synced(changes: number): void {
    this.#durable = withChanges(this.#durable, this.#pending.splice(0, changes));
  }

  /** What a power cut may leave: all that is durable, and of the rest any sectors, drawn by lot. */
  afterCut(random: SeededRandom): Buffer {
    return withChanges(
      this.#durable,
      this.#pending.flatMap((change) => remains(change, random)),
    );
  }
}

/** The content after changes in their order; what lies behind its end before a write is zeros. */
function withChanges(content: Buffer, changes: readonly Change[]): Buffer {
  const ends = changes.map((change) =>
    change.kind === 'write' ? change.offset + change.bytes.length : change.length,
  );
  const room = Buffer.alloc(ends.reduce((most, end) => Math.max(most, end), content.length));
  content.copy(room);
  let length = content.length;
  for (const change of changes) {
    if (change.kind === 'truncate') {
      room.fill(0, change.length);
      length = change.length;
    } else {
      room.set(change.bytes, change.offset);
      length = Math.max(length, change.offset + change.bytes.length);
    }
  }
  return room.subarray(0, length);
}

/** All of a change, none of it, or some sectors of it: each as likely as the others. */
function remains(change: Change, random: SeededRandom): Change[] {
  const lot = random.integer(0, 2);
  if (lot === 0) return [];
  if (lot === 1 || change.kind === 'truncate') return [change];
  const sectors: Change[] = [];
  for (let start = 0; start < change.bytes.length; start += sectorBytes) {
    if (random.integer(0, 1) === 0) continue;
    const bytes = change.bytes.subarray(start, start + sectorBytes);
    sectors.push({ kind: 'write', offset: change.offset + start, bytes });
  }
  return sectors;
}

/** A change of the names in a folder that a power cut may take back. */
type Naming =
  | { readonly kind: 'link'; readonly path: string; readonly file: FileModel }
  | { readonly kind: 'rename'; readonly from: string; readonly to: string }
  | { readonly kind: 'unlink'; readonly path: string };

/** `ignored` is a control: a disk that says it has synced and has not. */
export type Syncs = 'honoured' | 'ignored';

export interface DiskModelOptions {
  /** A folder in which files are made, renamed and removed. Default: none, the files are those given. */
  readonly folder?: string;
  readonly syncs?: Syncs;
}

/** Calls that change names. */
const namingCall = /^(openat|rename|renameat|renameat2|link|linkat|unlink|unlinkat)$/;

/**
 * The layer under a database or a journal that loses what was not synced: its files, rebuilt from every write,
 * truncation, naming and sync that strace saw of the process, up to any moment of its run.
 */
export class DiskModel {
  readonly #folder: string | undefined;
  readonly #syncs: Syncs;
  /** Names that last, those in force, and what was done in between. */
  #durable: Map<string, FileModel>;
  readonly #files: Map<string, FileModel>;
  #namings: Naming[] = [];
  /** What each sync under way will have made durable when it returns, by thread. */
  readonly #syncing = new Map<number, () => void>();

  /** @param files paths as the process has them open, to copies of what they held when the trace began */
  constructor(files: ReadonlyMap<string, Buffer>, options: DiskModelOptions = {}) {
    this.#folder = options.folder;
    this.#syncs = options.syncs ?? 'honoured';
    this.#files = new Map([...files].map(([path, content]) => [path, new FileModel(content)]));
    this.#durable = new Map(this.#files);
  }

  /** Takes the next event of the trace in. */
  take(event: CallEvent): void {
    if (namingCall.test(event.call)) this.#name(event);
    else if (/sync$/.test(event.call)) this.#sync(event);
    else this.#write(event);
  }

  /** Writes into `folder` what a power cut at this moment may leave: of the names, and of each file. */
  cut(folder: string, random: SeededRandom): void {
    const names = new Map(this.#durable);
    for (const naming of this.#namings) if (random.integer(0, 1) === 1) apply(names, naming);
    for (const [path, file] of names) writeFileSync(join(folder, basename(path)), file.afterCut(random));
  }

  #write({ kind, call, target, rest }: CallEvent): void {
    const file = this.#files.get(target);
    // A file that has no name any more is nobody's after a cut.
    if (file === undefined || rest.startsWith('(deleted)')) return;
    // From its beginning on any part of it may reach the disk.
    if (kind !== 'begins') return;
    if (call === 'ftruncate') file.change({ kind: 'truncate', length: Number(/^, (\d+)/.exec(rest)?.[1]) });
    else if (call === 'pwrite64') file.change(writeOf(rest));
    else if (call === 'write') file.change(writeOf(rest, file.length));
    else if (/write/.test(call)) throw new Error(`${call} to ${target} cannot be modelled`);
  }

  #sync({ kind, thread, target, result }: CallEvent): void {
    if (this.#syncs === 'ignored') return;
    if (kind === 'returns') {
      if (result === 0) this.#syncing.get(thread)?.();
      this.#syncing.delete(thread);
      return;
    }
    const file = this.#files.get(target);
    if (file !== undefined) {
      const changes = file.pending;
      this.#syncing.set(thread, () => file.synced(changes));
    } else if (target === this.#folder) {
      const namings = this.#namings.length;
      this.#syncing.set(thread, () => {
        for (const naming of this.#namings.splice(0, namings)) apply(this.#durable, naming);
      });
    } else this.#syncing.delete(thread);
  }

  #name({ kind, call, target, rest, result }: CallEvent): void {
    // Whether there is a change at all, its return says.
    if (kind !== 'returns' || result === undefined || !(result >= 0)) return;
    const to = otherPath(rest);
    if (this.#folder === undefined || ![target, to].some((path) => dirname(path) === this.#folder)) return;
    if (call.startsWith('unlink')) this.#change({ kind: 'unlink', path: target });
    else if (call.startsWith('rename')) this.#change({ kind: 'rename', from: target, to });
    else if (call.startsWith('link')) {
      const file = this.#files.get(target);
      if (file !== undefined) this.#change({ kind: 'link', path: to, file });
    } else if (/O_CREAT/.test(rest) && !this.#files.has(target)) {
      this.#change({ kind: 'link', path: target, file: new FileModel(Buffer.alloc(0)) });
    } else if (/O_TRUNC/.test(rest)) this.#files.get(target)?.change({ kind: 'truncate', length: 0 });
  }

  #change(naming: Naming): void {
    apply(this.#files, naming);
    this.#namings.push(naming);
  }
}

function apply(names: Map<string, FileModel>, naming: Naming): void {
  switch (naming.kind) {
    case 'link':
      names.set(naming.path, naming.file);
      return;
    case 'unlink':
      names.delete(naming.path);
      return;
    case 'rename': {
      const file = names.get(naming.from);
      if (file === undefined) return;
      names.delete(naming.from);
      names.set(naming.to, file);
    }
  }
}

/** `, "\x53\x51…", 4096, 8192` behind the descriptor: bytes, their number, the offset, if it has one. */
export function writeOf(rest: string, position?: number): Change {
  const end = rest.indexOf('"', 3);
  const bytes = Buffer.from(rest.slice(3, end).replaceAll('\\x', ''), 'hex');
  const [, length, offset = position] = /^", (\d+)(?:, (\d+))?/.exec(rest.slice(end)) ?? [];
  if (bytes.length !== Number(length)) throw new Error(`strace shows ${bytes.length} of ${length} bytes`);
  return { kind: 'write', offset: Number(offset), bytes };
}

/** Copies of what files hold now. */
export function contentsOf(paths: readonly string[]): Map<string, Buffer> {
  return new Map(paths.map((path) => [path, readFileSync(path)]));
}
