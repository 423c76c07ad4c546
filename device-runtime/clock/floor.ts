import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { limits } from '@loadline/sdk/contract';
import { type Log, writeWhole } from '@loadline/sdk/platform';
import * as z from 'zod';
import { drift } from './word.ts';

/** Times that were surely past when the runtime started, ms since 1970; 0 where nothing is known. */
export interface Floors {
  /** Written here while the cloud vouched for the time, or when this software was built: it is never gone below. */
  readonly own: number;
  /** When systemd-timesyncd saved its clock last: good as long as nobody vouches for anything better. */
  readonly saved: number;
}

const floorFile = z.strictObject({ version: z.literal(1), wall: z.number().int().nonnegative() });

/**
 * Nothing says that it is later than this long after the software was built: a clock that once stood at 2099 must not
 * become a floor that refuses every certificate from then on.
 */
const lifetime = 20 * 366 * 86_400_000;

export interface FloorOptions {
  /** The state folder; the floor is kept in `clock.json` in it. */
  readonly state: string;
  /** systemd-timesyncd's saved clock: its modification time counts. */
  readonly savedFile: string;
  /** When this software was built, ms since 1970; undefined where that is not known. */
  readonly built: number | undefined;
  readonly log: Log;
}

/** What was surely past at the start, out of files. Whatever is wrong with them, there is an answer. */
export function readFloors({ state, savedFile, built, log }: FloorOptions): Floors {
  const latest = built === undefined ? limits.wallMilliseconds : built + lifetime;
  const plausible = (wall: number): number => (wall >= 0 && wall <= latest ? Math.floor(wall) : 0);
  const own = floorPath(state);
  let kept = 0;
  try {
    kept = floorFile.parse(JSON.parse(readFileSync(own, 'utf8'))).wall;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT') log.warn('clock-floor-unreadable', { file: own, reason: message.slice(0, 200) });
  }
  return {
    own: Math.max(plausible(kept), built ?? 0),
    saved: plausible(touchedAt(savedFile) ?? 0),
  };
}

/** Keeps a floor for the next start: whole, synced, readable by the owner alone. */
export async function writeFloor(state: string, wall: number): Promise<void> {
  await writeWhole(floorPath(state), `${JSON.stringify({ version: 1, wall: Math.floor(wall) })}\n`, 0o600);
}

/** When a file was touched last, ms since 1970; undefined where there is none, or none that may be looked at. */
export function touchedAt(file: string): number | undefined {
  try {
    return statSync(file).mtimeMs;
  } catch {
    return undefined;
  }
}

/** A time that is surely past, `elapsed` milliseconds of the monotonic clock after it was so first. */
export function floorAfter(wall: number, elapsed: number): number {
  return Math.floor(wall + elapsed * (1 - drift));
}

const floorPath = (state: string): string => join(state, 'clock.json');
