// What a cut of the cloud's power leaves, at any moment of a run in which a device sends one message after the other.
import { copyFileSync, mkdirSync, rmSync } from 'node:fs';
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readReadings } from '@loadline/cloud';
import * as assert from 'uvu/assert';
import { SeededRandom } from '../rig/random.ts';
import { CloudProcess } from '../system/index.ts';
import { contentsOf, DiskModel } from './power-cut.ts';
import { type CallEvent, SystemCalls } from './system-calls.ts';

const seed = Number(process.env.LOADLINE_SEED ?? 1);
/** Enough bytes that the log is taken over into the database, and begun anew, more than once. */
const messages = 120;
/** Readings in each message. */
export const readingsOfMessage = 1200;
/** Moments at which the power is cut, spread over the run, and lots drawn at each. */
const moments = 40;
const lots = 2;

/** Somebody who delivers by one of the doors, on one connection. */
export interface OneAtATime {
  /** The connection's own port. */
  readonly port: number;
  /** Delivers a message of `readingsOfMessage` readings that are noise; resolves when it is acknowledged. */
  send(): Promise<void>;
  end(): void;
}

/** A run of the cloud, one message at a time: what it did to its disk, and when it answered. */
interface Traced {
  readonly folder: string;
  readonly before: ReadonlyMap<string, Buffer>;
  readonly events: readonly CallEvent[];
  readonly clientPort: number;
}

/** Sends one message after the other to a cloud that strace watches. A text is why it could not. */
async function trace(
  folder: string,
  open: (cloud: CloudProcess) => Promise<OneAtATime>,
  program?: URL,
): Promise<Traced | string> {
  const state = join(folder, 'cloud');
  const cloud = await CloudProcess.start({ state, ...(program && { program }) });
  try {
    const sender = await open(cloud);
    try {
      await sender.send();
      const calls = await SystemCalls.of(cloud.service.pid, join(folder, 'trace'), 'all');
      if (typeof calls === 'string') return calls;
      const real = await realpath(state);
      const before = contentsOf(['loadline.db', 'loadline.db-wal'].map((name) => join(real, name)));
      for (let message = 1; message < messages; message++) await sender.send();
      return { folder, before, events: await calls.end(), clientPort: sender.port };
    } finally {
      sender.end();
    }
  } finally {
    await cloud.service.stop();
  }
}

/** Cuts the power at many moments; how many of the messages acknowledged until then are missing, at the worst. */
function worstLoss({ folder, before, events, clientPort }: Traced): { missing: number; answered: number } {
  const random = new SeededRandom(seed);
  const disk = new DiskModel(before);
  const after = join(folder, 'after');
  mkdirSync(after);
  copyFileSync(join(folder, 'cloud/database.key'), join(after, 'database.key'));
  const every = Math.floor(events.length / moments);
  // The first was answered before the trace began.
  let answered = 1;
  let missing = 0;
  events.forEach((event, index) => {
    const answers = event.kind === 'begins' && /^(write|send)/.test(event.call);
    if (answers && event.target.includes(`->127.0.0.1:${clientPort}]`)) answered++;
    disk.take(event);
    if (index % every !== 0) return;
    for (let lot = 0; lot < lots; lot++) {
      disk.cut(after, random);
      // The log's index is memory, shared through a file: a power cut leaves none.
      rmSync(join(after, 'loadline.db-shm'), { force: true });
      missing = Math.max(missing, answered - storedIn(after));
    }
  });
  return { missing, answered };
}

/** Messages in the database that a cut left; none where it does not even open. */
function storedIn(folder: string): number {
  try {
    let stored = 0;
    for (const _ of readReadings(folder)) stored++;
    return stored / readingsOfMessage;
  } catch {
    return 0;
  }
}

/**
 * The most messages that a cut takes of those that were acknowledged before it, whatever the disk loses of what was not
 * synced. A text is why the cloud could not be watched.
 *
 * @param program another cloud than the project's own
 */
export async function lostByCuts(
  open: (cloud: CloudProcess) => Promise<OneAtATime>,
  program?: URL,
): Promise<number | string> {
  const folder = await mkdtemp(join(tmpdir(), 'loadline-power-'));
  try {
    const traced = await trace(folder, open, program);
    if (typeof traced === 'string') return traced;
    const { missing, answered } = worstLoss(traced);
    assert.is(answered, messages, 'every answer was seen to leave');
    return missing;
  } finally {
    await rm(folder, { recursive: true });
  }
}
