import type { Held } from './entry.ts';
import type { BucketName } from './limits.ts';
import type { HashedSubject } from './subject.ts';

/** A block as it is listed, kept over a restart, and ended. Plain JSON; times in ms since 1970. */
export interface Block extends Held {
  /** Tells what is blocked, in characters of a URL's path. The same for the next block of the same. */
  readonly id: string;
  readonly subject?: HashedSubject;
  /** The place or network, where it is one that is blocked. */
  readonly source?: string;
  /** Where the failures came from, at most eight of them. */
  readonly sources: readonly string[];
  readonly failures: number;
  /** The time of the last failure, and what the counter said then. */
  readonly last: number;
  readonly emptyAt: number;
  readonly row: number;
  readonly repeats: number;
}

/** What ended a block. `overflow`: it holds on in a shared counter. */
export type UnblockedBy = 'time' | 'unblocked' | 'proven' | 'renewed' | 'overflow';

export function blockId(bucket: BucketName, key: string): string {
  return `${bucket}.${Buffer.from(key).toString('base64url')}`;
}

/** The reverse of {@link blockId}, for an id that came from there. */
export function keyOfBlock(id: string): { bucket: BucketName; key: string } {
  const dot = id.indexOf('.');
  return {
    bucket: id.slice(0, dot) as BucketName,
    key: Buffer.from(id.slice(dot + 1), 'base64url').toString(),
  };
}
