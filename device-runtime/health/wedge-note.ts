import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readIfThere, removeWhole, writeWhole } from '@loadline/sdk/platform';

/**
 * What a run that is ended by the watchdog leaves for the next one, in the state folder.
 *
 * `wedged.json` is the gateway's own, written when it stops feeding the watchdog. `ended-by-watchdog` is made by the
 * unit's ExecStopPost: it tells the end of a run whose event loop stood still, which could write nothing.
 */
const noteFile = 'wedged.json';
const markFile = 'ended-by-watchdog';

const maxDetail = 200;

/** Notes what stands still, on disk and synced. */
export async function noteWedge(state: string, what: string, uptimeSeconds: number): Promise<void> {
  const note = { what: what.slice(0, maxDetail), uptimeSeconds: Math.round(uptimeSeconds) };
  await writeWhole(join(state, noteFile), `${JSON.stringify(note)}\n`, 0o600);
}

/**
 * What the run before this one left, as the detail of a `gateway-wedged` event; undefined where it ended otherwise.
 * The notes stay until `forgetWedge`: whoever is told has it on disk first.
 */
export async function readWedge(state: string): Promise<string | undefined> {
  const note = await readIfThere(join(state, noteFile));
  const isMarked = await stat(join(state, markFile)).then(
    () => true,
    () => false,
  );
  if (note === undefined) return isMarked ? 'the watchdog ended it: its event loop stood still' : undefined;
  const end = isMarked ? 'the watchdog ended it' : 'it ended';
  try {
    const { what, uptimeSeconds } = JSON.parse(note) as Record<string, unknown>;
    if (typeof what === 'string' && typeof uptimeSeconds === 'number') {
      return `${end} after ${uptimeSeconds} s: ${what.slice(0, maxDetail)}`;
    }
  } catch {
    // A note that cannot be read is still one.
  }
  return `${end}, wedged`;
}

/** The event has been told, or the gateway has gone on by itself. */
export async function forgetWedge(state: string): Promise<void> {
  await removeWhole(join(state, noteFile));
  await rm(join(state, markFile), { force: true });
}
