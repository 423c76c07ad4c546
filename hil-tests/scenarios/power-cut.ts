import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { SeededRandom } from '../rig/random.ts';
import type { CallEvent } from './system-calls.ts';

/** What a disk writes whole: of a write that the power is cut in, any of its sectors may be there. */
const sectorBytes = 512;

/** A change of a file that a power cut may take back. */
type Change =
  | { readonly kind: 'write'; readonly offset: number; readonly bytes: Uint8Array }
  | { readonly kind: 'truncate'; readonly length: number };

/** A file as the disk has it for sure, and what has been done to it since and not synced. */
class FileModel {
  #durable: Buffer;
  #pending: Change[] = [];

  constructor(content: Buffer) {
    this.#durable = content;
  }

  change(change: Change): void {
    this.#pending.push(change);
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

/**
 * The layer under a database that loses what was not synced: its files, rebuilt from every write, truncation and sync
 * that strace saw of the process, up to any moment of its run.
 */
export class DiskModel {
  readonly #files: Map<string, FileModel>;
  /** Changes that each sync under way will have made durable when it returns, by thread. */
  readonly #syncing = new Map<number, { readonly file: FileModel; readonly changes: number }>();

  /** @param files paths as the process has them open, to copies of what they held when the trace began */
  constructor(files: ReadonlyMap<string, Buffer>) {
    this.#files = new Map([...files].map(([path, content]) => [path, new FileModel(content)]));
  }

  /** Takes the next event of the trace in. */
  take({ kind, thread, call, target, rest, result }: CallEvent): void {
    const file = this.#files.get(target);
    if (file === undefined) return;
    if (/sync$/.test(call)) {
      if (kind === 'begins') this.#syncing.set(thread, { file, changes: file.pending });
      else if (result === 0) file.synced(this.#syncing.get(thread)?.changes ?? 0);
      return;
    }
    // From its beginning on any part of it may reach the disk.
    if (kind !== 'begins') return;
    if (call === 'ftruncate') file.change({ kind: 'truncate', length: Number(/^, (\d+)/.exec(rest)?.[1]) });
    else if (call === 'pwrite64') file.change(writeOf(rest));
    else if (/write/.test(call)) throw new Error(`${call} to ${target} has no offset: it cannot be modelled`);
  }

  /** Writes into `folder` what a power cut at this moment may leave of each file. */
  cut(folder: string, random: SeededRandom): void {
    for (const [path, file] of this.#files) {
      writeFileSync(join(folder, basename(path)), file.afterCut(random));
    }
  }
}

/** `, "\x53\x51…", 4096, 8192` behind the descriptor: bytes, their number, the offset. */
function writeOf(rest: string): Change {
  const end = rest.indexOf('"', 3);
  const bytes = Buffer.from(rest.slice(3, end).replaceAll('\\x', ''), 'hex');
  const [, length, offset] = /^", (\d+), (\d+)/.exec(rest.slice(end)) ?? [];
  if (bytes.length !== Number(length)) throw new Error(`strace shows ${bytes.length} of ${length} bytes`);
  return { kind: 'write', offset: Number(offset), bytes };
}

/** Copies of what files hold now. */
export function contentsOf(paths: readonly string[]): Map<string, Buffer> {
  return new Map(paths.map((path) => [path, readFileSync(path)]));
}
